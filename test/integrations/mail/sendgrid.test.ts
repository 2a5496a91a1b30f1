import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { fatima, openAccounts } from '../../auth/account-setup.ts'
import { temporaryFolder } from '../../helper.ts'
import { openSendGrid } from './sendgrid-counterpart.ts'
import { type Delivery, from, quick, until } from './setup.ts'

async function setup(t: Test, settings: Record<string, string> = {}) {
  const sendGrid = await openSendGrid(t)
  const accounts = await openAccounts(t, {
    ...quick,
    MAIL_FROM: from,
    SENDGRID_API_KEY: sendGrid.key,
    SENDGRID_URL: sendGrid.url,
    SENDGRID_WEBHOOK_KEY: sendGrid.publicKey,
    ...settings,
  })
  const { app, admin } = accounts
  const get = async <Value>(url: string) => (await app.inject({ url, headers: admin })).json<Value>()
  const deliveries = (query = '') => get<Delivery[]>(`/connectors/mail/deliveries${query}`)
  return {
    ...accounts,
    sendGrid,
    get,
    deliveries,
    found: async (holds: (delivery: Delivery) => boolean) =>
      (await until(async () => (await deliveries()).find(holds), Boolean)) as Delivery,
    taken: (count: number) =>
      until(
        () => sendGrid.taken,
        ({ length }) => length >= count,
      ),
    hook: (events: unknown, at?: number) =>
      app.inject({ method: 'POST', url: '/connectors/mail/webhook', ...sendGrid.hook(events, at) }),
    suppressions: () =>
      get<{ address: string; reason: string; detail: string; updatedAt: string }[]>('/mail/suppressions'),
  }
}

test('a message is what SendGrid takes, and nothing is added to it', async (t) => {
  const { app, signUp, verify, taken, found, notices, sendGrid } = await setup(t)
  await signUp()
  const [{ id } = { id: '' }] = await notices()
  const [message] = await taken(1)
  t.match(message, {
    personalizations: [{ to: [{ email: 'Fatima@example.com' }] }],
    from: { email: 'no-reply@septet.example', name: 'Septet' },
    subject: 'Verify your address for Septet',
    content: [
      { type: 'text/plain', value: /^Hello Fatima,/ },
      { type: 'text/html', value: /^<!doctype html>/ },
    ],
    headers: { 'Message-ID': `<${id}@septet.example>`, 'Auto-Submitted': 'auto-generated' },
    custom_args: { notice: id },
    categories: ['verify-email'],
    tracking_settings: {
      click_tracking: { enable: false, enable_text: false },
      open_tracking: { enable: false },
      subscription_tracking: { enable: false },
    },
    mail_settings: { bypass_unsubscribe_management: { enable: true }, bypass_bounce_management: { enable: true } },
  })
  await found(({ state, status }) => state === 'delivered' && status === 202)
  const [, token = ''] = /#token=(\S+)/.exec(message?.content[0]?.value ?? '') ?? []
  t.equal((await verify(fatima.password, token)).statusCode, 204)
  const [, welcome] = await taken(2)
  t.match(welcome?.headers, {
    'List-Unsubscribe': /^<http:\/\/localhost:8080\/mail\/unsubscribe\?token=[\w-]+>$/,
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
  })
  t.same(welcome?.mail_settings, undefined, 'who has unsubscribed there does not get it')
  t.equal(sendGrid.requests, 2)
  t.ok(app)
})

test("SendGrid's own lists keep no message back but those that may be unwanted", async (t) => {
  const { app, taken, join } = await setup(t)
  await join()
  const notice = app.notices.compose({ kind: 'password-changed', recipient: fatima.email, name: fatima.name })
  await app.storage.engine.write(app.notices.commands(notice))
  const on = { enable: true }
  const all = { bypass_unsubscribe_management: on, bypass_spam_management: on, bypass_bounce_management: on }
  const settings = (await taken(3)).map(({ categories, mail_settings }) => [categories?.[0], mail_settings])
  t.same(Object.fromEntries(settings), { 'verify-email': all, welcome: undefined, 'password-changed': all })
})

