import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { createClient as createSseClient } from 'graphql-sse'
import { type Client, createClient } from 'graphql-ws'
import { type Test, test } from 'tap'
import WebSocket from 'ws'
import { build, listen } from '../../helper.ts'
import { makeKey } from '../../keys.ts'
import { listeners, settled } from '../../listening.ts'

interface Result {
  data?: { listEvents?: { type: string; subject: string; sequence: string } } | null
  errors?: { message: string; extensions: { code: string } }[]
}
type Sink = { next: (result: never) => void; error: (error: unknown) => void; complete: () => void }

const subscription =
  'subscription ($cursor: String, $types: [String!]) { listEvents(cursor: $cursor, types: $types) { type subject sequence } }'
const add = (app: FastifyInstance, name: string) =>
  app.inject({ method: 'POST', url: '/users', payload: { name, email: `${name}@example.com` } })
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

/** What a subscription tells, and how it ends. */
class Told {
  readonly results: Result[] = []
  ended: unknown
  readonly stop: () => void
  #onChange: () => void = () => {}

  constructor(subscribe: (sink: Sink) => () => void) {
    const end = (ended: unknown) => {
      this.ended = ended
      this.#onChange()
    }
    this.stop = subscribe({
      next: (result) => {
        this.results.push(result)
        this.#onChange()
      },
      error: end,
      complete: () => end('complete'),
    })
  }

  /** Waits for so many results, or the end. */
  async until(count: number): Promise<this> {
    while (this.results.length < count && this.ended === undefined) {
      await new Promise<void>((resolve) => {
        this.#onChange = resolve
      })
    }
    return this
  }

  get sequences(): number[] {
    return this.results.map(({ data }) => Number(data?.listEvents?.sequence))
  }
}

type Variables = Record<string, unknown>
interface Wire {
  subscribe(query: string, variables?: Variables): Told
}

