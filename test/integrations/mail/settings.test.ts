import { generateKeyPairSync } from 'node:crypto'
import { test } from 'tap'
import { createApp } from '../../../src/app.ts'
import { readConfig } from '../../../src/config.ts'
import { mailboxOf, recipientOf } from '../../../src/integrations/mail/mailbox.ts'
import { smtpOf } from '../../../src/integrations/mail/settings.ts'
import { createLog } from '../../../src/logger.ts'
import { build, temporaryFolder } from '../../helper.ts'

const MAIL_FROM = 'Septet <no-reply@example.com>'
const SMTP_URL = 'smtp://localhost:2525'

test('settings that do not go together stop the start, and no secret is repeated', async (t) => {
  const refusal = async (settings: Record<string, string>) => {
    const config = readConfig({ DATA_DIR: temporaryFolder(t), LOG_LEVEL: 'silent', MAIL_FROM, ...settings })
    return createApp(config, createLog(config)).then(
      async (app) => {
        await app.close()
        return 'it starts'
      },
      (error: Error) => `${error.name}: ${error.message}`,
    )
  }
  t.equal(await refusal({ SMTP_URL }), 'it starts')
  t.equal(await refusal({ SENDGRID_API_KEY: 'SG.a.b', SENDGRID_URL: 'http://[::1]:9' }), 'it starts')
  const oneWay = 'ConfigError: MAIL_FROM needs SMTP_URL or SENDGRID_API_KEY beside it, and not both'
  t.equal(await refusal({}), oneWay)
  t.equal(await refusal({ SMTP_URL, SENDGRID_API_KEY: 'SG.a.b' }), oneWay)
  for (const alone of [{ SMTP_URL }, { SENDGRID_API_KEY: 'SG.a.b' }]) {
    const [name] = Object.keys(alone)
    t.equal(await refusal({ MAIL_FROM: '', ...alone }), `ConfigError: ${name} needs MAIL_FROM for the connector mail`)
  }
  const sender = 'ConfigError: MAIL_FROM must be one mailbox such as Septet <no-reply@example.com>, got '
  for (const wrong of ['Septet', 'a@example.com, b@example.com', 'A <a@example.com>\r\nBcc: b@example.com']) {
    t.equal(await refusal({ SMTP_URL, MAIL_FROM: wrong }), `${sender}${JSON.stringify(wrong)}`)
  }
  const secret = 'hunter2'
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const anotherCurve = publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
  for (const [wrong, message] of [
    [{ SMTP_URL: `http://u:${secret}@mail.example.com` }, /^ConfigError: SMTP_URL must match pattern/],
    [{ SMTP_URL: `smtp://u:${secret}@mail.example.com:99999` }, /^ConfigError: SMTP_URL must be a URL/],
    [{ SMTP_URL: `smtp://u:${secret}%zz@mail.example.com` }, /percent-encoded/],
    [{ SMTP_URL: `smtp://u:${secret}@mail.example.com`, SMTP_STARTTLS: 'offered' }, /SMTP_STARTTLS must be required/],
    [
      { SENDGRID_API_KEY: 'SG.a.b', SENDGRID_URL: `http://${secret}.example.com` },
      /SENDGRID_URL must be a URL of https/,
    ],
    [{ SENDGRID_API_KEY: 'SG.a.b', SENDGRID_URL: `http://127.0.0.1.${secret}.com` }, /SENDGRID_URL must be a URL/],
    [{ SENDGRID_API_KEY: 'SG.a.b', SENDGRID_URL: `https://${secret}:99999` }, /SENDGRID_URL must be a URL/],
    [{ SMTP_URL: `smtp://u:${secret}@a%00b.example` }, /^ConfigError: SMTP_URL must /],
    [{ SENDGRID_API_KEY: secret }, /^ConfigError: SENDGRID_API_KEY must match pattern/],
    [{ SMTP_URL, SENDGRID_WEBHOOK_KEY: secret }, /^ConfigError: SENDGRID_WEBHOOK_KEY must be the verification key/],
    [
      { SMTP_URL, SENDGRID_WEBHOOK_KEY: anotherCurve },
      /^ConfigError: SENDGRID_WEBHOOK_KEY must be the verification key/,
    ],
    [{ SMTP_URL, MAIL_LOCALE: 'nl' }, /MAIL_LOCALE must be equal to one of the allowed values/],
    [{ SMTP_URL, MAIL_PRODUCT: 'A\r\nBcc: b@example.com' }, /MAIL_PRODUCT must match pattern/],
  ] as const) {
    const said = await refusal(wrong)
    t.match(said, message)
    t.notMatch(said, secret)
  }
})

