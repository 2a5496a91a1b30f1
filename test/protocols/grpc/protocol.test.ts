import { once } from 'node:events'
import { constants, type OutgoingHttpHeaders } from 'node:http2'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { deflateSync, gunzipSync, gzipSync } from 'node:zlib'
import { type Test, test } from 'tap'
import { checkMetadata } from '../../../src/protocols/grpc/headers.ts'
import { seen } from './routes/waiting.ts'
import { type Answer, answerOf, begin, connectTo, delimited, framed, getUser, openSession } from './session.ts'

const routes = [join(import.meta.dirname, 'routes'), join(import.meta.dirname, '../../conformance/routes')]
const open = (t: Test, settings?: Record<string, string>) => openSession(t, settings, routes)
const first = framed(Buffer.from([8, 1]))
const echo = '/septet.v1.ShapesService/EchoShapes'
const wait = '/septet.v1.WaitingService/WaitForAbort'
const waitAWhile = '/septet.v1.WaitingService/WaitAWhile'
/** For that many ms, up to 16,383. */
const lasting = (time: number) => framed(Buffer.from([8, (time & 127) | 128, time >> 7]))

/** The google.rpc.Status of an answer, as far as its texts go. */
function detailsOf({ told }: Answer): string {
  const text = String(told['grpc-status-details-bin'] ?? '')
  return Buffer.from(text, 'base64').toString('latin1')
}

test('an answer is headers, one message and trailers', async (t) => {
  const { call } = await open(t)
  const answer = await call(getUser, first)
  t.match(answer.told, {
    ':status': 200,
    'content-type': 'application/grpc+proto',
    'grpc-accept-encoding': 'identity,deflate,gzip',
    'grpc-status': '0',
    etag: '"1"',
  })
  t.ok(answer.hasTrailers)
  t.equal(answer.message, undefined)
  t.equal(answer.told['grpc-encoding'], undefined)
  t.equal(answer.body[0], 0)
  t.equal(answer.body.readUInt32BE(1), answer.body.length - 5)
})

test('an error is trailers alone, with its details, whoever has made it', async (t) => {
  const { call } = await open(t, { BODY_LIMIT: '2048' })
  const failing: [string, Buffer, OutgoingHttpHeaders, string, string][] = [
    ['/septet.v1.UsersService/Nothing', first, {}, '12', 'METHOD_NOT_ALLOWED'],
    ['/septet.v1.NoService/GetUser', first, {}, '12', 'METHOD_NOT_ALLOWED'],
    ['/', first, {}, '12', 'METHOD_NOT_ALLOWED'],
    [`${getUser}/`, first, {}, '12', 'METHOD_NOT_ALLOWED'],
    [`${getUser}?`, first, {}, '12', 'METHOD_NOT_ALLOWED'],
    [getUser, Buffer.alloc(0), {}, '12', 'MALFORMED_REQUEST'],
    [getUser, Buffer.concat([first, first]), {}, '12', 'MALFORMED_REQUEST'],
    [getUser, Buffer.concat([first, Buffer.alloc(3)]), {}, '13', 'MALFORMED_REQUEST'],
    [getUser, first.subarray(0, 6), {}, '13', 'MALFORMED_REQUEST'],
    [getUser, first.subarray(0, 3), {}, '13', 'MALFORMED_REQUEST'],
    [getUser, framed(Buffer.from([8, 1]), 2), {}, '13', 'MALFORMED_REQUEST'],
    [getUser, framed(Buffer.from([8, 1]), 255), {}, '13', 'MALFORMED_REQUEST'],
    [getUser, framed(Buffer.alloc(2049)), {}, '8', 'PAYLOAD_TOO_LARGE'],
    [getUser, framed(Buffer.from([8])), {}, '3', 'MALFORMED_REQUEST'],
    [getUser, framed(Buffer.from([8, 99])), {}, '5', 'NOT_FOUND'],
    [getUser, first, { 'grpc-timeout': 'never' }, '13', 'MALFORMED_REQUEST'],
    [getUser, first, { 'content-type': 'application/grpc+json' }, '12', 'MALFORMED_REQUEST'],
    ['/grpc.health.v1.Health/Check', framed(delimited(1, Buffer.from('none'))), {}, '5', 'NOT_FOUND'],
    ['/grpc.health.v1.Health/Watch', framed(Buffer.from([9])), {}, '3', 'MALFORMED_REQUEST'],
  ]
  for (const [path, body, headers, status, reason] of failing) {
    const answer = await call(path, body, headers)
    t.match(answer, { http: 200, status, body: { length: 0 } }, `${path} ${reason}`)
    t.match(detailsOf(answer), new RegExp(`google.rpc.ErrorInfo.*${reason}`, 's'))
    t.notMatch(answer.told['grpc-status-details-bin'], /=/, 'base64 is not padded')
  }
})

