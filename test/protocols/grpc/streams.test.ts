import { once } from 'node:events'
import { constants } from 'node:http2'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { type Test, test } from 'tap'
import { Problem } from '../../../src/errors.ts'
import { GrpcConnections } from '../../../src/protocols/grpc/server.ts'
import { type Streaming, toOne } from '../../../src/protocols/grpc/streaming-call.ts'
import { build } from '../../helper.ts'
import { answerOf, begin, connectTo, framed, getUser, openSession } from './session.ts'

const empty = framed(Buffer.alloc(0))
const watch = '/grpc.health.v1.Health/Watch'
const reflect = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'
const path = '/septet.v1.EventsService/Watch'

/** A server that has this method besides. */
async function serve(t: Test, method: Streaming, requestTimeout = 10_000) {
  const { app } = await build(t)
  const faults: string[] = []
  const connections = new GrpcConnections({
    grpc: app.grpc,
    maxMessage: 1_048_576,
    onFault: (error) => faults.push(String(error)),
    requestTimeout,
    isReady: async () => true,
    reflection: true,
    streaming: new Map([[path, method]]),
  })
  const server = createServer((socket) => connections.accept(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connectTo(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.teardown(async () => {
    session.destroy()
    server.close()
    await connections.drain(100)
  })
  return { connections, session, faults }
}

/** The messages of a body. */
function messagesIn(body: Buffer): string[] {
  const messages: string[] = []
  for (let rest = body; rest.length > 0; ) {
    const end = 5 + rest.readUInt32BE(1)
    const bytes = rest.subarray(5, end)
    messages.push((rest[0] === 1 ? gunzipSync(bytes) : bytes).toString())
    rest = rest.subarray(end)
  }
  return messages
}

const texts = (...all: string[]) =>
  toOne(async function* () {
    for (const text of all) yield Buffer.from(text)
  })

test('the messages of an iterable are sent as they come, and a success behind them', async (t) => {
  const long = 'l'.repeat(5000)
  const { session } = await serve(t, texts('one', '', long))
  const stream = begin(session, path)
  stream.end(empty)
  const answer = await answerOf(stream)
  t.match(answer, { http: 200, status: '0', hasTrailers: true })
  t.same(messagesIn(answer.body), ['one', '', long])
  const compressed = begin(session, path, { 'grpc-accept-encoding': 'gzip' })
  compressed.end(empty)
  const smaller = await answerOf(compressed)
  t.match(smaller.told, { 'grpc-encoding': 'gzip', 'grpc-status': '0' })
  t.same(messagesIn(smaller.body), ['one', '', long])
  t.ok(smaller.body.length < 500)
})

test('an iterable of nothing is a success with headers', async (t) => {
  const { session } = await serve(t, texts())
  const stream = begin(session, path)
  stream.end(empty)
  t.match(await answerOf(stream), { http: 200, status: '0', hasTrailers: true, body: { length: 0 } })
})

test('what an iterable throws is the status, behind what it has given', async (t) => {
  const failing = (count: number, error: Error) =>
    toOne(async function* () {
      for (let index = 0; index < count; index += 1) yield Buffer.from(`${index}`)
      throw error
    })
  for (const [count, error, status] of [
    [0, new Problem('forbidden', 'No'), '7'],
    [2, new Problem('rate-limited', 'Slower'), '8'],
    [1, new Error('a secret cause'), '13'],
  ] as const) {
    const { session, faults } = await serve(t, failing(count, error))
    const stream = begin(session, path)
    stream.end(empty)
    const answer = await answerOf(stream)
    t.match(answer, { status, hasTrailers: count > 0 })
    t.equal(messagesIn(answer.body).length, count)
    t.notMatch(JSON.stringify(answer.told), /secret/)
    t.same(faults, status === '13' ? ['Error: a secret cause'] : [])
    t.match(Buffer.from(String(answer.told['grpc-status-details-bin']), 'base64').toString(), /google.rpc.ErrorInfo/)
  }
})

test('an iterable is read no faster than its client reads', async (t) => {
  let given = 0
  const endless = toOne(async function* () {
    for (;;) {
      given += 1
      yield Buffer.alloc(10_000)
    }
  })
  const { session } = await serve(t, endless)
  const stream = begin(session, path)
  stream.end(empty)
  await once(stream, 'response')
  let before = -1
  while (given !== before) {
    before = given
    await sleep(100)
  }
  t.ok(given * 10_000 < 500_000, `${given} messages are given to a client that reads none`)
  stream.on('data', () => {})
  while (given < before + 50) await sleep(5)
  stream.close(constants.NGHTTP2_CANCEL)
})

test('a cancel, a deadline and a lost connection end the iterable', async (t) => {
  const ended: string[] = []
  const waiting = toOne(async function* (_message, _peer, signal) {
    try {
      yield Buffer.from('begun')
      await once(signal, 'abort')
    } finally {
      ended.push('ended')
    }
  })
  const { session } = await serve(t, waiting)
  const begun = async (headers = {}) => {
    const stream = begin(session, path, headers)
    stream.end(empty)
    await once(stream, 'response')
    return stream
  }
  const untilEnded = async (count: number) => {
    while (ended.length < count) await sleep(5)
    return ended.length
  }
  const cancelled = await begun()
  cancelled.close(constants.NGHTTP2_CANCEL)
  t.equal(await untilEnded(1), 1)
  const late = await begun({ 'grpc-timeout': '100m' })
  t.match(await answerOf(late), { status: '4', hasTrailers: true })
  t.equal(await untilEnded(2), 2)
  await begun()
  session.destroy()
  t.equal(await untilEnded(3), 3)
})

test('an iterable that a cancel finds between two messages gives no more', async (t) => {
  let given = 0
  let returned = false
  const method: Streaming = {
    takesOne: true,
    answers: () => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          await sleep(10)
          given += 1
          return { done: false, value: Buffer.from('tick') }
        },
        return: async () => {
          returned = true
          return { done: true, value: undefined }
        },
      }),
    }),
  }
  const { session } = await serve(t, method)
  const stream = begin(session, path)
  stream.end(empty)
  await once(stream, 'response')
  stream.close(constants.NGHTTP2_CANCEL)
  while (!returned) await sleep(5)
  const before = given
  await sleep(100)
  t.ok(given <= before + 1)
})

