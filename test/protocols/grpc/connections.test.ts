import { once } from 'node:events'
import { connect as connectHttp2, constants } from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Test, test } from 'tap'
import { GrpcConnections } from '../../../src/protocols/grpc/server.ts'
import { build } from '../../helper.ts'
import { seen } from './routes/waiting.ts'
import { type Answer, answerOf, begin, connectTo, framed, getUser, openSession } from './session.ts'

const routes = [join(import.meta.dirname, 'routes')]
const first = framed(Buffer.from([8, 1]))
const empty = framed(Buffer.alloc(0))
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const types = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8, continuation: 9 }

/** A frame of HTTP/2 (RFC 9113 section 4.1). */
function frame(type: number, flags: number, stream: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, body])
}

/** HPACK (RFC 7541): POST and http by their indexes, a path, an authority and a media type as literals. */
const headers = Buffer.concat([
  Buffer.from([0x83, 0x86, 0x04, getUser.length]),
  Buffer.from(getUser),
  Buffer.from([0x01, 9]),
  Buffer.from('localhost'),
  Buffer.from([0x0f, 0x10, 16]),
  Buffer.from('application/grpc'),
])

/** What the connection of a bare socket has sent when it is over, or when it has said nothing for a while. */
async function flood(t: Test, port: number, bytes: Buffer): Promise<{ ended: boolean; sent: Buffer }> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  const chunks: Buffer[] = []
  socket.on('error', () => {}).on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.write(Buffer.concat([preface, frame(types.settings, 0, 0)]))
  socket.write(bytes)
  const closed = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)))
  const ended = await Promise.race([closed, sleep(3000).then(() => false)])
  return { ended, sent: Buffer.concat(chunks) }
}

/** A server whose connections are looked at by the test alone. */
async function serve(t: Test, requestTimeout = 10_000) {
  const { app } = await build(t)
  const connections = new GrpcConnections({
    grpc: app.grpc,
    maxMessage: 1000,
    onFault: () => {},
    requestTimeout,
    isReady: async () => true,
    reflection: false,
  })
  const server = createServer((socket) => connections.accept(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.close()
    await connections.drain(0)
  })
  const { port } = server.address() as AddressInfo
  return { keepalive: connections.keepalive, port, base: `http://127.0.0.1:${port}` }
}

const minute = 60_000
const later = (time: number) => performance.now() + time

test('a silent connection is pinged, and stays when it answers', async (t) => {
  const { keepalive, base } = await serve(t)
  const session = connectTo(t, base)
  await once(session, 'remoteSettings')
  let pings = 0
  session.on('ping', () => {
    pings += 1
  })
  await sleep(100)
  keepalive.look()
  keepalive.look(later(0.9 * minute))
  await sleep(50)
  t.equal(pings, 0, 'not before a minute')
  keepalive.look(later(1.1 * minute))
  await sleep(50)
  t.equal(pings, 1)
  keepalive.look(later(2 * minute))
  await sleep(50)
  t.notOk(session.destroyed)
  const stream = begin(session, getUser)
  stream.end(first)
  t.match(await answerOf(stream), { status: '0' })
})

test('one that does not answer is closed', async (t) => {
  const { keepalive, port } = await serve(t)
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {}).resume()
  socket.write(Buffer.concat([preface, frame(types.settings, 0, 0)]))
  await once(socket, 'data')
  await sleep(50)
  const closed = once(socket, 'close')
  keepalive.look()
  keepalive.look(later(1.1 * minute))
  keepalive.look(later(1.3 * minute))
  t.notOk(socket.closed, 'it has 20 s')
  keepalive.look(later(1.5 * minute))
  await closed
  t.ok(socket.closed)
})

test('one without a call is closed after half an hour, but not while a stream is open', async (t) => {
  const { keepalive, base } = await serve(t)
  const [idle, streaming] = [connectTo(t, base), connectTo(t, base)]
  const stream = begin(streaming, '/grpc.health.v1.Health/Watch')
  stream.end(empty)
  await once(stream, 'data')
  const call = begin(idle, getUser)
  call.end(first)
  await answerOf(call)
  const goAway = once(idle, 'goaway')
  keepalive.look()
  keepalive.look(later(29 * minute))
  await sleep(50)
  t.notOk(idle.closed)
  keepalive.look(later(31 * minute))
  t.equal((await goAway)[0], constants.NGHTTP2_NO_ERROR)
  t.notOk(streaming.closed)
})

