import { setTimeout as wait } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { test } from 'tap'
import { raw } from '../../storage/setup.ts'
import { receive } from './receiver.ts'
import { type Delivery, type Made, setup } from './setup.ts'

test('a failure is attempted again under the same id, and each attempt is kept with what was answered', async (t) => {
  const receiver = await receive(t, (_, reply) => {
    if (receiver.received.length < 3) reply.writeHead(500).end(`failure ${receiver.received.length}`)
    else reply.writeHead(201).end()
  })
  const { endpoint, addUser, settled, delivery } = await setup(t)
  const { id } = await endpoint({ url: receiver.url })
  await addUser()
  const [row] = await settled(id)
  t.match(row, { state: 'delivered', attempts: 3, status: 201, error: null })
  t.equal(new Set(receiver.received.map((each) => each.id)).size, 1)
  const detail = await delivery(id, row?.id ?? 0)
  t.match(detail.history, [
    { outcome: 'retry', status: 500, error: 'The endpoint answered 500', excerpt: 'failure 1' },
    { outcome: 'retry', status: 500, excerpt: 'failure 2' },
    { outcome: 'delivered', status: 201, error: null, excerpt: '' },
  ])
})

test('what fails to the end is a dead letter, and is delivered when it is replayed', async (t) => {
  const receiver = await receive(t, (_, reply) => reply.writeHead(400).end())
  const { endpoint, addUser, settled, deliveries, call } = await setup(t, { WEBHOOK_WAITS: '0 0.05' })
  const { id } = await endpoint({ url: receiver.url })
  await addUser()
  const [row] = await settled(id)
  t.match(row, { state: 'dead', attempts: 2, status: 400, nextAt: null })
  t.same(await deliveries(id, '?state=dead'), [row])
  t.same(await deliveries(id, '?state=delivered'), [])
  receiver.answer((_, reply) => reply.writeHead(204).end())
  await call('PATCH', `/webhooks/${id}`, { enabled: true })
  const replayed = await call('POST', `/webhooks/${id}/deliveries/${row?.id}/replay`)
  t.equal(replayed.statusCode, 202)
  t.match((await settled(id))[0], { state: 'delivered', attempts: 3, eventId: row?.eventId })
})

test('a redirect is a failure, and is not followed', async (t) => {
  const elsewhere = await receive(t)
  const receiver = await receive(t, (_, reply) => reply.writeHead(308, { location: elsewhere.url }).end())
  const { endpoint, addUser, settled } = await setup(t, { WEBHOOK_WAITS: '0' })
  const { id } = await endpoint({ url: receiver.url })
  await addUser()
  t.match((await settled(id))[0], { state: 'dead', status: 308, error: 'Redirects are not followed' })
  t.equal(elsewhere.received.length, 0)
})

test('an endpoint that does not answer in time has failed, and no other waits for it', async (t) => {
  const stuck = await receive(t, () => {})
  const good = await receive(t)
  const settings = { WEBHOOK_TIMEOUT: '500', WEBHOOK_WAITS: '0', WEBHOOK_CONCURRENCY: '2' }
  const { endpoint, addUser, settled, deliveries, until } = await setup(t, settings)
  const dead = await endpoint({ url: stuck.url })
  const alive = await endpoint({ url: good.url })
  for (let count = 0; count < 10; count++) await addUser()
  await good.has(10)
  t.ok(
    (await deliveries(dead.id)).some(({ state }) => state === 'waiting'),
    'while the other still waits',
  )
  const all = await settled(alive.id, 10)
  t.ok(all.every(({ state }) => state === 'delivered'))
  const url = `/webhooks/${dead.id}/deliveries?state=dead`
  t.match(await until(url, (rows: Delivery[]) => rows.length > 0), [
    { status: null, error: 'There was no answer in time' },
  ])
})

test('an endpoint that says 410 is disabled with an event, which its owner’s other endpoint gets', async (t) => {
  const gone = await receive(t, (_, reply) => reply.writeHead(410).end())
  const watch = await receive(t)
  const { endpoint, addUser, call, deliveries } = await setup(t)
  const { id } = await endpoint({ url: gone.url, types: ['user.*'] })
  await endpoint({ url: watch.url, types: ['webhook-endpoint.*'] })
  await addUser()
  const [told] = await watch.has(1)
  t.match(told?.event, {
    type: 'webhook-endpoint.disabled',
    subject: `/webhooks/${id}`,
    data: { id, url: gone.url, disabledReason: 'gone' },
  })
  t.match((await call('GET', `/webhooks/${id}`)).json(), { enabled: false, disabledReason: 'gone', disabledAt: /T/ })
  t.match(await deliveries(id), [{ state: 'dead', status: 410 }])
  await addUser()
  await addUser()
  t.equal(gone.received.length, 1, 'and gets nothing more')
  t.match(await call('POST', `/webhooks/${id}/test`), { statusCode: 409 })
})

