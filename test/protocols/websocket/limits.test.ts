import { once } from 'node:events'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import type { Limits } from '../../../src/protocols/websocket/connection.ts'
import { listen } from '../../helper.ts'
import { type Client, connect } from './client.ts'
import { seen } from './routes/slow.ts'

/** A server with the operations of `routes/`, whose limits are short enough for a test. */
async function serve(t: Test, limits: Partial<Limits> = {}, settings: Record<string, string> = {}) {
  const server = await listen(t, settings, join(import.meta.dirname, 'routes'))
  const { webSockets } = server.app
  webSockets.limits = { ...webSockets.limits, ...limits }
  return server
}

function send({ socket }: Client, id: number, method: string, params: object = {}): void {
  socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
}

test('calls beyond those in flight wait for their turn, and are answered then', async (t) => {
  const { base } = await serve(t, { inFlight: 4 })
  const client = await connect(t, base)
  const before = seen.begun
  for (let id = 0; id < 12; id += 1) send(client, id, 'wait', { ms: 100 })
  await sleep(60)
  t.equal(seen.begun - before, 4)
  for (let id = 0; id < 12; id += 1) t.match(JSON.parse(await client.next()), { id, result: { waited: 100 } })
  t.equal(seen.begun - before, 12)
})

test('a client that sends faster than it may is read more slowly, and loses nothing', async (t) => {
  const { base } = await serve(t, {}, { MAX_CALLS_PER_SECOND: '50' })
  const client = await connect(t, base)
  const begin = performance.now()
  for (let id = 0; id < 80; id += 1) send(client, id, 'wait', { ms: 0 })
  const answers = await Promise.all(Array.from({ length: 80 }, () => client.next()))
  t.equal(new Set(answers.map((answer) => JSON.parse(answer).id)).size, 80)
  t.ok(performance.now() - begin > 450, '50 at once, 30 more at 50 a second')
})

test('the requests of a batch count one by one', async (t) => {
  const { base } = await serve(t, {}, { MAX_CALLS_PER_SECOND: '50' })
  const client = await connect(t, base)
  const batch = Array.from({ length: 74 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'wait', params: { ms: 0 } }))
  client.socket.send(JSON.stringify(batch))
  t.equal(JSON.parse(await client.next()).length, 74, 'a batch is answered at once')
  const begin = performance.now()
  t.match(await client.call('wait', { ms: 0 }), { result: { waited: 0 } })
  t.ok(performance.now() - begin > 350, 'and paid for afterwards')
})

test('a client that leaves answers unread is not read from, and is cut off in the end', async (t) => {
  const { base, app } = await serve(t, { unread: 100_000, slowFor: 400 })
  const client = await connect(t, base)
  const before = seen.begun
  client.socket.pause()
  for (let id = 0; id < 64; id += 1) send(client, id, 'fill', { length: 1_000_000 })
  await sleep(200)
  for (let id = 0; id < 10; id += 1) send(client, id, 'wait', { ms: 0 })
  await sleep(100)
  t.equal(seen.begun, before, 'it is not read from')
  t.equal(app.webSockets.size, 1)
  for (let tries = 0; app.webSockets.size > 0 && tries < 200; tries += 1) await sleep(50)
  t.equal(app.webSockets.size, 0)
})

test('a slow client that reads on is told why the connection ends', async (t) => {
  const { base } = await serve(t, { unread: 100_000, slowFor: 200 })
  const client = await connect(t, base)
  const closed = client.closed()
  client.socket.pause()
  const before = seen.filled
  for (let id = 0; id < 20; id += 1) send(client, id, 'fill', { length: 1_000_000 })
  while (seen.filled === before) await sleep(10)
  await sleep(500)
  client.socket.resume()
  t.match(await closed, [1013, 'read faster'])
})

test('a client that is slow for a while goes on where it was', async (t) => {
  const { base } = await serve(t, { unread: 100_000, slowFor: 5000 })
  const client = await connect(t, base)
  client.socket.pause()
  for (let id = 0; id < 30; id += 1) send(client, id, 'fill', { length: 1_000_000 })
  await sleep(200)
  client.socket.resume()
  for (let id = 0; id < 30; id += 1) t.equal(JSON.parse(await client.next()).result.text.length, 1_000_000)
  t.match(await client.call('wait', { ms: 0 }), { result: { waited: 0 } })
})

test('a peer that answers no ping is dropped; one that does stays', async (t) => {
  const { base, app } = await serve(t, { heartbeat: 60 })
  const silent = await connect(t, base, { autoPong: false })
  const alive = await connect(t, base)
  await once(silent.socket, 'ping')
  t.match(await silent.closed(), [1006])
  await sleep(150)
  t.match(await alive.call('wait', { ms: 0 }), { result: { waited: 0 } })
  t.equal(app.webSockets.size, 1)
})

test('a connection without messages is closed, one with a call under way is not', async (t) => {
  const { base } = await serve(t, { heartbeat: 50, idleFor: 100 })
  const [idle, busy] = [await connect(t, base), await connect(t, base)]
  const answer = busy.call('wait', { ms: 500 })
  t.match(await idle.closed(), [1000, 'idle'])
  t.match(await answer, { result: { waited: 500 } })
})

test('a socket that closes aborts its calls', async (t) => {
  const { base } = await serve(t)
  const client = await connect(t, base)
  const before = { ...seen }
  for (let id = 0; id < 3; id += 1) send(client, id, 'wait', { ms: 1000 })
  await sleep(50)
  t.equal(seen.begun - before.begun, 3)
  client.socket.terminate()
  await sleep(100)
  t.equal(seen.aborted - before.aborted, 3)
})

test('a stop answers what is under way, refuses what is not, and says that it is going', async (t) => {
  const { base, app } = await serve(t, { inFlight: 1 })
  const client = await connect(t, base)
  const closed = client.closed()
  send(client, 1, 'wait', { ms: 300 })
  send(client, 2, 'wait', { ms: 300 })
  await sleep(100)
  const begin = performance.now()
  const closing = app.close()
  t.match(JSON.parse(await client.next()), { id: 2, error: { code: -32053 } })
  t.match(JSON.parse(await client.next()), { id: 1, result: { waited: 300 } })
  t.match(await closed, [1001, 'the server is stopping'])
  await closing
  t.ok(performance.now() - begin < 1500)
})

test('a stop takes no more connections', async (t) => {
  const { base, app } = await serve(t)
  const client = await connect(t, base)
  const { hostname, port } = new URL(base)
  // The server accepts no more: this one is there already, and has begun to ask.
  const early = createConnection(Number(port), hostname)
  t.teardown(() => early.destroy())
  await once(early, 'connect')
  early.write('GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n')
  send(client, 1, 'wait', { ms: 400 })
  await sleep(50)
  const closing = app.close()
  early.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2VwdGV0IGFza3MgbGF0ZQ==\r\n\r\n')
  const [answer] = (await once(early, 'data')) as [Buffer]
  t.match(answer.toString('latin1'), /^HTTP\/1\.1 503 /)
  await closing
})

test('a stop waits for nobody that neither reads nor closes', async (t) => {
  const { base, app } = await serve(t, {}, { SHUTDOWN_TIMEOUT: '800' })
  const client = await connect(t, base)
  send(client, 1, 'wait', { ms: 5000 })
  await sleep(50)
  client.socket.pause()
  const begin = performance.now()
  await app.close()
  t.ok(performance.now() - begin < 800)
})