test('without settings there is nothing of mail but the line that says so', async (t) => {
  const { app, logs } = await build(t)
  t.equal(app.mail, undefined)
  t.equal(app.contract.has('previewMessage'), false)
  for (const url of ['/mail/suppressions', '/mail/unsubscribe?token=a', '/mail/messages/welcome']) {
    t.equal((await app.inject({ url })).statusCode, 404)
  }
  t.match(
    logs().filter(({ connector }) => connector === 'mail'),
    [{ msg: 'the connector mail is off: it needs MAIL_FROM' }],
  )
})

test('what a URL says of a mail server', (t) => {
  const auth = { user: 'a@b', pass: 'c:d' }
  for (const [url, policy, expected] of [
    ['smtp://mail.example.com', undefined, { port: 587, secure: false, starttls: 'required', auth: undefined }],
    ['smtp://mail.example.com:25/', 'off', { port: 25, starttls: 'off' }],
    ['smtps://a%40b:c%3Ad@mail.example.com', undefined, { host: 'mail.example.com', port: 465, secure: true, auth }],
    ['smtp://localhost:1025', undefined, { host: 'localhost', starttls: 'offered' }],
    ['smtp://u:p@[::1]:1025', 'off', { host: '::1', starttls: 'off' }],
    ['smtp://bücher.example', undefined, { host: 'xn--bcher-kva.example' }],
    ['smtps://mail.%D9%85%D8%AB%D8%A7%D9%84.example', undefined, { host: 'mail.xn--mgbh0fb.example' }],
    ['smtp://localhost.example.com', undefined, { starttls: 'required' }],
  ] as const) {
    t.match(smtpOf(url, policy), expected, url)
  }
  t.end()
})

test('one mailbox is one, whatever else a text may hide', (t) => {
  for (const [text, mailbox] of [
    ['a@example.com', { name: '', address: 'a@example.com' }],
    ['Septet <a@example.com>', { name: 'Septet', address: 'a@example.com' }],
    ['"Septet, Inc." <a@example.com>', { name: 'Septet, Inc.', address: 'a@example.com' }],
    ['Größe <größe@bücher.example>', { name: 'Größe', address: 'größe@xn--bcher-kva.example' }],
  ] as const) {
    t.same(mailboxOf(text), mailbox, text)
  }
  for (const text of [
    '',
    'Septet',
    '<>',
    'a@example.com,b@example.com',
    'a@example.com b@example.com',
    'A <a@example.com>, B <b@example.com>',
    'A <a@example.com> <b@example.com>',
    'A, B <a@example.com>',
    '"A\r\nBcc: b@example.com" <a@example.com>',
    'A\n<a@example.com>',
    'a@example.com\r\nBcc: b@example.com',
    'group: a@example.com;',
  ]) {
    t.equal(mailboxOf(text), undefined, JSON.stringify(text))
    t.equal(recipientOf(text), undefined)
  }
  t.equal(recipientOf('A <a@example.com>'), undefined)
  t.equal(recipientOf('Fatima@BÜCHER.example'), 'Fatima@xn--bcher-kva.example')
  t.end()
})
