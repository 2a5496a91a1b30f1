import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectHttp2, constants } from 'node:http2'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { type Test, test } from 'tap'
import { listen } from '../../helper.ts'
import { seen } from './routes/waiting.ts'
import { answerOf, delimited, framed, getUser, openSession } from './session.ts'

const routes = [join(import.meta.dirname, 'routes'), join(import.meta.dirname, '../../conformance/routes')]
const open = (t: Test, settings?: Record<string, string>) => openSession(t, settings, routes)
const echo = '/septet.v1.ShapesService/EchoShapes'

test('bytes that are no message are refused with the reason', async (t) => {
  const { call, works, at } = await open(t)
  const bad: [Buffer, RegExp][] = [
    [Buffer.from([8]), /no protobuf/],
    [Buffer.from([9, 1, 2, 3]), /another type/],
    [Buffer.from([10, 5, 1]), /another type/],
    [Buffer.from([0x12, 200, 1]), /no protobuf/],
    [Buffer.from([0x0b, 0x0c]), /another type/],
    [Buffer.from([0x1b, 0x1c]), /a tag that is none/],
    [Buffer.from([0, 0]), /a tag that is none/],
    [Buffer.alloc(20, 0xff), /no protobuf/],
  ]
  for (const [bytes, reason] of bad) t.match(await call(getUser, framed(bytes)), { status: '3', message: reason })
  t.match(await call(echo, framed(Buffer.from([10, 2, 0xc3, 0x28]))), { status: '3', message: /not UTF-8/ })
  t.match(await call(echo, framed(Buffer.from([10, 9, 97]))), { status: '3', message: /cut off/ })
  t.match(await call(echo, framed(delimited(at('nested'), Buffer.from([10, 99, 1])))), {
    status: '3',
    message: /cut off/,
  })
  const unknown = Buffer.concat(Array.from({ length: 60 }, () => Buffer.from([0xfa, 0x3f, 0])))
  t.match(await call(getUser, framed(unknown)), { status: '3', message: /more than 50 fields/ })
  t.ok(await works())
})

test('frames that are none, and several messages, are refused', async (t) => {
  const { call, works } = await open(t)
  t.match(await call(getUser, Buffer.alloc(0)), { status: '12' })
  t.match(await call(getUser, Buffer.concat([framed(Buffer.from([8, 1])), framed(Buffer.from([8, 1]))])), {
    status: '12',
  })
  t.match(await call('/septet.v1.UsersService/constructor', framed(Buffer.alloc(0))), { status: '12' })
  t.match(await call('/__proto__/toString', framed(Buffer.alloc(0))), { status: '12' })
  t.match(await call(getUser, framed(Buffer.from([8, 1])), { 'content-type': 'application/json' }), { http: 415 })
  t.match(await call(getUser, framed(Buffer.from([8, 1]), 1), { 'grpc-encoding': 'br' }), { status: '12' })
  t.match(await call(getUser, framed(Buffer.from([8, 1]), 1), { 'grpc-encoding': 'gzip' }), { status: '13' })
  t.ok(await works())
})

test('messages have the size of a body at most, however they are compressed', async (t) => {
  const { call, works } = await open(t, { BODY_LIMIT: '2048' })
  const big = delimited(1, Buffer.alloc(3000, 97))
  t.match(await call(echo, framed(big)), { status: '8' })
  const declared = framed(Buffer.alloc(10))
  declared.writeUInt32BE(0xffffffff, 1)
  t.match(await call(echo, declared), { status: '8' })
  const bomb = gzipSync(Buffer.alloc(50_000_000, 0))
  t.match(await call(echo, framed(bomb.subarray(0, 2000), 1), { 'grpc-encoding': 'gzip' }), { status: '8' })
  const small = gzipSync(Buffer.from([8, 1]))
  t.match(await call(getUser, framed(small, 1), { 'grpc-encoding': 'gzip' }), { status: '0' })
  t.ok(await works())
})

test('a value is nested as deep as JSON over other wires, and holds no name that reaches further', async (t) => {
  const { call, works, at } = await open(t)
  let value = Buffer.from([32, 1])
  for (let depth = 0; depth < 5000; depth += 1) value = delimited(6, delimited(1, value))
  t.match(await call(echo, framed(delimited(at('anything'), value))), { status: '3', message: /too deeply/ })
  const named = (name: string, of: Buffer) =>
    delimited(5, delimited(1, Buffer.concat([delimited(1, Buffer.from(name)), delimited(2, of)])))
  t.match(await call(echo, framed(delimited(at('anything'), named('__proto__', Buffer.from([32, 1]))))), {
    status: '3',
  })
  const reaching = named('constructor', named('prototype', Buffer.from([32, 1])))
  t.match(await call(echo, framed(delimited(at('anything'), reaching))), {
    status: '3',
    message: /constructor.prototype/,
  })
  const record = delimited(at('record'), Buffer.concat([delimited(1, Buffer.from('__proto__')), Buffer.from([16, 1])]))
  t.match(await call(echo, framed(record)), { status: '3', message: /__proto__/ })
  t.ok(await works())
})