test('a stop answers what is under way, takes no more, and cuts off what does not end', async (t) => {
  const { app, base, session, begin } = await openSession(t, { SHUTDOWN_TIMEOUT: '1500' }, routes)
  const count = seen.length
  const endless = begin('/septet.v1.WaitingService/WaitForAbort')
  endless.end(empty)
  const short = begin('/septet.v1.WaitingService/WaitAWhile')
  short.end(framed(Buffer.from([8, 100 | 128, 2])))
  while (seen.length === count) await sleep(5)
  const answers = Promise.all([answerOf(short), answerOf(endless)])
  const gone = once(session, 'goaway')
  const closed = app.close()
  await gone
  const [refusal] = await once(session.request({ ':path': getUser }), 'error')
  t.match(refusal, { code: 'ERR_HTTP2_GOAWAY_SESSION' })
  await closed
  const [shortly, never] = await answers
  t.match(shortly, { status: '0' })
  t.equal(never.status, undefined)
  t.equal(app.grpcPort.size, 0)
  const other = connectTo(t, base)
  const [error] = await once(other, 'error')
  t.match(error, { code: 'ECONNREFUSED' })
})

test('floods end their connection alone', async (t) => {
  const { base, works } = await openSession(t)
  const port = Number(new URL(base).port)
  const repeated = (count: number, make: (index: number) => Buffer) =>
    Buffer.concat(Array.from({ length: count }, (_, index) => make(index)))
  const code = Buffer.from([0, 0, 0, 8])
  const floods: [string, Buffer][] = [
    [
      'calls that are reset at once',
      repeated(5000, (index) =>
        Buffer.concat([frame(types.headers, 4, 2 * index + 1, headers), frame(types.reset, 0, 2 * index + 1, code)]),
      ),
    ],
    [
      'headers without an end',
      Buffer.concat([
        frame(types.headers, 0, 1, headers),
        repeated(20_000, () => frame(types.continuation, 0, 1, Buffer.alloc(1000, 0x40))),
      ]),
    ],
    ['frames that break the protocol', repeated(2000, () => frame(types.data, 0, 0, Buffer.alloc(1)))],
    ['a window beyond all', repeated(3, () => frame(types.windowUpdate, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])))],
    ['a frame longer than frames are', frame(types.data, 0, 1, Buffer.alloc(20_000))],
  ]
  for (const [name, bytes] of floods) t.ok((await flood(t, port, bytes)).ended, name)
  t.ok(await works())
})

test('calls beyond those that a connection may have are refused, and may be begun again', async (t) => {
  const { base, works } = await openSession(t)
  const socket = connect(Number(new URL(base).port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  let sent = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    sent = Buffer.concat([sent, chunk])
  })
  const begun = Array.from({ length: 300 }, (_, index) => frame(types.headers, 4, 2 * index + 1, headers))
  const ping = frame(types.ping, 0, 0, Buffer.from('the end.'))
  socket.write(Buffer.concat([preface, frame(types.settings, 0, 0), ...begun, ping]))
  while (!sent.includes('the end.')) await once(socket, 'data')
  const refused: number[] = []
  for (let at = 0; at + 9 <= sent.length; at += 9 + sent.readUIntBE(at, 3)) {
    if (sent[at + 3] !== types.reset) continue
    t.equal(sent.readUInt32BE(at + 9), constants.NGHTTP2_REFUSED_STREAM)
    refused.push(sent.readUInt32BE(at + 5))
  }
  t.equal(refused.length, 300 - 256)
  t.equal(refused[0], 2 * 256 + 1)
  t.ok(await works())
})

