import { test } from 'tap'
import { raw } from '../../storage/setup.ts'
import { until as eventually, openMail, quick } from './setup.ts'
import { openSmtp } from './smtp-counterpart.ts'

const address = 'Fatima@example.com'

test('a message is sent once, however often its delivery comes', async (t) => {
  const { app, signUp, next, until, delivery, replay, smtp, notices, deliveries } = await openMail(t)
  await signUp()
  await next()
  const { id } = await until(({ state }) => state === 'delivered')
  t.equal(await replay(id), 202)
  await until(({ id: other, attempts, state }) => other === id && attempts === 2 && state === 'delivered')
  t.same(await notices(), [])
  t.equal(smtp.asked, 1, 'nobody was asked a second time')
  t.match(await delivery(id), { history: [{ outcome: 'delivered', status: 250 }, { outcome: 'delivered' }] })
  const mail = app.connectors.connection('mail')
  const [event] = await deliveries()
  t.match(event, { type: 'notice.created' })
  const sent = (time: number) => {
    const none = { data: { id: 'e1c7a0f6-0d0a-4b43-8f0e-000000000000' }, time: new Date(time).toISOString() }
    return mail?.send(none as never, AbortSignal.timeout(1000))
  }
  t.same(await sent(Date.now()), { as: 'delivered' }, 'there was none')
  t.match(await sent(Date.now() - 8 * 86_400_000), { as: 'dead', error: /no longer kept/ })
})

test('two attempts of one notice at once send it once', async (t) => {
  const { app, signUp, smtp, notices } = await openMail(t, { WEBHOOK_WAITS: '90000 90000' })
  await signUp()
  const [notice] = await notices()
  const event = { data: { id: notice?.id } } as never
  const mail = app.connectors.connection('mail')
  const sending = [1, 2].map(() => mail?.send(event, AbortSignal.timeout(5000)))
  t.match(await Promise.all(sending), [{ as: 'delivered' }, { as: 'delivered' }])
  t.match(await mail?.send(event, AbortSignal.timeout(5000)), { as: 'delivered' })
  t.equal(smtp.taken.length, 1)
})

test('what the server has taken without saying so comes a second time, the same to the byte', async (t) => {
  const { signUp, smtp, next, until, notices } = await openMail(t)
  smtp.losesAnswers = 1
  await signUp()
  const [first, second] = [await next(), await next()]
  t.equal(first.mail.messageId, second.mail.messageId)
  t.ok(first.raw.equals(second.raw))
  const { id, attempts } = await until(({ state }) => state === 'delivered')
  t.equal(attempts, 2)
  t.same(await notices(), [])
  t.ok(id)
})

test('what was taken and could not be recorded is recorded by the next attempt, and not sent again', async (t) => {
  const { app, signUp, smtp, next, until, notices } = await openMail(t)
  const { engine } = app.storage
  const write = engine.write.bind(engine)
  let failures = 2
  engine.write = async (commands) => {
    if (commands[0]?.[0].name.startsWith('notice sent') && failures-- > 0) throw new Error('the disk is full')
    return write(commands)
  }
  await signUp()
  await next()
  t.match(await until(({ state }) => state === 'delivered'), { attempts: 3 })
  t.equal(smtp.taken.length, 1)
  t.same(await notices(), [])
})

test('a server that is down for a time gets each message when it is there again', async (t) => {
  const down = await openSmtp(t)
  await down.close()
  const { signUp, until, next, smtp, get } = await openMail(t, { SMTP_URL: `smtp://127.0.0.1:${down.port}` })
  await signUp()
  await signUp({ email: 'ali@example.com' })
  const failing = await until(({ state, attempts }) => state === 'waiting' && attempts > 2)
  t.match(failing.error, /^The mail server could not be used: .*ECONNREFUSED/)
  t.match(await get('/connectors/mail'), { out: { waiting: 2, lastError: /could not be used/ } })
  const up = await openSmtp(t, {}, down.port)
  smtp.taken = up.taken
  const to = [(await next()).to, (await next()).to].flat()
  t.same(to.sort(), [address, 'ali@example.com'])
  t.match(await until(({ state }) => state === 'delivered'), { error: null })
})

test('a server that is slow gets a message once, longer than a WebHook may take', async (t) => {
  const { signUp, smtp, until } = await openMail(t, { WEBHOOK_TIMEOUT: '100' })
  smtp.delay = 1000
  await signUp()
  t.match(await until(({ state }) => state === 'delivered'), { attempts: 1 })
  t.equal(smtp.taken.length, 1)
})