test('what is no call of gRPC is answered over HTTP', async (t) => {
  const { call, begin } = await open(t)
  for (const type of [
    'application/grpc',
    'application/grpc+proto',
    'application/grpc;charset=utf-8',
    'Application/gRPC',
  ])
    t.match(await call(getUser, first, { 'content-type': type }), { http: 200, status: '0' }, type)
  for (const type of ['application/json', 'application/grpc-web', 'application/grpcx', 'text/plain', '']) {
    const answer = await call(getUser, first, { 'content-type': type })
    t.match(answer, { http: 415, body: { length: 0 } }, type)
    t.equal(answer.status, undefined)
  }
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
    const stream = begin(getUser, { ':method': method })
    stream.end()
    t.match(await answerOf(stream), { http: 405, told: { allow: 'POST' } }, method)
  }
})

test('a message may be cut into frames anywhere', async (t) => {
  const { begin } = await open(t)
  const whole = framed(Buffer.from([8, 129, 128, 0]))
  for (let at = 0; at <= whole.length; at += 1) {
    const stream = begin(getUser)
    for (const part of [whole.subarray(0, at), whole.subarray(at)]) {
      stream.write(part)
      await sleep(2)
    }
    stream.end()
    t.match(await answerOf(stream), { status: '0' }, `cut at ${at}`)
  }
  const slow = begin(getUser)
  for (const byte of whole) {
    slow.write(Buffer.from([byte]))
    await sleep(1)
  }
  slow.end()
  t.match(await answerOf(slow), { status: '0' })
})

test('a large message in many frames is whole', async (t) => {
  const { call, at } = await open(t)
  const text = Buffer.alloc(300_000, 'é')
  const answer = await call(echo, framed(delimited(at('text'), text)))
  // What is missing besides is judged: the text itself has been read.
  t.match(answer, { status: '3', message: /schema/ })
})

test('a timeout has at most 8 digits and a unit', async (t) => {
  const { call } = await open(t)
  for (const time of ['1H', '1M', '1S', '5000m', '5000000u', '50000000n', '99999999H', '00000001H'])
    t.match(await call(getUser, first, { 'grpc-timeout': time }), { status: '0' }, time)
  for (const time of ['100', '1x', 'm', '123456789m', '-1S', '1.5S', '1 S', '1Sm', '١S'])
    t.match(await call(getUser, first, { 'grpc-timeout': time }), { status: '13' }, time)
})

test('a deadline ends what takes longer, and its handler, in every unit', async (t) => {
  const { call } = await open(t)
  for (const time of ['0S', '1n', '100u', '20m']) {
    const answer = await call(waitAWhile, lasting(10_000), { 'grpc-timeout': time })
    t.match(answer, { status: '4', message: /deadline/ }, time)
    t.match(detailsOf(answer), /TIMEOUT/)
  }
  t.match(await call(getUser, first, { 'grpc-timeout': '0n' }), { status: '4' }, 'one that is over runs nothing')
  const count = seen.length
  t.match(await call(wait, framed(Buffer.alloc(0)), { 'grpc-timeout': '50m' }), { status: '4' })
  t.same(seen.slice(count), ['begun', 'aborted'])
})

