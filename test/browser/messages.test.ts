import { test } from 'tap'
import { listen } from '../helper.ts'
import { type Page, skip, startChromium } from './chromium.ts'

const person = { name: 'Fatima', email: 'fatima@example.com', password: 'violet tram at noon' }

test('a person follows the links of messages: verifies the address, then sets another password', {
  skip,
}, async (t) => {
  const { app, base } = await listen(t)
  const page = await (await (await startChromium(t)).newContext()).newPage()
  const complaints: string[] = []
  page.on('pageerror', ({ message = '' }) => complaints.push(message))
  page.on('console', (message) => complaints.push(message.text?.() ?? ''))
  const post = (url: string, payload: object) => app.inject({ method: 'POST', url, payload })
  const signIn = (password: string) => post('/auth/sign-in', { email: person.email, password })
  const linkOf = async (kind: string) => {
    await app.accounts.afterwards.done()
    const link = (await app.notices.pending()).find((notice) => notice.kind === kind)?.link ?? ''
    return link.replace(/^https?:\/\/[^/]+/, base)
  }

  await post('/auth/sign-up', person)
  await page.goto(await linkOf('verify-email'))
  await answer(page, 'not the password')
  await page.waitForSelector('#problem:not([hidden])')
  await shoot(page, 'verify-email-wrong')
  t.match(await page.textContent('#problem'), /not the password of your sign-up/)
  await answer(page, person.password)
  await page.waitForSelector('#done:not([hidden])')
  await shoot(page, 'verify-email-done')
  t.notMatch(page.url(), /token/, 'the token leaves the address bar')
  t.equal((await signIn(person.password)).statusCode, 200)

  await post('/auth/request-password-reset', { email: person.email })
  await page.goto(await linkOf('reset-password'))
  await answer(page, 'fatima fatima')
  await page.waitForSelector('#problem:not([hidden])')
  await shoot(page, 'reset-password-weak')
  t.match(await page.textContent('#problem'), /is made of common words/)
  await answer(page, 'a red tram at midnight')
  await page.waitForSelector('#done:not([hidden])')
  t.equal((await signIn('a red tram at midnight')).statusCode, 200)

  await page.goto(`${base}/auth/reset-password`)
  await page.waitForSelector('#problem:not([hidden])')
  t.match(await page.textContent('#problem'), /not complete/)
  t.same(
    complaints.filter((text) => /refused|violat|error/i.test(text) && !/status of 400/.test(text)),
    [],
  )
})

async function answer(page: Page, password: string): Promise<void> {
  await page.fill('#password', password)
  await page.click('button')
}

async function shoot(page: Page, name: string): Promise<void> {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png` })
}
