import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { test } from 'tap'
import { listen } from '../../helper.ts'
import { makeKey } from '../../keys.ts'
import { listeners, settled } from '../../listening.ts'
import { type Client, connect } from './client.ts'

const add = (app: FastifyInstance, name: string) =>
  app.inject({ method: 'POST', url: '/users', payload: { name, email: `${name}@example.com` } })

const subscribe = async (client: Client, params: object = {}) =>
  (await client.call('subscribe', params)).result as { subscription: string; cursor: string }

const shown = ({ notices }: Client) => notices.map(({ params: { event } }) => `${event?.type} ${event?.subject}`)
const sequences = ({ notices }: Client) => notices.map(({ params: { event } }) => Number(event.sequence))
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

test('a subscription tells what happens from now on, until it is ended', async (t) => {
  const { app, base } = await listen(t)
  const client = await connect(t, base)
  const { subscription, cursor } = await subscribe(client)
  t.equal(cursor, '0000000000000002')
  const created = await add(app, 'Zoe')
  await client.told(1)
  t.match(client.notices, [
    { jsonrpc: '2.0', method: 'event', params: { subscription, event: { type: 'user.created', subject: '/users/3' } } },
  ])
  t.same(client.notices[0]?.params.event.data, created.json())
  t.match(await client.call('unsubscribe', { subscription }), { result: { ended: true } })
  t.match(await client.call('unsubscribe', { subscription }), { result: { ended: false } })
  await settled(t, () => listeners(app), 0, 'nothing waits for it any more')
  await add(app, 'Ann')
  await sleep(50)
  t.equal(client.notices.length, 1)
})

test('filters and cursor are those of the operation; what cannot be subscribed to is refused', async (t) => {
  const { app, base } = await listen(t)
  const client = await connect(t, base)
  await add(app, 'Zoe')
  await subscribe(client, { operation: 'listEvents', types: ['user.deleted'], cursor: '0' })
  await subscribe(client, { subject: '/users/3', cursor: '0000000000000000' })
  await app.inject({ method: 'DELETE', url: '/users/3' })
  await client.told(3)
  t.same(shown(client).sort(), ['user.created /users/3', 'user.deleted /users/3', 'user.deleted /users/3'])
  const wrong: [params: unknown, error: object][] = [
    [
      { types: ['user.gone'] },
      { code: -32602, data: { code: 'validation-failed', errors: [{ pointer: '/types/0' }] } },
    ],
    [{ cursor: '99' }, { code: -32602, data: { errors: [{ pointer: '/cursor' }] } }],
    [{ nothing: 1 }, { code: -32602 }],
    [{ operation: 'listUsers' }, { code: -32602, data: { detail: /subscribed/ } }],
    [{ operation: 7 }, { code: -32602 }],
    [[], { code: -32602 }],
  ]
  for (const [params, error] of wrong)
    t.match(await client.call('subscribe', params), { error }, JSON.stringify(params))
  for (const params of [{}, { subscription: 1 }, ['1']])
    t.match(await client.call('unsubscribe', params), { error: { code: -32602 } })
  await app.events.log.forgetAfter(-1000)
  t.match(await client.call('subscribe', { cursor: '1' }), { error: { code: -32010, data: { code: 'gone' } } })
})

test('nothing is told before the answer that names the subscription, in a batch too', async (t) => {
  const { base } = await listen(t)
  const client = await connect(t, base)
  const order: string[] = []
  client.socket.on('message', (data) => order.push(/"method":"event"/.test(String(data)) ? 'event' : 'answer'))
  await subscribe(client, { cursor: '0' })
  await client.told(2)
  t.same(order, ['answer', 'event', 'event'])
  const request = { jsonrpc: '2.0', id: 1, method: 'subscribe', params: { cursor: '0' } }
  client.socket.send(JSON.stringify([request, { jsonrpc: '2.0', id: 2, method: 'listUsers' }]))
  t.match(JSON.parse(await client.next()), [{ result: { subscription: '2' } }, { result: { items: [] } }])
  await client.told(4)
  t.same(order.slice(3), ['answer', 'event', 'event'])
})

test('who comes back with the cursor misses nothing and gets nothing twice, whatever is written meanwhile', async (t) => {
  const { app, base } = await listen(t)
  const count = 400
  let written = 0
  const write = async () => {
    while (written < count) {
      written += 1
      await add(app, `writer-${written}`)
    }
  }
  const writing = Promise.all([write(), write(), write(), write()])
  const seen: number[] = []
  while (seen.length < count) {
    const client = await connect(t, base)
    await subscribe(client, { cursor: String(seen.at(-1) ?? 2) })
    await client.told(Math.min(37, count - seen.length))
    client.socket.terminate()
    seen.push(...sequences(client))
  }
  await writing
  t.same(seen, from(3, count + 2))
  await settled(t, () => listeners(app), 0, 'nothing waits for who has gone')
})