test('a deadline is over for a message that has not come', async (t) => {
  const { begin } = await open(t)
  const stream = begin(getUser, { 'grpc-timeout': '100m' })
  stream.write(first.subarray(0, 4))
  t.match(await answerOf(stream), { status: '4', message: /deadline/, reset: constants.NGHTTP2_NO_ERROR })
})

test('messages are compressed as grpc-encoding says, and only where their flag says so', async (t) => {
  const { call } = await open(t, { BODY_LIMIT: '2048' })
  const message = Buffer.from([8, 1])
  const as = (encoding: string | undefined, bytes: Buffer, flag: number) =>
    call(getUser, framed(bytes, flag), encoding === undefined ? {} : { 'grpc-encoding': encoding })
  t.match(await as('gzip', gzipSync(message), 1), { status: '0' })
  t.match(await as('deflate', deflateSync(message), 1), { status: '0' })
  t.match(await as('gzip', message, 0), { status: '0' })
  t.match(await as('identity', message, 0), { status: '0' })
  t.match(await as('identity', message, 1), { status: '13', message: /grpc-encoding/ })
  t.match(await as(undefined, gzipSync(message), 1), { status: '13', message: /grpc-encoding/ })
  t.match(await as('gzip', message, 1), { status: '13' })
  t.match(await as('deflate', gzipSync(message), 1), { status: '13' })
  t.match(await as('gzip', gzipSync(message).subarray(0, 9), 1), { status: '13' })
  for (const encoding of ['br', 'snappy', 'constructor', 'GZIP']) {
    const answer = await as(encoding, message, 0)
    t.match(answer, { status: '12', told: { 'grpc-accept-encoding': 'identity,deflate,gzip' } }, encoding)
  }
  const bomb = gzipSync(Buffer.alloc(1_500_000))
  t.ok(bomb.length < 2048)
  t.match(await as('gzip', bomb, 1), { status: '8', message: /2048 bytes/ })
  t.match(await as('deflate', deflateSync(Buffer.alloc(2049)), 1), { status: '8' })
})

test('a long answer is compressed for a client that takes gzip', async (t) => {
  const { app, session, call } = await open(t)
  const { first: key = '' } = app.apiKeys
  for (let index = 0; index < 20; index += 1)
    await app.inject({
      method: 'POST',
      url: '/users',
      payload: { name: 'n'.repeat(60), email: `u${index}@example.com` },
    })
  const list = '/septet.v1.UsersService/ListUsers'
  const empty = framed(Buffer.alloc(0))
  const plain = await call(list, empty, { 'x-api-key': key })
  t.equal(plain.told['grpc-encoding'], undefined)
  t.ok(plain.body.length > 1029)
  for (const accepted of ['gzip', 'identity,deflate,gzip', 'deflate, gzip', 'gzip , x']) {
    const answer = await call(list, empty, { 'x-api-key': key, 'grpc-accept-encoding': accepted })
    t.match(answer, { status: '0', told: { 'grpc-encoding': 'gzip' } }, accepted)
    t.equal(answer.body[0], 1)
    t.ok(gunzipSync(answer.body.subarray(5)).equals(plain.body.subarray(5)))
  }
  for (const accepted of ['deflate', 'identity', 'x-gzip', 'gzippy']) {
    const answer = await call(list, empty, { 'x-api-key': key, 'grpc-accept-encoding': accepted })
    t.ok(answer.body.equals(plain.body), accepted)
  }
  const short = begin(session, getUser, { 'grpc-accept-encoding': 'gzip' })
  short.end(first)
  const { told, body } = await answerOf(short)
  t.match(told, { 'grpc-status': '0', 'grpc-encoding': undefined })
  t.equal(body[0], 0)
})