test('an attempt that is cut off ends at once, and says why', async (t) => {
  const { app, signUp, smtp, notices } = await openMail(t, { WEBHOOK_WAITS: '90000 90000' })
  smtp.delay = 30_000
  await signUp()
  const [notice] = await notices()
  const abort = new AbortController()
  const event = { data: { id: notice?.id } } as never
  const sending = app.connectors.connection('mail')?.send(event, abort.signal)
  setTimeout(() => abort.abort(), 100)
  t.match(await sending, { as: 'retry', error: 'The mail server could not be used: There was no answer in time' })
  const early = app.connectors.connection('mail')?.send(event, AbortSignal.abort())
  t.match(await early, { as: 'retry' })
  t.equal((await notices()).length, 1)
})

test('a server that says to try later is asked again, and its reason is shown without the address', async (t) => {
  const { signUp, smtp, until, next, delivery } = await openMail(t)
  smtp.refuse.rcpt.set(address, { code: 450, text: `4.2.0 <${address}> greylisted` })
  await signUp()
  const { id } = await until(({ attempts }) => attempts > 1)
  t.match(await delivery(id), {
    state: 'waiting',
    error: 'The mail server says to try later: 450 4.2.0 <(address)> greylisted',
    status: 450,
  })
  smtp.refuse.rcpt.clear()
  await next()
  await until(({ state }) => state === 'delivered')
})

test('an address that the server does not know is written to no more, but for what is asked for anew', async (t) => {
  const { app, join, post, smtp, next, until, get, admin, notices, replay, deliveries } = await openMail(t)
  const id = await join()
  await next()
  await next()
  await until(({ state }) => state === 'delivered')
  smtp.refuse.rcpt.set(address, { code: 550, text: '5.1.1 no such user' })
  await post('/auth/request-password-reset', { email: address })
  const dead = await until(({ state }) => state === 'dead')
  t.match(dead, { status: 550, error: 'The address was refused: 550 5.1.1 no such user', attempts: 1 })
  const suppressions = () => get<{ id: number }[]>('/mail/suppressions?address=FATIMA@example.com')
  const [suppression] = await suppressions()
  t.match(suppression, { address: 'fatima@example.com', reason: 'bounce', detail: /5\.1\.1 no such user/ })
  smtp.refuse.rcpt.clear()
  t.equal(await replay(dead.id), 202)
  await until(({ id: other, attempts, state }) => other === dead.id && attempts === 2 && state === 'dead')
  t.match((await deliveries())[0], { error: 'The address is not written to any more: bounce' })
  const asked = smtp.asked
  const payload = { name: 'F', email: 'f@example.org' }
  await app.inject({ method: 'PUT', url: `/users/${id}`, headers: admin, payload })
  await until(({ error, id: other }) => other !== dead.id && error === 'The address is not written to any more: bounce')
  await app.inject({ method: 'PUT', url: `/users/${id}`, headers: admin, payload: { ...payload, email: address } })
  t.equal(smtp.asked, asked)
  await post('/auth/request-password-reset', { email: address })
  t.match((await next()).mail.subject, /Choose another password/)
  t.equal((await notices('address-changed')).length, 1)
  const url = `/mail/suppressions/${suppression?.id}`
  t.equal((await app.inject({ method: 'DELETE', url, headers: admin })).statusCode, 204)
  t.same(await suppressions(), [])
  await replay(dead.id)
  t.match((await next()).mail.subject, /Choose another password/, 'a replay sends what was held back')
  const audit = await get<object[]>('/audit-events?type=mail-suppression')
  t.match(audit, [{ type: 'mail-suppression.deleted', detail: 'bounce' }])
})