/** A connection of the library that clients use. */
function webSocket(t: Test, base: string, params?: Variables, more: object = {}): Wire & { client: Client } {
  const client = createClient({
    url: `${base.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    lazy: true,
    retryAttempts: 0,
    ...(params && { connectionParams: params }),
    ...more,
  })
  t.teardown(() => client.dispose())
  return {
    client,
    subscribe: (query, variables = {}) => new Told((sink) => client.subscribe({ query, variables }, sink as never)),
  }
}

function serverSent(t: Test, base: string, headers: Record<string, string> = {}): Wire {
  const client = createSseClient({ url: `${base}/graphql`, headers, retryAttempts: 0 })
  t.teardown(() => client.dispose())
  return {
    subscribe: (query, variables = {}) => new Told((sink) => client.subscribe({ query, variables }, sink as never)),
  }
}

const wires: [string, (t: Test, base: string, key?: string) => Wire][] = [
  ['WebSocket', (t, base, key) => webSocket(t, base, key === undefined ? undefined : { 'X-API-Key': key })],
  ['SSE', (t, base, key) => serverSent(t, base, key === undefined ? {} : { 'x-api-key': key })],
]

for (const [name, connect] of wires) {
  test(`${name}: a subscription tells what happens, filtered, until it is ended`, async (t) => {
    const { app, base } = await listen(t)
    const wire = connect(t, base)
    const all = wire.subscribe(subscription)
    const deleted = wire.subscribe(subscription, { types: ['user.deleted'] })
    await settled(t, () => listeners(app), 2, 'both listen')
    await add(app, 'Zoe')
    await app.inject({ method: 'DELETE', url: '/users/3' })
    await all.until(2)
    await deleted.until(1)
    t.match(all.results, [
      { data: { listEvents: { type: 'user.created', subject: '/users/3', sequence: '0000000000000003' } } },
      { data: { listEvents: { type: 'user.deleted' } } },
    ])
    t.match(deleted.results, [{ data: { listEvents: { type: 'user.deleted' } } }])
    t.same(deleted.results.length, 1)
    all.stop()
    deleted.stop()
    await settled(t, () => listeners(app), 0, 'nothing waits for them any more')
  })

  test(`${name}: who comes back with the cursor misses nothing and gets nothing twice`, async (t) => {
    const { app, base } = await listen(t)
    const count = 200
    let written = 0
    const write = async () => {
      while (written < count) {
        written += 1
        await add(app, `writer-${written}`)
      }
    }
    const writing = Promise.all([write(), write(), write()])
    const seen: number[] = []
    while (seen.length < count) {
      const told = connect(t, base).subscribe(subscription, { cursor: String(seen.at(-1) ?? 2) })
      await told.until(Math.min(37, count - seen.length))
      told.stop()
      t.equal(
        told.results.some(({ errors }) => errors),
        false,
      )
      seen.push(...told.sequences)
    }
    await writing
    t.same(seen, from(3, count + 2))
  })

  test(`${name}: what cannot begin is told as an error, and so is the end of a credential`, async (t) => {
    const { app, base } = await listen(t)
    const admin = app.apiKeys.first ?? ''
    const { key, id } = await makeKey(app, admin, ['events:read', 'users:read'])
    const { key: blind } = await makeKey(app, admin, ['events:read'])
    const first = async (told: Told) => {
      await told.until(1)
      const errors = told.results[0]?.errors ?? told.ended
      return (errors as NonNullable<Result['errors']>)[0]?.extensions?.code
    }
    const wire = connect(t, base, key)
    t.equal(await first(wire.subscribe(subscription, { types: ['user.gone'] })), 'BAD_USER_INPUT')
    t.equal(await first(wire.subscribe(subscription, { cursor: '99' })), 'BAD_USER_INPUT')
    t.equal(await first(wire.subscribe('subscription { nothing }')), 'GRAPHQL_VALIDATION_FAILED')
    t.equal(await first(wire.subscribe('subscription {')), 'GRAPHQL_PARSE_FAILED')
    t.equal(
      await first(wire.subscribe('subscription { a: listEvents { id } b: listEvents { id } }')),
      'GRAPHQL_VALIDATION_FAILED',
    )
    t.equal(await first(connect(t, base, blind).subscribe(subscription, { types: ['user.*'] })), 'FORBIDDEN')
    const unseeing = connect(t, base, blind).subscribe(subscription)
    const ending = wire.subscribe(subscription)
    await settled(t, () => listeners(app), 2, 'two listen')
    await app.inject({ method: 'DELETE', url: `/keys/${id}`, headers: { 'x-api-key': admin } })
    await add(app, 'Zoe')
    t.equal(await first(ending), 'UNAUTHENTICATED')
    t.same(unseeing.results, [], 'what a credential may not see never arrives')
  })

  test(`${name}: queries and mutations are answered too`, async (t) => {
    const { base } = await listen(t)
    const wire = connect(t, base)
    const query = wire.subscribe('{ getUser(id: 1) { name } }')
    await query.until(2)
    t.same(JSON.parse(JSON.stringify(query.results)), [
      { data: { getUser: { name: 'Mohamed' } }, extensions: { meta: { getUser: { etag: '"1"' } } } },
    ])
    t.equal(query.ended, 'complete')
    const whole = '{ listUsers { items { id name email } nextCursor } }'
    for (let time = 0; time < 3; time += 1)
      t.match((await wire.subscribe(whole).until(2)).results, [
        { data: { listUsers: { items: [{ id: 1 }, { id: 2 }] } } },
      ])
    const mutation = await wire.subscribe('mutation { deleteUser(id: 2) }').until(2)
    t.match(mutation.results, [{ data: { deleteUser: true } }])
    const failed = await wire.subscribe('{ getUser(id: 99) { name } }').until(2)
    t.match(failed.results, [{ data: { getUser: null }, errors: [{ extensions: { code: 'NOT_FOUND' } }] }])
  })

  test(`${name}: a server that stops says so`, async (t) => {
    const { app, base } = await listen(t)
    const told = connect(t, base).subscribe(subscription)
    await settled(t, () => listeners(app), 1, 'it listens')
    await Promise.all([app.close(), told.until(9)])
    const errors = (told.results[0]?.errors ?? told.ended) as NonNullable<Result['errors']>
    t.match(errors, [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }])
  })
}

test('a subscription over plain HTTP is refused; EventSource of browsers can have one', async (t) => {
  const { base } = await listen(t)
  const query = 'subscription { listEvents(cursor: "0") { type } }'
  const post = (accept: string) =>
    fetch(`${base}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: JSON.stringify({ query }),
    })
  for (const accept of ['application/json', 'application/graphql-response+json', '*/*']) {
    const answer = await post(accept)
    t.equal(answer.status, 406, accept)
    t.match(await answer.json(), { errors: [{ message: /text\/event-stream/, extensions: { code: 'BAD_REQUEST' } }] })
  }
  const headers = { accept: 'text/event-stream' }
  const url = `${base}/graphql?query=${encodeURIComponent(query)}`
  const abort = new AbortController()
  const answer = await fetch(url, { headers, signal: abort.signal })
  t.match(answer.headers.get('content-type'), 'text/event-stream')
  t.equal(answer.headers.get('cache-control'), 'no-store')
  let text = ''
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  while (!text.includes('event: next\ndata: {"data":{"listEvents":{"type":"user.created"}}}\n\n'))
    text += (await reader?.read())?.value
  t.match(text, /^:\n\n/)
  abort.abort()
  const mutation = await fetch(`${base}/graphql?query=${encodeURIComponent('mutation { deleteUser(id: 1) }')}`, {
    headers,
  })
  t.equal(mutation.status, 405)
})