test('what a credential may not see never arrives', async (t) => {
  const { app, base } = await listen(t, { ANONYMOUS_SCOPES: 'none' })
  const admin = app.apiKeys.first ?? ''
  const headers = { 'x-api-key': admin }
  const create = (name: string) =>
    app.inject({ method: 'POST', url: '/users', headers, payload: { name, email: `${name}@example.com` } })
  const { key } = await makeKey(app, admin, ['events:read'])
  const blind = await connect(t, base, { headers: { 'x-api-key': key } })
  const seeing = await connect(t, base, { headers: { 'x-api-key': admin } })
  await subscribe(blind, { cursor: '0' })
  await subscribe(seeing)
  t.match(await blind.call('subscribe', { types: ['user.*'] }), {
    error: { code: -32003, data: { detail: /users:read/ } },
  })
  t.match(await (await connect(t, base)).call('subscribe'), { error: { code: -32001 } })
  await create('Zoe')
  await seeing.told(1)
  await sleep(50)
  t.same(blind.notices, [])
})

test('a subscription ends with its credential, and says so; the connection stays', async (t) => {
  const { app, base } = await listen(t)
  const admin = app.apiKeys.first ?? ''
  const { key, id } = await makeKey(app, admin, ['events:read', 'users:read'])
  const client = await connect(t, base, { headers: { 'x-api-key': key } })
  const { subscription, cursor } = await subscribe(client)
  await app.inject({ method: 'DELETE', url: `/keys/${id}`, headers: { 'x-api-key': admin } })
  await add(app, 'Zoe')
  await client.told(1)
  t.match(client.notices, [
    {
      method: 'subscriptionEnded',
      params: { subscription, cursor, error: { code: -32001, data: { code: 'unauthenticated' } } },
    },
  ])
  t.match(await client.call('authenticate', { apiKey: admin }), { result: { kind: 'api-key' } })
  await subscribe(client, { cursor: '2', types: ['user.*'] })
  t.same((await client.told(2)).at(-1)?.params.event.subject, '/users/3')
})

test('a connection has so many subscriptions and no more', async (t) => {
  const { base } = await listen(t)
  const client = await connect(t, base)
  for (let open = 0; open < 32; open += 1) await subscribe(client)
  t.match(await client.call('subscribe'), { error: { code: -32029, data: { detail: /at most 32/ } } })
  await client.call('unsubscribe', { subscription: '1' })
  t.same((await subscribe(client)).subscription, '33')
})

test('a connection with a subscription is not idle', async (t) => {
  const { app, base } = await listen(t)
  app.webSockets.limits = { ...app.webSockets.limits, heartbeat: 50, idleFor: 100 }
  const client = await connect(t, base)
  await subscribe(client)
  await sleep(400)
  t.equal(client.socket.readyState, client.socket.OPEN)
})

test('a peer that does not read is not read for, and misses nothing when it reads on', async (t) => {
  const { app, base } = await listen(t, {}, join(import.meta.dirname, '../../../examples/blog/routes'))
  app.webSockets.limits = { ...app.webSockets.limits, unread: 20_000 }
  const headers = { 'x-api-key': app.apiKeys.first ?? '' }
  const [slow, other] = [await connect(t, base, { headers }), await connect(t, base, { headers })]
  await subscribe(slow)
  await subscribe(other)
  slow.socket.pause()
  // More than the system keeps for a connection.
  const count = 2000
  const post = { authorId: 1, title: 'Long', body: 'x'.repeat(10_000), status: 'draft', views: 0, publishedAt: null }
  const write = () => app.inject({ method: 'POST', url: '/posts', headers, payload: post })
  for (let done = 0; done < count; done += 50) await Promise.all(Array.from({ length: 50 }, write))
  await other.told(count)
  await settled(t, () => listeners(app), 1, 'who reads waits for more, who does not is not read for')
  slow.socket.resume()
  await slow.told(count)
  t.same(sequences(slow), sequences(other))
})

test('a server that stops ends subscriptions with a reason, and the connection', async (t) => {
  const { app, base } = await listen(t)
  const client = await connect(t, base)
  const { subscription } = await subscribe(client)
  const closed = client.closed()
  await Promise.all([app.close(), closed])
  t.match(client.notices, [
    { method: 'subscriptionEnded', params: { subscription, error: { data: { code: 'unavailable' } } } },
  ])
  t.match(await closed, [1001])
})