test('a client that asks for answers and reads none is cut off', async (t) => {
  const { app, base, works } = await openSession(t)
  const port = Number(new URL(base).port)
  for (const [name, each] of [
    ['pings', frame(types.ping, 0, 0, Buffer.alloc(8))],
    ['settings', frame(types.settings, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255]))],
  ] as const) {
    const socket: Socket = connect(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    socket.on('error', () => {}).pause()
    socket.write(Buffer.concat([preface, frame(types.settings, 0, 0)]))
    while (app.grpcPort.size < 2) await sleep(5)
    const many = Buffer.concat(Array.from({ length: 10_000 }, () => each))
    for (let round = 0; round < 200 && app.grpcPort.size > 1; round += 1) {
      socket.write(many)
      await sleep(10)
    }
    for (let tries = 0; tries < 100 && app.grpcPort.size > 1; tries += 1) await sleep(20)
    t.equal(app.grpcPort.size, 1, name)
    socket.destroy()
  }
  t.ok(await works())
})

test('messages that do not end hold so much for a connection, and nothing when it is gone', async (t) => {
  const { base, works } = await openSession(t, { BODY_LIMIT: '100000', REQUEST_TIMEOUT: '60000' })
  const session = connectTo(t, base)
  const endless = Buffer.concat([Buffer.from([0, 0, 1, 0x86, 0x96]), Buffer.alloc(90_000)])
  const whole = framed(Buffer.alloc(90_000))
  for (const bytes of [endless, whole]) {
    const streams = Array.from({ length: 40 }, () => {
      const stream = begin(session, getUser)
      stream.write(bytes)
      return stream
    })
    const answers: Answer[] = []
    for (const stream of streams) answerOf(stream).then((answer) => answers.push(answer))
    while (answers.length < 40 - 17) await sleep(10)
    for (const answer of answers) t.match(answer, { status: '8', message: /at once/ })
    t.ok(await works(), 'others are answered')
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL)
    // What was cancelled is let go within a second or two.
    let again: Answer | undefined
    for (let tries = 0; again?.status !== '3' && tries < 50; tries += 1) {
      const stream = begin(session, getUser)
      stream.end(whole)
      again = await answerOf(stream)
      await sleep(100)
    }
    t.match(again, { status: '3' }, 'then there is room again')
  }
})

test('a client without a window holds its own answers alone', async (t) => {
  const { base, works } = await openSession(t)
  const session = connectTo(t, base, { settings: { initialWindowSize: 0 } })
  const streams = Array.from({ length: 200 }, () => {
    const stream = begin(session, getUser)
    stream.end(first)
    return stream
  })
  await Promise.all(streams.map((stream) => once(stream, 'response')))
  t.ok(await works())
  session.settings({ initialWindowSize: 65_535 })
  for (const answer of await Promise.all(streams.map(answerOf))) t.match(answer, { status: '0' })
})

test('an answer that is not taken in ten times the time of a message is given up', async (t) => {
  const { base } = await serve(t, 40)
  const session = connectTo(t, base, { settings: { initialWindowSize: 0 } })
  const stream = begin(session, getUser)
  stream.end(first)
  t.match(await answerOf(stream), { http: 200, body: { length: 0 }, reset: constants.NGHTTP2_CANCEL })
  const taken = begin(connectTo(t, base), getUser)
  taken.end(first)
  t.match(await answerOf(taken), { status: '0' })
})

test('connections and calls leave no memory behind', async (t) => {
  const { app, base } = await openSession(t, { ACCESS_LOG: 'off', LOG_LEVEL: 'silent' }, routes)
  const bodies = [first, first, first.subarray(0, 4), framed(Buffer.from([8, 99])), first]
  const round = async (count: number) => {
    for (let index = 0; index < count; index += 1) {
      const session = connectHttp2(base).on('error', () => {})
      const answers = bodies.map((body, at) => {
        const stream = begin(session, getUser, at === 4 ? { 'grpc-timeout': '9S' } : {})
        if (at === 1) stream.close(constants.NGHTTP2_CANCEL)
        else stream.end(body)
        return answerOf(stream)
      })
      await Promise.all(answers)
      session.destroy()
    }
    while (app.grpcPort.size > 1) await sleep(10)
    // What is waited for with a timer of a second is let go then.
    await sleep(1200)
    return used()
  }
  // At first there is what is made once.
  await round(200)
  const before = await round(200)
  const after = await round(1000)
  t.ok(after - before < 4, `1,000 connections with 5 calls each: grew by ${(after - before).toFixed(1)} MB`)
})

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** In MB, of this process, which is the server and its clients. */
function used(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1_048_576
}
