import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import type { Limits } from '../../../src/protocols/webrtc/channel.ts'
import { listen } from '../../helper.ts'
import { listeners, settled } from '../../listening.ts'
import { seen } from '../websocket/routes/slow.ts'
import { type Client, connect, inChunks, peers } from './client.ts'

/** A server with operations whose answers a test times and sizes, and with limits that are short enough for one. */
async function serve(t: Test, limits: Partial<Limits> = {}, settings: Record<string, string> = {}) {
  const server = await listen(t, settings, join(import.meta.dirname, '../websocket/routes'))
  const { webRtc } = server.app
  webRtc.limits = { ...webRtc.limits, ...limits }
  return server
}

const request = (id: number, method: string, params: object = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params })
const requests = (count: number, method: string, params: object) =>
  Array.from({ length: count }, (_, id) => request(id, method, params))
const answers = (client: Client, count: number) =>
  Promise.all(Array.from({ length: count }, async () => JSON.parse(await client.next()) as { id: number }))

test('batches are answered as over a WebSocket', async (t) => {
  const { base } = await listen(t)
  const client = await connect(t, base)
  const call = { jsonrpc: '2.0', method: 'getUser', params: { id: 1 } }
  t.match(await client.send([{ ...call, id: 1 }, call, { ...call, id: 2, params: { id: 999 } }]), [
    { id: 1, result: { id: 1 } },
    { id: 2, error: { code: -32004 } },
  ])
  t.match(await client.send('no JSON'), { id: null, error: { code: -32700 } })
})

test('a subscription goes on behind its cursor, also for another peer', async (t) => {
  const { app, base } = await listen(t)
  const first = await connect(t, base)
  const { result } = await first.call('subscribe', { operation: 'listEvents' })
  await app.inject({ method: 'POST', url: '/users', payload: { name: 'Zoe', email: 'zoe@example.com' } })
  const [told] = await first.told(1)
  t.match(told, {
    method: 'event',
    params: { subscription: result.subscription, event: { type: 'user.created', subject: '/users/3' } },
  })
  first.tell({ type: 'close' })
  await settled(t, () => listeners(app), 0, 'nothing waits for a peer that is gone')
  await app.inject({ method: 'DELETE', url: '/users/3' })
  const second = await connect(t, base)
  await second.call('subscribe', { cursor: told?.params.event.sequence })
  t.match(await second.told(1), [{ params: { event: { type: 'user.deleted', subject: '/users/3' } } }])
})

test('long answers come in parts, short ones whole', async (t) => {
  const { base } = await serve(t)
  const client = await connect(t, base)
  client.write(request(1, 'fill', { length: 20_000 }))
  t.equal(JSON.parse(await client.next()).result.text.length, 20_000)
  t.equal(client.chunks, 0)
  client.write(...requests(3, 'fill', { length: 300_000 }))
  for (const answer of await answers(client, 3)) t.match(answer, { result: { text: /^x{300000}$/ } })
  t.equal(client.chunks, 15)
})

test('a peer that takes short messages gets short parts', async (t) => {
  const { base } = await serve(t)
  const offer = (sdp: string) => sdp.replace(/max-message-size:\d+/, 'max-message-size:2000')
  const client = await connect(t, base, { change: { offer } })
  client.write(request(1, 'fill', { length: 10_000 }))
  t.equal(JSON.parse(await client.next()).result.text.length, 10_000)
  t.equal(client.chunks, 6)
})

test('requests may come in parts, in any order, and between those of others', async (t) => {
  const { base } = await listen(t)
  const client = await connect(t, base)
  const create = (id: number, name: string) =>
    inChunks(request(id, 'createUser', { name: name.repeat(4000), email: 'not one' }), 1000, id)
  const [first, second] = [create(7, 'é'), create(8, 'ß')]
  client.write(...first.flatMap((chunk, index) => [chunk, second.at(-1 - index) as Uint8Array]))
  const [a, b] = await answers(client, 2)
  t.match([a?.id, b?.id].sort(), [7, 8])
  t.match(a, { error: { code: -32602, data: { errors: [{ pointer: '/name' }, { pointer: '/email' }] } } })
  t.match(await client.call('getUser', { id: 1 }), { result: { id: 1 } })
})

test('a channel without order has its own label; each is there once, and there are no others', async (t) => {
  const { base } = await listen(t)
  const client = await connect(t, base, { channels: { 'json-rpc': {}, 'json-rpc-unordered': { unordered: true } } })
  t.match(await client.call('getUser', { id: 1 }), { result: { id: 1 } })
  t.match(await client.call('getUser', { id: 2 }, {}, 'json-rpc-unordered'), { result: { id: 2 } })
  const closed = once(client, 'closed')
  client.tell({ type: 'open', label: 'chat', init: {} })
  t.same(await closed, ['chat'])
  t.match(await client.call('getUser', { id: 1 }), { result: { id: 1 } }, 'the others stay')
})

test('calls beyond those in flight wait for their turn, and are answered then', async (t) => {
  const { base } = await serve(t, { inFlight: 4 })
  const client = await connect(t, base)
  const before = seen.begun
  client.write(...requests(12, 'wait', { ms: 300 }))
  while (seen.begun === before) await sleep(5)
  await sleep(100)
  t.equal(seen.begun - before, 4)
  await answers(client, 12)
  t.equal(seen.begun - before, 12)
})

