import { createPublicKey, verify } from 'node:crypto'
import Database from 'better-sqlite3'
import { Webhook } from 'standardwebhooks'
import { test } from 'tap'
import { makeKey } from '../keys.ts'
import { type Received, receive } from '../protocols/webhooks/receiver.ts'
import { type Delivery, type Made, setup } from '../protocols/webhooks/setup.ts'

const writing = ['webhooks:read', 'webhooks:write']
const names = (received: readonly Received[]) => received.map(({ event }) => event.data.name)

function verifies(secret: string, { headers, body }: Received): boolean {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>)
    return true
  } catch {
    return false
  }
}

test('after a rotation messages carry both signatures for the overlap, and then one', async (t) => {
  const receiver = await receive(t)
  const { endpoint, addUser, call } = await setup(t)
  const made = await endpoint({ url: receiver.url })
  const first = made.secret ?? ''
  const rotated = await call('POST', `/webhooks/${made.id}/rotate-secret`, { overlap: 60 })
  t.equal(rotated.headers['cache-control'], 'no-store')
  const { secret: second = '', previousUntil } = rotated.json<Made>()
  t.ok(Math.abs(Date.parse(previousUntil ?? '') - Date.now() - 60_000) < 5000)
  await addUser()
  const [both] = (await receiver.has(1)) as [Received]
  t.match(both.headers['webhook-signature'], /^v1,\S+ v1,\S+$/)
  t.ok(verifies(first, both) && verifies(second, both))
  const { secret: third = '' } = (await call('POST', `/webhooks/${made.id}/rotate-secret`, { overlap: 0 })).json<Made>()
  await addUser()
  const [, one] = (await receiver.has(2)) as [Received, Received]
  t.match(one.headers['webhook-signature'], /^v1,\S+$/)
  t.ok(verifies(third, one))
  t.notOk(verifies(first, one) || verifies(second, one))
})

test('an endpoint with Ed25519 is verified with its public key, and no secret is shown', async (t) => {
  const receiver = await receive(t)
  const { endpoint, addUser, call } = await setup(t)
  const made = await endpoint({ url: receiver.url, signing: 'ed25519' })
  t.notOk(made.secret)
  await call('POST', `/webhooks/${made.id}/rotate-secret`, {})
  await addUser()
  const [{ headers, body }] = (await receiver.has(1)) as [Received]
  const raw = Buffer.from(made.publicKey?.replace('whpk_', '') ?? '', 'base64')
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw])
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  const text = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
  const good = String(headers['webhook-signature'])
    .split(' ')
    .filter((each) => verify(null, text, key, Buffer.from(each.slice('v1a,'.length), 'base64')))
  t.equal(good.length, 1, 'the key before the rotation still verifies one of the two')
})

test('secrets are sealed at rest', async (t) => {
  const { endpoint, folder } = await setup(t)
  const { secret = '' } = await endpoint({ url: 'http://127.0.0.1:9/' })
  const database = new Database(`${folder}/septet.sqlite`, { readonly: true })
  const rows = JSON.stringify(database.prepare('select * from webhook_endpoints').all())
  database.close()
  t.ok(rows.includes('http://127.0.0.1:9/'))
  t.notOk(rows.includes(secret.slice('whsec_'.length)))
})

test('an endpoint gets the types that it names', async (t) => {
  const receiver = await receive(t)
  const { endpoint, addUser, call, settled } = await setup(t)
  const { id } = await endpoint({ url: receiver.url, types: ['user.deleted', 'user.updated'] })
  await addUser()
  await call('PATCH', '/users/3', { name: 'Renée' })
  await call('DELETE', '/users/3')
  await settled(id, 2)
  t.same(receiver.received.map(({ event }) => event.type).sort(), ['user.deleted', 'user.updated'])
  t.match((await call('POST', '/webhooks', { url: receiver.url, types: ['nobody.knows'] })).json(), {
    errors: [{ in: 'body', pointer: '/types/0' }],
  })
})

test('a URL that may not be called is refused, at creation and at a change', async (t) => {
  const { endpoint, call } = await setup(t)
  for (const url of ['http://example.com/', 'https://10.0.0.1/', 'https://u:p@example.com/', 'https://[::1]/', 'no'])
    t.match((await call('POST', '/webhooks', { url })).json(), { status: 400, errors: [{ pointer: '/url' }] }, url)
  const { id } = await endpoint({ url: 'https://example.com/' })
  t.match((await call('PATCH', `/webhooks/${id}`, { url: 'https://169.254.169.254/' })).json(), { status: 400 })
})