test('any bytes get an answer, and never an internal error', async (t) => {
  const { app, call, works } = await open(t, { ANONYMOUS_SCOPES: 'users:read' })
  const paths = [...app.grpc.methods.keys()].filter((path) => /Shapes|Users/.test(path) && !/Fail/.test(path))
  for (let round = 0; round < 30; round += 1) {
    const answers = await Promise.all(paths.map((path) => call(path, framed(randomBytes(1 + (round % 40))))))
    t.same(
      answers.filter(({ status }) => status === undefined || ['2', '13'].includes(status)),
      [],
    )
  }
  t.ok(await works())
})

test('a message that does not come has the time of a request', async (t) => {
  const { begin, works } = await open(t, { REQUEST_TIMEOUT: '1000' })
  const slow = begin(getUser)
  slow.write(framed(Buffer.from([8, 1])).subarray(0, 6))
  const silent = begin(getUser)
  const started = performance.now()
  const answers = await Promise.all([slow, silent].map(answerOf))
  t.ok(performance.now() - started < 4000)
  for (const answer of answers) t.match(answer, { status: '4', message: /too long to arrive/ })
  t.ok(await works())
})

test('what the caller gives up is aborted, and so is what outlasts its deadline or its connection', async (t) => {
  const { begin, works, session } = await open(t)
  const path = '/septet.v1.WaitingService/WaitForAbort'
  let count = seen.length
  /** What the handlers have seen last, after so much more. */
  const after = async (more: number) => {
    count += more
    for (let tries = 0; tries < 200 && seen.length < count; tries += 1) await sleep(20)
    return seen.at(-1)
  }
  const cancelled = begin(path)
  cancelled.end(framed(Buffer.alloc(0)))
  t.equal(await after(1), 'begun')
  cancelled.close(constants.NGHTTP2_CANCEL)
  t.equal(await after(1), 'aborted')
  const late = begin(path, { 'grpc-timeout': '100m' })
  late.end(framed(Buffer.alloc(0)))
  t.match(await answerOf(late), { status: '4' })
  t.equal(await after(2), 'aborted')
  t.ok(await works())
  begin(path).end(framed(Buffer.alloc(0)))
  t.equal(await after(1), 'begun')
  session.destroy()
  t.equal(await after(1), 'aborted')
})

test('streams that are opened and reset by the thousand leave the server to others', async (t) => {
  const { base, session, begin } = await open(t)
  for (let round = 0; round < 20 && !session.destroyed; round += 1) {
    for (let index = 0; index < 200 && !session.destroyed; index += 1) begin(getUser).close(constants.NGHTTP2_CANCEL)
    await sleep(5)
  }
  const other = connectHttp2(base)
  t.teardown(() => other.destroy())
  const stream = other.request({ ':method': 'POST', ':path': getUser, 'content-type': 'application/grpc' })
  stream.end(framed(Buffer.from([8, 1])))
  t.match(await answerOf(stream), { status: '0' })
})

test('many calls at once on one connection are all answered', async (t) => {
  const { call } = await open(t)
  const answers = await Promise.all(Array.from({ length: 3000 }, () => call(getUser, framed(Buffer.from([8, 1])))))
  t.equal(answers.filter(({ status }) => status === '0').length, 3000)
})

test('what is no HTTP/2 behind the preface ends its connection alone', async (t) => {
  const { base, works } = await open(t)
  const port = Number(new URL(base).port)
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  const huge = Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])
  for (const garbage of [randomBytes(2000), Buffer.alloc(2000), huge, Buffer.from('GET / HTTP/1.1\r\n\r\n')]) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {}).resume()
    socket.write(Buffer.concat([preface, garbage]))
    await Promise.race([once(socket, 'close'), sleep(1000)])
    socket.destroy()
  }
  t.ok(await works())
})

test('an address has so many connections, and another one begins when one ends', async (t) => {
  const { base, app } = await listen(t, { MAX_CONNECTIONS_PER_ADDRESS: '2' })
  const connected = async () => {
    const session = connectHttp2(base)
    session.on('error', () => {})
    t.teardown(() => session.destroy())
    const known = await Promise.race([
      once(session, 'remoteSettings').then(() => true),
      once(session, 'close').then(() => false),
    ])
    return { session, known }
  }
  const [first, second, third] = [await connected(), await connected(), await connected()]
  t.same(
    [first, second, third].map(({ known }) => known),
    [true, true, false],
  )
  t.equal(app.grpcPort.size, 2)
  first?.session.destroy()
  while (app.grpcPort.size > 1) await sleep(10)
  t.ok((await connected()).known)
})