test('a peer that sends faster than it may is answered more slowly, and loses nothing', async (t) => {
  const { base } = await serve(t, {}, { MAX_CALLS_PER_SECOND: '50' })
  const client = await connect(t, base)
  const begin = performance.now()
  client.write(...requests(80, 'wait', { ms: 0 }))
  t.equal(new Set((await answers(client, 80)).map(({ id }) => id)).size, 80)
  t.ok(performance.now() - begin > 450, '50 at once, 30 more at 50 a second')
})

test('a peer that is too far ahead of its answers is cut off', async (t) => {
  const { app, base } = await serve(t, { inFlight: 1, ahead: 10_000 })
  const client = await connect(t, base)
  const closed = client.closed()
  client.write(...requests(200, 'wait', { ms: 500 }))
  t.match(await closed, { code: 1008, reason: 'wait for answers' })
  await settled(t, () => app.webRtc.size, 0, 'it is gone')
})

/** Nobody reads from the first `fill` on. */
function stopAtFirst(t: Test): void {
  seen.onFilled = () => {
    seen.onFilled = () => {}
    peers().kill('SIGSTOP')
  }
  t.teardown(() => peers().kill('SIGCONT'))
}

test('a peer that does not read is told nothing more, and goes on when it does', async (t) => {
  const { base } = await serve(t, { unread: 100_000 })
  const client = await connect(t, base)
  const { filled } = seen
  stopAtFirst(t)
  client.write(...requests(100, 'fill', { length: 1_000_000 }))
  while (seen.filled === filled) await sleep(5)
  await sleep(1000)
  t.ok(seen.filled - filled < 100, `${seen.filled - filled} of 100 have begun`)
  peers().kill('SIGCONT')
  t.equal((await answers(client, 100)).length, 100)
})

test('a peer that does not read for long is cut off', async (t) => {
  const { app, base } = await serve(t, { unread: 100_000, slowFor: 300 })
  const client = await connect(t, base)
  const { filled } = seen
  stopAtFirst(t)
  client.write(...requests(60, 'fill', { length: 1_000_000 }))
  while (seen.filled === filled) await sleep(5)
  await settled(t, () => app.webRtc.size, 0, 'it is gone')
  peers().kill('SIGCONT')
})

test('messages that are too big, or cannot be put together, end the channel with a word on why', async (t) => {
  const { base } = await serve(t, { incompleteFor: 100, check: 50 }, { BODY_LIMIT: '20000' })
  const text = (length: number) => 'x'.repeat(length)
  const header = (index: number, count: number) => new Uint8Array([0, 0, 0, 1, 0, index, 0, count, 120])
  const part = new Uint8Array(1100)
  part.set(header(0, 3))
  const wrong: [code: number, messages: (string | Uint8Array)[]][] = [
    [1009, [text(20_001)]],
    [1009, ['é'.repeat(10_001)]],
    [1009, inChunks(text(20_001), 5000)],
    [1002, [new Uint8Array(8)]],
    [1002, [header(0, 2)]],
    [1002, [header(1, 1)]],
    [1002, [header(0, 0)]],
    [1002, [part, part]],
    [1002, Array.from({ length: 17 }, (_, index) => inChunks(text(2000), 1000, index)[0] as Uint8Array)],
    [1002, inChunks(text(2000), 1000).slice(1)],
    [1007, [new Uint8Array([0, 0, 0, 1, 0, 0, 0, 1, 0xff])]],
  ]
  for (const [code, messages] of wrong) {
    const client = await connect(t, base)
    const closed = client.closed()
    client.write(...messages)
    t.match(await closed, { code, reason: /./ }, `${code} for ${messages.length} messages`)
  }
})

test('a channel without messages is closed, one with a call under way is not', async (t) => {
  const { base } = await serve(t, { check: 50, idleFor: 100 })
  const [idle, busy] = [await connect(t, base), await connect(t, base)]
  const answer = busy.call('wait', { ms: 500 })
  t.match(await idle.closed(), { code: 1000, reason: 'idle' })
  t.match(await answer, { result: { waited: 500 } })
})

test('a peer that goes aborts its calls', async (t) => {
  const { base } = await serve(t)
  const client = await connect(t, base)
  const before = { ...seen }
  client.write(...requests(3, 'wait', { ms: 3000 }))
  await settled(t, () => seen.begun - before.begun, 3, 'they have begun')
  client.tell({ type: 'close' })
  await settled(t, () => seen.aborted - before.aborted, 3, 'they are aborted')
})

test('a stop answers what is under way, and refuses what is not', async (t) => {
  const { app, base } = await serve(t, { inFlight: 1 })
  const client = await connect(t, base)
  const closed = client.closed()
  const before = seen.begun
  client.write(request(1, 'wait', { ms: 500 }), request(2, 'wait', { ms: 500 }))
  await settled(t, () => seen.begun - before, 1, 'one has begun')
  await sleep(50)
  const closing = app.close()
  t.match(JSON.parse(await client.next()), { id: 2, error: { code: -32053 } })
  t.match(JSON.parse(await client.next()), { id: 1, result: { waited: 500 } })
  t.match(await closed, { code: 1001 })
  await closing
})

test('a stop waits for nobody that does not answer', async (t) => {
  const { app, base } = await serve(t, {}, { SHUTDOWN_TIMEOUT: '800' })
  const client = await connect(t, base)
  const before = seen.begun
  client.write(request(1, 'wait', { ms: 5000 }))
  await settled(t, () => seen.begun - before, 1, 'it has begun')
  const begin = performance.now()
  await app.close()
  t.ok(performance.now() - begin < 800)
})