test('endpoints are seen and changed by their owners and administrators alone', async (t) => {
  const { app, admin, endpoint, call } = await setup(t)
  const [mine, other, reader] = await Promise.all(
    [[...writing, 'users:read'], [...writing, 'users:read'], ['webhooks:read']].map((scopes) =>
      makeKey(app, admin, scopes),
    ),
  )
  const key = mine?.key ?? ''
  const { id } = await endpoint({ url: 'http://127.0.0.1:9/' }, key)
  const status = async (...args: Parameters<typeof call>) => (await call(...args)).statusCode
  t.equal(await status('GET', `/webhooks/${id}`, undefined, key), 200)
  t.equal(await status('GET', `/webhooks/${id}`, undefined, admin), 200)
  for (const url of [`/webhooks/${id}`, `/webhooks/${id}/deliveries`, `/webhooks/${id}/deliveries/1`])
    t.equal(await status('GET', url, undefined, other?.key), 404, url)
  t.same((await call('GET', '/webhooks', undefined, other?.key)).json(), [])
  t.equal((await call('GET', '/webhooks', undefined, admin)).json<Made[]>().length, 1)
  for (const [method, url, body] of [
    ['PATCH', `/webhooks/${id}`, { description: 'x' }],
    ['DELETE', `/webhooks/${id}`, undefined],
    ['POST', `/webhooks/${id}/rotate-secret`, {}],
    ['POST', `/webhooks/${id}/test`, undefined],
    ['POST', `/webhooks/${id}/replay`, {}],
    ['POST', `/webhooks/${id}/deliveries/1/replay`, undefined],
  ] as const) {
    t.equal(await status(method, url, body, other?.key), 404, `${method} ${url}`)
    t.equal(await status(method, url, body, reader?.key), 403, `${method} ${url} without the scope`)
  }
  t.equal(await status('POST', '/webhooks', { url: 'http://127.0.0.1:9/' }, reader?.key), 403)
  t.equal(await status('GET', '/webhooks', undefined, 'spt_no'), 401)
})

test('a credential that does not last makes no endpoint, nor one that may see no event', async (t) => {
  const { app, admin, call } = await setup(t)
  const expiresAt = new Date(Date.now() + 60_000).toISOString()
  const fleeting = await makeKey(app, admin, [...writing, 'users:read'], { expiresAt })
  const blind = await makeKey(app, admin, ['webhooks:write'])
  const url = 'http://127.0.0.1:9/'
  t.match((await call('POST', '/webhooks', { url }, fleeting.key)).json(), { code: 'forbidden', detail: /outlast/ })
  const { id } = (await call('POST', '/webhooks', { url, types: ['user.*'] }, admin)).json<{ id: number }>()
  const short = await makeKey(app, admin, ['admin'], { expiresAt })
  const change = (patch: object) => call('PATCH', `/webhooks/${id}`, patch, short.key)
  t.match((await change({ url: 'https://other.example.com' })).json(), { code: 'forbidden', detail: /outlast/ })
  t.match((await change({ enabled: true })).json(), { code: 'forbidden' })
  t.match((await change({ enabled: false })).json(), { enabled: false }, 'but may disable it')
  t.match((await call('POST', '/webhooks', { url }, blind.key)).json(), { code: 'forbidden' })
  t.match((await call('POST', '/webhooks', { url, types: ['user.*'] }, blind.key)).json(), {
    code: 'forbidden',
    detail: /users:read/,
  })
})

test('an endpoint gets nothing any more when the key that made it is revoked, not even what waits', async (t) => {
  const receiver = await receive(t, (_, reply) => reply.writeHead(500).end())
  const { app, admin, endpoint, addUser, call, settled } = await setup(t, { WEBHOOK_WAITS: '0 0.3' })
  const key = await makeKey(app, admin, [...writing, 'users:read'])
  const { id } = await endpoint({ url: receiver.url }, key.key)
  await addUser()
  await receiver.has(1)
  await call('DELETE', `/keys/${key.id}`)
  await addUser()
  t.match(await settled(id), [
    { state: 'dead', attempts: 2, error: 'Who made the endpoint may no longer see the event' },
  ])
  t.same(names(receiver.received), ['User 1'])
})