test('bytes in metadata are base64, padded or not, several by comma', async (t) => {
  const { call } = await open(t)
  for (const value of ['', 'AA', 'AA==', 'AAE', 'AAE=', 'AAEC', 'AAEC,AA==,AAE', 'AA, AA', '+/+/'])
    t.match(await call(getUser, first, { 'x-thing-bin': value }), { status: '0' }, value)
  t.match(await call(getUser, first, { 'x-thing-bin': ['AA', 'AAE='] }), { status: '0' })
  for (const value of ['A', 'AAAAA', 'a-_b', '=', 'AA===', 'A A', 'AA,!'])
    t.match(await call(getUser, first, { 'x-thing-bin': value }), { status: '3', message: /x-thing-bin/ }, value)
})

test('a connection has so many calls at once, and headers so many bytes', async (t) => {
  const { base, app } = await open(t)
  const session = connectTo(t, base)
  const [settings] = await once(session, 'remoteSettings')
  t.match(settings, { maxConcurrentStreams: 256, maxHeaderListSize: 16_384 })
  const call = async (headers: OutgoingHttpHeaders) => {
    const stream = begin(session, getUser, headers)
    stream.end(first)
    return answerOf(stream)
  }
  t.match(await call({ 'x-large': 'x'.repeat(15_000) }), { status: '0' })
  t.match(await call({ 'x-large': 'x'.repeat(17_000) }), { reset: constants.NGHTTP2_ENHANCE_YOUR_CALM })
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x-${index}`, 'v']))
  t.match(await call(many), { reset: constants.NGHTTP2_ENHANCE_YOUR_CALM })
  const some = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`x-${index}`, 'x'.repeat(4000)]))
  const raw = Object.entries(some).flat()
  t.throws(() => checkMetadata(raw), { code: 'headers-too-large' }, 'in frames that Node does not count too')
  t.match(await call(some), { reset: constants.NGHTTP2_ENHANCE_YOUR_CALM }, 'in one field or in several')
  t.match(await call({}), { status: '0' })
  t.equal(app.grpcPort.size, 2)
})

test('an answer that comes before the message asks for no more of it', async (t) => {
  const { begin, works } = await open(t)
  for (const [path, bytes] of [
    ['/septet.v1.UsersService/Nothing', Buffer.alloc(0)],
    [getUser, framed(Buffer.alloc(0), 9)],
    [getUser, Buffer.concat([first, first])],
    ['/grpc.health.v1.Health/Watch', Buffer.concat([first, first])],
  ] as const) {
    const stream = begin(path)
    stream.write(bytes)
    t.match(await answerOf(stream), { status: /^1[23]$|^3$/, reset: constants.NGHTTP2_NO_ERROR }, path)
  }
  t.ok(await works())
})

test('however a client resets a call, its handler is aborted and nothing is answered', async (t) => {
  const { begin, works } = await open(t)
  for (const code of [
    constants.NGHTTP2_CANCEL,
    constants.NGHTTP2_NO_ERROR,
    constants.NGHTTP2_INTERNAL_ERROR,
    constants.NGHTTP2_REFUSED_STREAM,
    constants.NGHTTP2_ENHANCE_YOUR_CALM,
  ]) {
    const count = seen.length
    const stream = begin(wait)
    stream.end(framed(Buffer.alloc(0)))
    while (seen.length === count) await sleep(5)
    stream.close(code)
    const answer = await answerOf(stream)
    while (seen.length < count + 2) await sleep(5)
    t.same(seen.slice(count), ['begun', 'aborted'], `${code}`)
    t.same(answer.told, {})
  }
  t.ok(await works())
})

test('a call that is cancelled before its message is whole runs nothing', async (t) => {
  const { begin, works } = await open(t)
  const count = seen.length
  for (let index = 0; index < 20; index += 1) {
    const stream = begin(wait)
    stream.write(framed(Buffer.alloc(0)).subarray(0, index % 5))
    await sleep(1)
    stream.close(constants.NGHTTP2_CANCEL)
  }
  t.ok(await works())
  t.equal(seen.length, count)
})
