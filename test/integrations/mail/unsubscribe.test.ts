import { test } from 'tap'
import { fatima } from '../../auth/account-setup.ts'
import { openMail } from './setup.ts'

const PUBLIC_URL = 'https://api.example.com'
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const oneClick = 'List-Unsubscribe=One-Click'

test('a welcome can be unsubscribed from, by one click of a mail program or by the page of its link', async (t) => {
  const { app, join, next, get, post, until, smtp } = await openMail(t, { PUBLIC_URL })
  await join()
  await next()
  const { mail } = await next()
  const [line = ''] = mail.headerLines.filter(({ key }) => key === 'list-unsubscribe').map(({ line }) => line)
  const [, link = ''] = /<(.*)>/s.exec(line.replaceAll(/\r\n\s/g, '')) ?? []
  t.match(link, /^https:\/\/api\.example\.com\/mail\/unsubscribe\?token=[\w-]+$/)
  t.equal(
    mail.headerLines.find(({ key }) => key === 'list-unsubscribe-post')?.line,
    `List-Unsubscribe-Post: ${oneClick}`,
  )
  t.ok(mail.text?.includes(link), 'the same as at its end')
  t.notMatch(link, /fatima|@|%40/i, 'it does not show the address')
  const url = link.slice(PUBLIC_URL.length)
  const suppressions = () => get<object[]>('/mail/suppressions')

  const page = await app.inject({ url, headers: { 'accept-language': 'ar' } })
  t.match(page.body, /<html lang="ar" dir="rtl">.*<form method="post">/s)
  t.match(page.headers['content-security-policy'], /default-src 'none'.*form-action 'self' ;.*frame-ancestors 'none'/)
  t.equal(page.headers['cache-control'], 'no-store')
  await app.inject({ method: 'HEAD', url })
  t.same(await suppressions(), [], 'who only looks at it has not asked')

  const empty = await app.inject({ method: 'POST', url, headers: form, payload: 'a=b' })
  t.equal(empty.statusCode, 400)
  t.same(await suppressions(), [])
  const multipart = { 'content-type': 'multipart/form-data; boundary=x' }
  const parts = '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
  for (const [headers, payload] of [
    [form, oneClick],
    [multipart, parts],
  ] as const) {
    const done = await app.inject({ method: 'POST', url, headers, payload })
    t.match(done, { statusCode: 200, body: /You are unsubscribed/ })
  }
  t.match(await suppressions(), [{ address: 'fatima@example.com', reason: 'unsubscribe', detail: null }])

  const welcome = app.notices.compose({ kind: 'welcome', recipient: fatima.email, name: 'Fatima' })
  await app.storage.engine.write(app.notices.commands(welcome))
  t.match(await until(({ state }) => state === 'dead'), { error: /not written to any more: unsubscribe/, attempts: 1 })
  t.equal(smtp.taken.length, 2)
  await post('/auth/request-password-reset', { email: fatima.email })
  t.match((await next()).mail.subject, /Choose another password/, 'the security of an account is another thing')
})

test('a token that is not ours, or of another purpose, unsubscribes nobody', async (t) => {
  const { app, get } = await openMail(t)
  const forged = app.secrets.seal('notice', 'fatima@example.com')
  for (const token of [forged, 'a', '', 'x'.repeat(1999)]) {
    const url = `/mail/unsubscribe?token=${token}`
    t.match(await app.inject({ url }), { statusCode: 400, body: /This link is not complete/ })
    t.match(await app.inject({ method: 'POST', url, headers: form, payload: oneClick }), { statusCode: 400 })
  }
  t.equal((await app.inject({ url: '/mail/unsubscribe' })).statusCode, 400)
  const long = { method: 'POST', url: '/mail/unsubscribe?token=a', headers: form, payload: 'x'.repeat(5000) } as const
  t.equal((await app.inject(long)).statusCode, 413)
  t.same(await get('/mail/suppressions'), [])
})

test('a token is good for as long as a secret is known', async (t) => {
  const before = 'a secret of more than 32 characters'
  const { app } = await openMail(t, { SECRET: before })
  const token = app.secrets.seal('mail unsubscribe', 'fatima@example.com')
  const SECRET = `another secret of more than 32 characters, ${before}`
  const rotated = await openMail(t, { SECRET })
  const url = `/mail/unsubscribe?token=${token}`
  const done = await rotated.app.inject({ method: 'POST', url, headers: form, payload: oneClick })
  t.equal(done.statusCode, 200)
  t.match(await rotated.get('/mail/suppressions'), [{ address: 'fatima@example.com' }])
})