test('who sees less than an endpoint cannot lead its events elsewhere, but can stop them', async (t) => {
  const { app, admin, endpoint, call, folder } = await setup(t)
  const wide = await makeKey(app, admin, [...writing, 'users:read', 'admin'])
  const { id } = await endpoint({ url: 'http://127.0.0.1:9/' }, wide.key)
  const { key: narrow, id: narrowId } = await makeKey(app, admin, [...writing, 'users:read'])
  // As if one user had both keys.
  const database = new Database(`${folder}/septet.sqlite`)
  database.prepare('update webhook_endpoints set created_by = ?').run(`api-key:${narrowId}`)
  database.close()
  for (const [method, url, body] of [
    ['PATCH', `/webhooks/${id}`, { url: 'http://127.0.0.1:10/' }],
    ['POST', `/webhooks/${id}/rotate-secret`, {}],
    ['POST', `/webhooks/${id}/replay`, {}],
    ['POST', `/webhooks/${id}/test`, undefined],
  ] as const)
    t.match((await call(method, url, body, narrow)).json(), { code: 'forbidden', detail: /admin/ }, `${method} ${url}`)
  t.match((await call('PATCH', `/webhooks/${id}`, { enabled: false }, narrow)).json(), { enabled: false })
})

test('a test event goes to one endpoint alone, and to no log', async (t) => {
  const [receiver, other] = [await receive(t), await receive(t)]
  const { endpoint, call, settled } = await setup(t)
  const { id, secret = '' } = await endpoint({ url: receiver.url, types: ['user.deleted'] })
  await endpoint({ url: other.url })
  const tested = await call('POST', `/webhooks/${id}/test`)
  t.equal(tested.statusCode, 202)
  const [message] = (await receiver.has(1)) as [Received]
  t.match(message.event, { type: 'webhook-endpoint.tested', subject: `/webhooks/${id}`, data: { id } })
  t.equal(message.id, tested.json<Delivery>().eventId)
  t.ok(verifies(secret, message))
  t.match(await settled(id), [{ state: 'delivered' }])
  t.equal(other.received.length, 0)
  t.notMatch((await call('GET', '/events')).body, /tested/)
})

test('events are replayed by sequence and by time, each under its id', async (t) => {
  const receiver = await receive(t)
  const { endpoint, addUser, call } = await setup(t)
  for (let count = 0; count < 4; count++) await addUser()
  const listed = (await call('GET', '/events')).json<{ id: string; time: string; sequence: string }[]>()
  const { id } = await endpoint({ url: receiver.url })
  const replay = async (range: object) => (await call('POST', `/webhooks/${id}/replay`, range)).json()
  t.same(await replay({ from: '3', to: '0000000000000004' }), { events: 2, next: null })
  await receiver.has(2)
  t.same(
    receiver.received.map((each) => each.id).sort(),
    listed
      .slice(2, 4)
      .map((each) => each.id)
      .sort(),
  )
  t.same(await replay({ from: '3', to: '3' }), { events: 1, next: null })
  const [, , again] = (await receiver.has(3)) as [Received, Received, Received]
  t.equal(again.id, listed[2]?.id, 'what was delivered is sent once more')
  t.same(await replay({ since: listed[5]?.time }), {
    events: listed.filter(({ time }) => time >= (listed[5]?.time ?? '')).length,
    next: null,
  })
  t.same(await replay({ until: listed[0]?.time, to: '1' }), { events: 1, next: null })
  t.same(await replay({ from: '7' }), { events: 0, next: null })
})

test('a deleted endpoint takes its deliveries along, and gets nothing more', async (t) => {
  const receiver = await receive(t, (_, reply) => reply.writeHead(500).end())
  const { endpoint, addUser, call, app, folder } = await setup(t, { WEBHOOK_WAITS: '0 0.2 0.2' })
  const { id } = await endpoint({ url: receiver.url })
  await addUser()
  await receiver.has(1)
  t.equal((await call('DELETE', `/webhooks/${id}`)).statusCode, 204)
  await addUser()
  t.same(await app.deliveries.backlog(), { waiting: 0, age: 0 })
  t.equal((await call('GET', `/webhooks/${id}/deliveries`)).statusCode, 404)
  const database = new Database(`${folder}/septet.sqlite`, { readonly: true })
  t.equal(database.prepare('select count(*) from deliveries').pluck().get(), 0)
  database.close()
  t.equal(receiver.received.length, 1)
})

test('metrics count attempts by outcome, and what waits', async (t) => {
  const receiver = await receive(t)
  const { endpoint, addUser, settled, call } = await setup(t)
  const { id } = await endpoint({ url: receiver.url })
  await addUser()
  await settled(id)
  const { body } = await call('GET', '/metrics')
  t.match(body, /delivery_attempts_total\{kind="endpoint",outcome="delivered"\} 1/)
  t.match(body, /deliveries_waiting 0/)
  t.match(body, /deliveries_oldest_waiting_seconds 0/)
})