test('what SendGrid answers decides what comes of a message', async (t) => {
  for (const [answer, expected] of [
    [
      { status: 401, errors: [{ message: 'revoked' }] },
      { state: 'waiting', error: 'SendGrid refuses the key, or the sender: revoked' },
    ],
    [
      { status: 403, errors: [{ message: 'not verified', field: 'from' }] },
      { state: 'waiting', error: /^SendGrid refuses the key, or/ },
    ],
    [
      { status: 400, errors: [{ message: 'bad', field: 'from.email' }] },
      { state: 'waiting', error: 'SendGrid refuses the sender: bad' },
    ],
    [
      { status: 400, errors: [{ message: 'bad to', field: 'personalizations' }] },
      { state: 'dead', error: 'SendGrid refuses the message: bad to' },
    ],
    [{ status: 413 }, { state: 'dead', error: /^SendGrid refuses the message/ }],
    [{ status: 404 }, { state: 'waiting', error: /^SendGrid answered 404/ }],
    [{ status: 405 }, { state: 'waiting', error: /^SendGrid answered 405/ }],
    [
      { status: 500, errors: [{ message: 'it burns' }] },
      { state: 'waiting', error: 'SendGrid answered 500: it burns' },
    ],
    [
      { status: 302, headers: { location: 'http://127.0.0.1:9/' } },
      { state: 'waiting', error: 'SendGrid answered 302: it gave no reason' },
    ],
  ] as const) {
    const { sendGrid, signUp, found } = await setup(t, { WEBHOOK_WAITS: '0 90000 90000' })
    sendGrid.answers.push(answer as never)
    await signUp()
    const { status } = answer
    t.match(await found(({ attempts }) => attempts === 1), { ...expected, status }, String(answer.status))
    t.equal(sendGrid.requests, 1)
  }
})

test('an answer is read in a folder of any name', async (t) => {
  const before = process.cwd()
  t.teardown(() => process.chdir(before))
  const { sendGrid, signUp, found } = await setup(t, { WEBHOOK_WAITS: '0 90000 90000' })
  const folder = join(temporaryFolder(t), 'c++')
  mkdirSync(folder)
  process.chdir(folder)
  sendGrid.answers.push({ status: 400, errors: [{ message: 'bad' }] })
  await signUp()
  t.match(await found(({ attempts }) => attempts === 1), { state: 'dead', error: 'SendGrid refuses the message: bad' })
})

