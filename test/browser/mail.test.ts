import { test } from 'tap'
import { noticeKinds } from '../../src/schemas/notice.ts'
import { fatima } from '../auth/account-setup.ts'
import { openMail } from '../integrations/mail/setup.ts'
import { skip, startChromium } from './chromium.ts'

/** WCAG 2.2, success criterion 1.4.3. */
const leastContrast = 4.5

/** The least contrast of a text with what is behind it, the width that the page takes, and what it has loaded. */
const look = `(() => {
  const parts = (color) => color.match(/[\\d.]+/g).map(Number)
  const luminance = (color) => parts(color).slice(0, 3)
    .map((each) => each / 255)
    .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0)
  const ground = (element) => {
    const color = getComputedStyle(element).backgroundColor
    return parts(color)[3] === 0 ? ground(element.parentElement) : color
  }
  const contrasts = [...document.querySelectorAll('h1, p, a')].map((element) => {
    const [light, dark] = [getComputedStyle(element).color, ground(element)].map(luminance).sort((a, b) => b - a)
    return (light + 0.05) / (dark + 0.05)
  })
  return {
    contrast: Math.min(...contrasts),
    width: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    loaded: performance.getEntriesByType('resource').length,
    direction: getComputedStyle(document.querySelector('h1')).direction,
    dark: matchMedia('(prefers-color-scheme: dark)').matches,
  }
})()`

test('a delivered message reads well, in light and dark, on a small screen, and loads nothing', { skip }, async (t) => {
  const { post, next, get } = await openMail(t)
  await post('/auth/sign-up', fatima, { 'accept-language': 'ar' })
  const { mail } = await next()
  const previews = await Promise.all(
    noticeKinds.map((kind) => get<{ html: string }>(`/mail/messages/${kind}?locale=de`)),
  )
  const pages = [String(mail.html), ...previews.map(({ html }) => html)]
  const browser = await startChromium(t)
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await (await browser.newContext({ colorScheme, viewport: { width: 320, height: 640 } })).newPage()
    for (const [index, html] of pages.entries()) {
      await page.goto(`data:text/html;charset=utf-8;base64,${Buffer.from(html).toString('base64')}`)
      const seen = await page.evaluate<{ contrast: number; dark: boolean }>(look)
      const direction = index === 0 ? 'rtl' : 'ltr'
      t.match(seen, { width: 0, loaded: 0, direction, dark: colorScheme === 'dark' }, `${colorScheme} ${index}`)
      t.ok(seen.contrast >= leastContrast, `${colorScheme} ${index}: ${seen.contrast}`)
      if (process.env.SCREENSHOTS)
        await page.screenshot({ path: `${process.env.SCREENSHOTS}/mail-${colorScheme}-${index}.png` })
    }
  }
})