test('the one message of a stream has its time to arrive, and is one', async (t) => {
  const { session } = await serve(t, texts('never'), 400)
  const silent = begin(session, path)
  silent.write(empty.subarray(0, 3))
  t.match(await answerOf(silent), { status: '4', message: /too long to arrive/ })
  for (const body of [Buffer.alloc(0), Buffer.concat([empty, empty])]) {
    const stream = begin(session, path)
    stream.end(body)
    t.match(await answerOf(stream), { status: '12', body: { length: 0 } })
  }
  const cut = begin(session, path)
  cut.end(empty.subarray(0, 4))
  t.match(await answerOf(cut), { status: '13' })
})

test('a stream that takes its time to begin has its headers at once', async (t) => {
  const late = toOne(async function* (_message, _peer, signal) {
    await once(signal, 'abort')
    yield Buffer.alloc(0)
  })
  const { session } = await serve(t, late)
  const stream = begin(session, path)
  stream.end(empty)
  const [headers] = await once(stream, 'response')
  t.match(headers, { ':status': 200, 'content-type': 'application/grpc+proto' })
  t.equal(headers['grpc-status'], undefined)
  stream.close(constants.NGHTTP2_CANCEL)
})

test('a stop ends streams with UNAVAILABLE, so that clients begin them elsewhere', async (t) => {
  const { app, session, begin } = await openSession(t)
  const stream = begin(watch)
  stream.end(empty)
  await once(stream, 'data')
  const asking = begin(reflect)
  asking.write(framed(Buffer.from([58, 1, 42])))
  await once(asking, 'data')
  const answers = Promise.all([answerOf(stream), answerOf(asking)])
  const gone = once(session, 'goaway')
  await app.close()
  for (const answer of await answers) t.match(answer, { status: '14', hasTrailers: true })
  t.equal((await gone)[0], constants.NGHTTP2_NO_ERROR)
})

test('reflection answers each message when it comes, and ends when its client has', async (t) => {
  const { begin, works } = await openSession(t)
  const stream = begin(reflect)
  const ask = framed(Buffer.from([58, 1, 42]))
  stream.write(ask.subarray(0, 6))
  await sleep(20)
  stream.write(ask.subarray(6))
  const [first] = await once(stream, 'data')
  t.match(String(first), /UsersService/)
  stream.end(Buffer.concat([ask, ask]))
  const answer = await answerOf(stream)
  t.match(answer, { status: '0', hasTrailers: true })
  t.equal(messagesIn(answer.body).length, 2)
  const broken = begin(reflect)
  broken.write(framed(Buffer.from([9])))
  t.match(await answerOf(broken), { status: '3' })
  t.ok(await works())
})

test('health is told at once, for the server and for a service, and what is not known as that', async (t) => {
  const { begin, call } = await openSession(t)
  const check = (name: string) => framed(Buffer.from([10, name.length, ...Buffer.from(name)]))
  for (const [name, state] of [
    ['', 1],
    ['septet.v1.UsersService', 1],
    ['none', 3],
  ] as const) {
    const stream = begin(watch)
    stream.end(check(name))
    const [message] = await once(stream, 'data')
    t.same([...message], [0, 0, 0, 0, 2, 8, state], name)
    stream.close(constants.NGHTTP2_CANCEL)
  }
  t.match(await call('/grpc.health.v1.Health/Check', check('none')), { status: '5' })
  t.match(await call(getUser, framed(Buffer.from([8, 1]))), { status: '0' })
})