test('a WebSocket is checked as that of JSON-RPC is: subprotocol, origin, credential', async (t) => {
  const { app, base } = await listen(t, { ANONYMOUS_SCOPES: 'none' })
  const url = `${base.replace('http', 'ws')}/graphql`
  const refused = async (protocols: string[], options: object = {}) => {
    const socket = new WebSocket(url, protocols, options)
    socket.on('error', () => {})
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
    socket.terminate()
    return response.statusCode
  }
  t.equal(await refused([]), 400)
  t.equal(await refused(['graphql-ws']), 400)
  t.equal(await refused(['jsonrpc-2.0']), 400)
  t.equal(await refused(['graphql-transport-ws'], { origin: 'https://elsewhere.example' }), 403)
  t.equal(await refused(['graphql-transport-ws'], { headers: { 'x-api-key': 'wrong' } }), 401)
  const admin = app.apiKeys.first ?? ''
  const { ended } = await webSocket(t, base, { authorization: 'Bearer wrong' }).subscribe('{ getMe { kind } }').until(1)
  t.match(ended, { code: 4403 })
  const me = async (params: Variables | undefined) =>
    (await webSocket(t, base, params).subscribe('{ getMe { kind } }').until(1)).results[0]
  t.match(await me({ Authorization: `Bearer ${admin}` }), { data: { getMe: { kind: 'api_key' } } })
  t.match(await me({ 'x-api-key': admin }), { data: { getMe: { kind: 'api_key' } } })
  t.match(await me(undefined), { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] })
})

test('a WebSocket closes with the codes of its protocol, and keeps to the limits of connections', async (t) => {
  const { app, base } = await listen(t)
  const open = async () => {
    const socket = new WebSocket(`${base.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    t.teardown(() => socket.terminate())
    await once(socket, 'open')
    return socket
  }
  const closedBy = async (...texts: string[]) => {
    const socket = await open()
    const closed = once(socket, 'close')
    for (const text of texts) {
      socket.send(text)
      // Operations are asked for when the connection is acknowledged.
      if (text === init) await Promise.race([once(socket, 'message'), closed])
    }
    return (await closed)[0] as number
  }
  const init = '{"type":"connection_init"}'
  t.equal(await closedBy('{'), 4400)
  t.equal(await closedBy('{"type":"nothing"}'), 4400)
  t.equal(await closedBy('{"type":"connection_init","payload":{"__proto__":{"a":1}}}'), 4400)
  t.equal(await closedBy(init, init), 4429)
  const subscribe = (id: string, query: string) => JSON.stringify({ type: 'subscribe', id, payload: { query } })
  t.equal(await closedBy(subscribe('1', '{ getMe { kind } }')), 4401)
  const live = subscribe('1', 'subscription { listEvents { id } }')
  t.equal(await closedBy(init, live, live), 4409)
  const hasty = await open()
  hasty.send(init)
  await once(hasty, 'message')
  for (let id = 1; id <= 40; id += 1) {
    hasty.send(subscribe(String(id), 'subscription { listEvents { id } }'))
    hasty.send(`{"type":"complete","id":"${id}"}`)
    await sleep(5)
  }
  hasty.send(subscribe('one', 'subscription { listEvents { subject } }'))
  await settled(t, () => listeners(app), 1, 'what was ended before it began is none of the open ones')
  hasty.terminate()
  await settled(t, () => listeners(app), 0, 'nothing waits for it')
  const socket = await open()
  const messages: { type: string; id?: string; payload?: Result }[] = []
  socket.on('message', (data) => messages.push(JSON.parse(String(data))))
  socket.send(init)
  await once(socket, 'message')
  for (let id = 1; id <= 33; id += 1) socket.send(subscribe(String(id), 'subscription { listEvents { id } }'))
  await settled(t, () => messages.filter(({ type }) => type !== 'connection_ack').length, 2, 'one is refused')
  t.match(messages.slice(1), [
    { type: 'next', payload: { errors: [{ extensions: { code: 'RATE_LIMITED' } }] } },
    { type: 'complete' },
  ])
  await settled(t, () => listeners(app), 32, 'as many as may be')
  socket.send('{"type":"complete","id":"7"}')
  await settled(t, () => listeners(app), 31, 'one is ended')
  app.webSockets.limits = { ...app.webSockets.limits, heartbeat: 40, idleFor: 80 }
  const idle = await open()
  idle.send(init)
  t.equal((await once(idle, 'close'))[0], 1000)
  socket.terminate()
  await settled(t, () => listeners(app), 0, 'who is gone is not waited for')
})

test('limits of documents hold for subscriptions', async (t) => {
  const { app } = await build(t)
  const deep = `subscription { listEvents { id } } ${'fragment f on Event { id } '.repeat(400)}`
  const answer = await app.inject({ method: 'POST', url: '/graphql', payload: { query: deep } })
  t.match(answer.json(), { errors: [{ extensions: { code: 'DOCUMENT_TOO_COMPLEX' } }] })
})
