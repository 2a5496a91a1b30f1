import { join } from 'node:path'
import { test } from 'tap'
import { listen } from '../../helper.ts'
import { seen } from './routes/waiting.ts'

const routes = join(import.meta.dirname, 'routes')
const message = (...bytes: number[]) => Buffer.from([0, 0, 0, 0, bytes.length, ...bytes])

interface Answer {
  status: number
  headers: Headers
  messages: Buffer[]
  trailers: Record<string, string>
}

async function call(base: string, path: string, body: Buffer, headers: Record<string, string> = {}): Promise<Answer> {
  const type = headers['content-type'] ?? 'application/grpc-web+proto'
  const isText = type.includes('text')
  const response = await fetch(`${base}/septet.v1.${path}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': type },
    body: isText ? body.toString('base64') : new Uint8Array(body),
  })
  const raw = Buffer.from(await response.arrayBuffer())
  let rest = isText ? Buffer.from(raw.toString(), 'base64') : raw
  const messages: Buffer[] = []
  let trailers: Answer['trailers'] = {}
  while (response.ok && rest.length > 0) {
    const end = 5 + rest.readUInt32BE(1)
    const part = rest.subarray(5, end)
    if (rest[0] === 0) messages.push(part)
    else
      trailers = Object.fromEntries(
        part
          .toString()
          .trim()
          .split('\r\n')
          .map((line) => line.split(': ')),
      )
    rest = rest.subarray(end)
  }
  return { status: response.status, headers: response.headers, messages, trailers }
}

test('browsers call over HTTP/1.1, in bytes and in text', async (t) => {
  const { base } = await listen(t)
  for (const type of ['application/grpc-web', 'application/grpc-web+proto', 'application/grpc-web-text']) {
    const { headers, messages, trailers } = await call(base, 'UsersService/GetUser', message(8, 1), {
      'content-type': type,
    })
    t.equal(headers.get('content-type'), type)
    t.equal(headers.get('etag'), '"1"')
    t.match(messages[0]?.toString('latin1'), /Mohamed/)
    t.same(trailers, { 'grpc-status': '0' })
  }
})

test('a failure is in the trailers, with its details', async (t) => {
  const { base } = await listen(t)
  const missing = await call(base, 'UsersService/GetUser', message(8, 99))
  t.same(missing.messages, [])
  t.match(missing.trailers, { 'grpc-status': '5', 'grpc-message': 'User%20not%20found' })
  t.match(Buffer.from(missing.trailers['grpc-status-details-bin'] ?? '', 'base64').toString('latin1'), /NOT_FOUND/)
  const refused = await call(base, 'AuditService/ListAuditEvents', message())
  t.match(refused.trailers, { 'grpc-status': '16', 'www-authenticate': /Bearer/ })
})

test('what is no call is refused', async (t) => {
  const { base } = await listen(t, { BODY_LIMIT: '1024' })
  const path = 'UsersService/GetUser'
  t.match((await call(base, 'UsersService/Nothing', message())).trailers, { 'grpc-status': '12' })
  t.match((await call(base, path, Buffer.alloc(0))).trailers, { 'grpc-status': '3' })
  t.match((await call(base, path, Buffer.from([1, 0, 0, 0, 2, 8, 1]))).trailers, { 'grpc-status': '3' })
  t.match((await call(base, path, Buffer.from([0, 0, 0, 0, 9, 8, 1]))).trailers, { 'grpc-status': '3' })
  t.match((await call(base, path, message(10, 200))).trailers, { 'grpc-status': '3' })
  t.equal((await call(base, path, message(8, 1), { 'content-type': 'application/json' })).status, 415)
  t.equal((await call(base, path, Buffer.alloc(2000))).status, 413)
})

test('a deadline ends a call', async (t) => {
  const { base } = await listen(t, {}, routes)
  const late = await call(base, 'WaitingService/WaitForAbort', message(), { 'grpc-timeout': '50m' })
  t.match(late.trailers, { 'grpc-status': '4' })
  t.equal(seen.at(-1), 'aborted')
})

test('a call is logged and counted as its operation, and one of no operation as itself', async (t) => {
  const { app, base, logs } = await listen(t)
  await call(base, 'UsersService/GetUser', message(8, 1))
  await call(base, 'UsersService/Nothing', message())
  const lines = logs().filter(({ msg }) => msg === 'request')
  t.same(
    lines.map(({ path, wire }) => ({ path, wire })),
    [
      { path: '/users/1', wire: 'grpc-web' },
      { path: '/septet.v1.UsersService/Nothing', wire: undefined },
    ],
  )
  const counts = (await app.inject('/metrics')).body
    .split('\n')
    .filter((line) => /_seconds_count.*septet\.v1/.test(line))
  t.equal(counts.length, 1)
  t.match(counts[0], / 1$/)
})

test('a deadline that is none, and bytes that are no base64, are refused', async (t) => {
  const { base } = await listen(t)
  const path = 'UsersService/GetUser'
  const headers = { 'grpc-timeout': 'soon' }
  t.match((await call(base, path, message(8, 1), headers)).trailers, { 'grpc-status': '13' })
  t.match((await call(base, path, message(8, 1), { 'trace-bin': '!' })).trailers, { 'grpc-status': '3' })
  t.match((await call(base, path, message(8, 1), { 'trace-bin': 'AAE=,AAE' })).trailers, { 'grpc-status': '0' })
})

test('pages of configured origins may call, and read what REST says in headers', async (t) => {
  const { base } = await listen(t, { CORS_ORIGINS: 'https://app.example' })
  const preflight = await fetch(`${base}/septet.v1.UsersService/GetUser`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-grpc-web,x-user-agent',
    },
  })
  t.equal(preflight.headers.get('access-control-allow-origin'), 'https://app.example')
  t.match(preflight.headers.get('access-control-allow-headers'), /x-grpc-web/)
  const { headers } = await call(base, 'UsersService/GetUser', message(8, 1), { origin: 'https://app.example' })
  t.match(headers.get('access-control-expose-headers'), /ETag/)
})