test('a bounce holds messages about security back for three days, or until the address is proven', async (t) => {
  const { app, join, post, next, rows, deliveries } = await openMail(t)
  await join()
  await next()
  await next()
  const write = async (...kinds: ('password-changed' | 'welcome')[]) => {
    const all = kinds.map((kind) => app.notices.compose({ kind, recipient: address, name: 'Fatima' }))
    for (const notice of all) await app.storage.engine.write(app.notices.commands(notice))
  }
  const dead = (count: number) =>
    eventually(
      () => deliveries('?state=dead'),
      ({ length }) => length === count,
    )
  const days = (count: number) => new Date(Date.now() - count * 86_400_000).toISOString()
  const bounced = (at: string) => rows(`update mail_suppressions set at = '${at}' returning id`)
  const mail = app.connectors.connection('mail')
  const bounce = { id: '1', type: 'bounce', data: { address, reason: 'bounce', detail: null, at: days(0) } }
  await mail?.handle?.(bounce, AbortSignal.timeout(1000))
  await write('password-changed', 'welcome')
  await dead(2)
  await rows(`update accounts set email_verified_at = '${days(9)}' returning user_id`)
  await bounced(days(4))
  await write('welcome', 'password-changed')
  t.match((await next()).mail.subject, /password/)
  await dead(3)

  await bounced(days(0))
  await post('/auth/request-password-reset', { email: address })
  const [, token] = /#token=(\S+)/.exec((await next()).mail.text ?? '') ?? []
  await post('/auth/reset-password', { token, password: 'an orange bus at dawn' })
  t.match((await next()).mail.subject, /was changed/, 'who has read the message has shown that there is a mailbox')
  await write('welcome')
  t.match((await next()).mail.subject, /Welcome/)
})

test('what the server has against the sender says nothing of the address', async (t) => {
  const { signUp, smtp, until, get, next } = await openMail(t)
  smtp.refuse.rcpt.set(address, { code: 554, text: '5.7.1 relay access denied' })
  await signUp()
  t.match(await until(({ attempts }) => attempts > 1), {
    state: 'waiting',
    error: 'The mail server refuses to deliver for this sender: 554 5.7.1 relay access denied',
  })
  smtp.refuse.rcpt.set(address, { code: 552, text: '5.2.2 mailbox full' })
  t.match(await until(({ status }) => status === 552), { error: /^The mailbox is full/ })
  smtp.refuse.rcpt.clear()
  await next()
  t.same(await get('/mail/suppressions'), [])
})

test('a message that the server refuses is given up, with its reason', async (t) => {
  const { signUp, smtp, until, get } = await openMail(t)
  smtp.refuse.data = { code: 554, text: '5.6.0 it smells of spam' }
  await signUp()
  t.match(await until(({ state }) => state === 'dead'), {
    attempts: 1,
    error: 'The message was refused: 554 5.6.0 it smells of spam',
  })
  t.same(await get('/mail/suppressions'), [])
})

test('a notice whose link is no longer good is not sent', async (t) => {
  const down = await openSmtp(t)
  await down.close()
  const { app, signUp, until, notices, smtp } = await openMail(t, {
    ...quick,
    SMTP_URL: `smtp://127.0.0.1:${down.port}`,
    WEBHOOK_WAITS: '90000 90000',
  })
  await signUp()
  const [notice] = await notices()
  const { now } = Date
  t.teardown(() => {
    Date.now = now
  })
  Date.now = () => now() + 25 * 3_600_000
  const event = { data: { id: notice?.id } } as never
  t.match(await app.connectors.connection('mail')?.send(event, AbortSignal.timeout(5000)), {
    as: 'dead',
    error: 'Its link is no longer good',
  })
  t.equal(smtp.asked, 0)
  Date.now = now
  t.match(await until(({ state }) => state === 'waiting'), { attempts: 0 })
})

test('an address in another script goes to a server that takes it, and to no other', async (t) => {
  const person = { email: 'فاطمة@مثال.example' }
  const able = await openMail(t)
  await able.signUp(person)
  t.match(await able.next(), { to: ['فاطمة@مثال.example'], mail: { subject: /Verify/ } })
  const unable = await openMail(t, {}, { hideSMTPUTF8: true })
  await unable.signUp(person)
  t.match(await unable.until(({ state }) => state === 'dead'), { error: /takes no address in this script/ })
  t.equal(unable.smtp.asked, 0)
})

test('a recipient that is not one address gets nothing, and nobody else does', async (t) => {
  const { app, signUp, notices, smtp } = await openMail(t, { WEBHOOK_WAITS: '90000 90000' })
  await signUp()
  const [notice] = await notices()
  const mail = app.connectors.connection('mail')
  for (const recipient of [
    'a@example.com\r\nBcc: b@example.com',
    'a@example.com>\r\nRCPT TO:<b@example.com',
    'a@example.com, b@example.com',
    'A <a@example.com>',
    'group: a@example.com;',
  ]) {
    await app.storage.engine.write([[raw(`update notices set recipient = '${recipient}'`), {}]])
    t.match(await mail?.send({ data: { id: notice?.id } } as never, AbortSignal.timeout(5000)), {
      as: 'dead',
      error: 'The recipient is not one address',
    })
  }
  t.equal(smtp.connections, 0)
})
