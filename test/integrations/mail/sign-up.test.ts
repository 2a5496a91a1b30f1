import { test } from 'tap'
import { fatima } from '../../auth/account-setup.ts'
import { openMail } from './setup.ts'

test('who signs up gets a message, follows its link, and is welcomed', async (t) => {
  const { app, post, next, signIn, notices, until } = await openMail(t, { PUBLIC_URL: 'https://api.example.com' })
  await post('/auth/sign-up', fatima, { 'accept-language': 'de-CH, en;q=0.5' })
  const { from, to, mail } = await next()
  t.same([from, to], ['no-reply@septet.example', ['Fatima@example.com']])
  t.match(mail, {
    subject: 'Bestätigen Sie Ihre Adresse für Septet',
    from: { value: [{ name: 'Septet', address: 'no-reply@septet.example' }] },
    to: { value: [{ address: 'Fatima@example.com', name: '' }] },
    messageId: /^<[0-9a-f-]{36}@septet\.example>$/,
  })
  t.equal(mail.headers.get('auto-submitted'), 'auto-generated')
  t.notOk(mail.headers.has('list-unsubscribe'), 'of these, nobody can unsubscribe')
  t.same(mail.attachments, [])
  const [link = ''] = /https:\S+/.exec(mail.text ?? '') ?? []
  t.match(link, /^https:\/\/api\.example\.com\/auth\/verify-email#token=[\w-]{43}$/)
  t.ok(String(mail.html).includes(`href="${link}"`), 'the same in HTML')
  const { pathname, hash } = new URL(link)
  t.equal((await app.inject({ url: pathname })).statusCode, 200, 'the page that it leads to')
  const proof = { token: hash.slice('#token='.length), password: fatima.password }
  t.equal((await post(pathname, proof, { 'accept-language': 'de' })).statusCode, 204)
  const welcome = await next()
  t.equal(welcome.mail.subject, 'Willkommen bei Septet')
  t.equal((await signIn()).statusCode, 200)
  await until(({ state, attempts }) => state === 'delivered' && attempts === 1)
  t.same(await notices(), [], 'they are recorded as sent')
})