test('an endpoint that fails for the whole schedule is disabled, one that has succeeded meanwhile is not', async (t) => {
  const receiver = await receive(t, ({ event }, reply) =>
    reply.writeHead(event.data.name === 'User 1' ? 500 : 204).end(),
  )
  const failing = await receive(t, (_, reply) => reply.writeHead(500).end())
  const { endpoint, addUser, settled, call, until } = await setup(t, { WEBHOOK_WAITS: '0 0.4 0.4' })
  const mixed = await endpoint({ url: receiver.url })
  const dead = await endpoint({ url: failing.url, types: ['user.created'] })
  await addUser()
  await receiver.has(2)
  await addUser()
  await settled(mixed.id, 2)
  const disabled = await until(`/webhooks/${dead.id}`, ({ enabled }: Made) => !enabled)
  t.match(disabled, { disabledReason: 'failing', failingSince: /T/ })
  t.match((await call('GET', `/webhooks/${mixed.id}`)).json(), { enabled: true, disabledReason: null })
})

test('Retry-After of 429 and 503 is waited for, in seconds or to a moment, by all that goes to the endpoint', async (t) => {
  const moment = new Date(Date.now() + 3_600_000).toUTCString()
  const asked: Record<string, string> = { '/429': '7200', '/503': moment, '/500': '7200' }
  const receiver = await receive(t, (_, reply, { url = '' }) =>
    reply.writeHead(Number(url.slice(1)), { 'retry-after': asked[url] }).end(),
  )
  const { endpoint, addUser, until } = await setup(t, { WEBHOOK_WAITS: '0 600 600' })
  const at = (path: string) => endpoint({ url: new URL(path, receiver.url).href })
  const [limited, unavailable, other] = [await at('/429'), await at('/503'), await at('/500')]
  const attempted = ({ id }: Made, count: number) =>
    until(`/webhooks/${id}/deliveries`, (all: Delivery[]) => all.filter((each) => each.attempts > 0).length === count)
  const minutes = ([row]: Delivery[]) => Math.round((Date.parse(row?.nextAt ?? '') - Date.now()) / 60_000)
  await addUser()
  t.equal(minutes(await attempted(limited, 1)), 120)
  const wait = minutes(await attempted(unavailable, 1))
  t.ok(wait === 59 || wait === 60)
  const usual = minutes(await attempted(other, 1))
  t.ok(usual >= 9 && usual <= 11, 'of other failures it says nothing')
  await addUser()
  await attempted(other, 2)
  const waiting = (all: Delivery[]) => all.length === 2
  for (const { id } of [limited, unavailable])
    t.match(await until(`/webhooks/${id}/deliveries`, waiting), [{ attempts: 0 }, { attempts: 1 }])
  t.equal(receiver.received.length, 4)
})

test('an endpoint that has failed for longer than the schedule is disabled, whichever attempt it is', async (t) => {
  const failing = await receive(t, (_, reply) => reply.writeHead(500).end())
  const { app, endpoint, addUser, until, deliveries } = await setup(t, { WEBHOOK_WAITS: '0 60 60' })
  const { id } = await endpoint({ url: failing.url, types: ['user.created'] })
  const since = new Date(Date.now() - 2 * 3_600_000).toISOString()
  await app.storage.engine.write([[raw(`update webhook_endpoints set failing_since = '${since}'`), {}]])
  await addUser()
  const disabled = await until(`/webhooks/${id}`, ({ enabled }: Made) => !enabled)
  t.match(disabled, { disabledReason: 'failing', failingSince: since })
  t.match(await deliveries(id), [{ state: 'waiting' }], 'what waits, waits until it is enabled')
})

test('what waits for a disabled endpoint is delivered when it is enabled; what happened meanwhile, by a replay', async (t) => {
  const receiver = await receive(t, (_, reply) => reply.writeHead(500).end())
  const { endpoint, addUser, settled, deliveries, call } = await setup(t, { WEBHOOK_WAITS: '0 0.5 0.5' })
  const { id } = await endpoint({ url: receiver.url })
  await addUser()
  await receiver.has(1)
  await call('PATCH', `/webhooks/${id}`, { enabled: false })
  receiver.answer((_, reply) => reply.writeHead(204).end())
  await addUser()
  t.match(await deliveries(id), [{ state: 'waiting' }])
  t.match((await call('PATCH', `/webhooks/${id}`, { enabled: true })).json(), { enabled: true, failingSince: null })
  t.match(await settled(id), [{ state: 'delivered' }])
  const replayed = await call('POST', `/webhooks/${id}/replay`, { since: new Date(0).toISOString() })
  t.match(replayed.json(), { events: 4, next: null })
  const all = await settled(id, 4)
  t.equal(all.filter(({ state }) => state === 'delivered').length, 4)
})

test('a server that stops waits for attempts under way, and keeps what they met', async (t) => {
  const receiver = await receive(t, async (_, reply) => {
    await wait(300)
    reply.writeHead(200).end('in time')
  })
  const { endpoint, addUser, app, folder } = await setup(t)
  await endpoint({ url: receiver.url })
  await addUser()
  await receiver.has(1)
  await app.close()
  const database = new Database(`${folder}/septet.sqlite`, { readonly: true })
  const row = database.prepare('select state, status, lease from deliveries').get()
  const attempt = database.prepare('select outcome, excerpt from delivery_attempts').get()
  database.close()
  t.same(row, { state: 'delivered', status: 200, lease: null })
  t.same(attempt, { outcome: 'delivered', excerpt: 'in time' })
})