test('a limit is waited for, as long as SendGrid says', async (t) => {
  for (const headers of [
    { 'retry-after': '3600' },
    { 'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + 3600) },
  ] as Record<string, string>[]) {
    const { sendGrid, signUp, found } = await setup(t)
    sendGrid.answers.push({ status: 429, headers })
    await signUp()
    const { nextAt, error } = await found(({ attempts }) => attempts === 1)
    t.match(error, /^SendGrid answered 429/)
    t.ok(Date.parse(nextAt ?? '') > Date.now() + 3_500_000, JSON.stringify(headers))
  }
})

test('what SendGrid has taken without saying so comes a second time, under one Message-ID', async (t) => {
  const { sendGrid, signUp, taken, found } = await setup(t)
  sendGrid.losesAnswers = 1
  await signUp()
  const [first, second] = await taken(2)
  t.same(first, second)
  t.match(await found(({ state }) => state === 'delivered'), { attempts: 2 })
})

test('a SendGrid that is not there is waited for, and the key is shown nowhere', async (t) => {
  const { sendGrid, signUp, found, logs } = await setup(t, { SENDGRID_URL: 'http://127.0.0.1:9' })
  await signUp()
  t.match(await found(({ attempts }) => attempts > 1), { state: 'waiting', error: /^SendGrid was not reached: / })
  t.notMatch(JSON.stringify(logs()), sendGrid.key)
})

const day = 86_400_000
const bounce = { event: 'bounce', type: 'bounce', email: 'Gone@Example.com', reason: '550 5.1.1 no such user' }

test('signed events keep messages from addresses, each once', async (t) => {
  const { hook, suppressions, get } = await setup(t)
  const ours = { notice: 'e1c7a0f6-0d0a-4b43-8f0e-000000000000' }
  const events = [
    { ...bounce, sg_event_id: 'one' },
    { event: 'bounce', type: 'blocked', email: 'blocked@example.com', sg_event_id: 'two', reason: 'for now' },
    { event: 'dropped', email: 'dropped@example.com', sg_event_id: 'three', reason: 'Bounced Address' },
    { event: 'dropped', email: 'list@example.com', sg_event_id: 'four', reason: 'Unsubscribed Address' },
    { event: 'dropped', email: 'header@example.com', sg_event_id: 'ten', reason: 'Invalid SMTPAPI header' },
    { event: 'spamreport', email: 'angry@example.com', sg_event_id: 'five', ...ours },
    { event: 'unsubscribe', email: 'tired@example.com', sg_event_id: 'six', ...ours },
    { event: 'unsubscribe', email: 'others@example.com', sg_event_id: 'seven' },
    { event: 'delivered', email: 'fine@example.com', sg_event_id: 'eight', ...ours },
    { event: 'bounce', type: 'bounce', email: ['a@example.com'], sg_event_id: 'nine' },
    { event: 'bounce', type: 'bounce', email: 'b@example.com' },
    null,
    'text',
  ]
  t.equal((await hook(events)).statusCode, 202)
  t.equal((await hook(events)).statusCode, 202, 'they come again')
  const kept = await until(suppressions, ({ length }) => length >= 4)
  t.same(kept.map(({ address, reason }) => `${address} ${reason}`).sort(), [
    'angry@example.com complaint',
    'dropped@example.com bounce',
    'gone@example.com bounce',
    'tired@example.com unsubscribe',
  ])
  t.match(
    kept.find(({ address }) => address === 'gone@example.com'),
    { detail: bounce.reason },
  )
  const incoming = () => get<Delivery[]>('/connectors/mail/deliveries?direction=in')
  const settled = await until(incoming, (all) => all.every(({ state }) => state === 'delivered'))
  t.equal(settled.length, 4)
})

test('what an event says of a bounce is kept as what a server says is: short, in a line, without addresses', async (t) => {
  const { hook, suppressions } = await setup(t)
  const reason = `550 <gone@example.com>\0\r\nno such user ${'x'.repeat(5000)}`
  t.equal((await hook([{ ...bounce, reason, sg_event_id: 'one' }])).statusCode, 202)
  const [kept] = await until(suppressions, ({ length }) => length === 1)
  t.equal(kept?.detail.length, 300)
  t.match(kept?.detail, /^550 <\(address\)> no such user xxx/)
})

test('a bounce is dated when it happened, however late it comes', async (t) => {
  const { hook, suppressions, get } = await setup(t)
  const seconds = Math.floor(Date.now() / 1000)
  const ago = (hours: number, sg_event_id: string) => ({
    ...bounce,
    timestamp: seconds - hours * 3600,
    reason: `${hours} hours ago`,
    sg_event_id,
  })
  const incoming = () => get<Delivery[]>('/connectors/mail/deliveries?direction=in')
  const dated = async (hours: number, id: string) => {
    await hook([ago(hours, id)])
    await until(incoming, (all) => all.some(({ eventId, state }) => eventId === id && state === 'delivered'))
    const [{ updatedAt, detail } = { updatedAt: '', detail: '' }] = await suppressions()
    return [Date.parse(updatedAt) / 1000 - seconds, detail]
  }
  t.same(await dated(5, 'one'), [-5 * 3600, '5 hours ago'])
  t.same(await dated(9, 'two'), [-5 * 3600, '5 hours ago'], 'what is older changes nothing')
  t.same(await dated(1, 'three'), [-3600, '1 hours ago'])
  const [ahead = 0] = await dated(-24, 'four')
  t.ok(Number(ahead) > -60 && Number(ahead) < 3600, 'nor has it happened tomorrow')
})

test('an event whose id or address cannot be kept is left out and logged, and the others are taken', async (t) => {
  const { hook, suppressions, logs } = await setup(t)
  const events = [
    { ...bounce, sg_event_id: 'x'.repeat(256) },
    { ...bounce, sg_event_id: 'with a space' },
    { ...bounce },
    { ...bounce, sg_event_id: 'two', email: 'gone@example.com\0' },
    { ...bounce, sg_event_id: 'three', email: 'here@example.com' },
  ]
  t.equal((await hook(events)).statusCode, 202)
  t.match(await until(suppressions, ({ length }) => length > 0), [{ address: 'here@example.com' }])
  const warnings = logs().filter(({ msg }) => msg === 'an event of SendGrid was left out')
  t.match(
    warnings,
    [1, 2, 3, 4].map(() => ({ type: 'bounce', level: 40 })),
  )
  t.equal(warnings.length, 4)
})

test('an event that is not signed, not by SendGrid, or too old changes nothing', async (t) => {
  const { app, hook, sendGrid, suppressions } = await setup(t)
  const other = await openSendGrid(t)
  const events = [{ ...bounce, sg_event_id: 'one' }]
  const post = (headers: Record<string, string>, payload: string) =>
    app.inject({ method: 'POST', url: '/connectors/mail/webhook', headers, payload })
  const { headers, payload } = sendGrid.hook(events)
  const answers = [
    await post({ 'content-type': 'application/json' }, payload),
    await post(headers, payload.replace('Gone', 'Here')),
    await post({ ...headers, 'x-twilio-email-event-webhook-timestamp': '1700000000' }, payload),
    await post({ ...headers, 'x-twilio-email-event-webhook-signature': 'not base64 %' }, payload),
    await post(other.hook(events).headers, payload),
    await hook(events, Date.now() - 2 * day - 2000),
    await hook(events, Date.now() + 302_000),
  ]
  t.same(
    answers.map(({ statusCode }) => statusCode),
    answers.map(() => 401),
  )
  t.equal((await hook('{"event":"bounce"}')).statusCode, 400)
  t.equal((await hook('not json')).statusCode, 400)
  t.same(await suppressions(), [])
  t.equal((await hook(events, Date.now() - day)).statusCode, 202, 'it is tried again for a day')
  await until(suppressions, ({ length }) => length === 1)
})

test('without a key, no WebHook is taken', async (t) => {
  const { hook } = await setup(t, { SENDGRID_WEBHOOK_KEY: '' })
  t.equal((await hook([{ ...bounce, sg_event_id: 'one' }])).statusCode, 404)
})
