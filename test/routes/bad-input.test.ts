import { connect } from 'node:net'
import { test } from 'tap'
import { build, listen } from '../helper.ts'

const json = { 'content-type': 'application/json' }

test('every violation is listed by JSON pointer', async (t) => {
  const { app } = await build(t)
  const response = await app.inject({ method: 'POST', url: '/users', payload: { name: 5, email: 'no', 'a/b~': 1 } })
  t.equal(response.statusCode, 400)
  t.equal(response.headers['content-type'], 'application/problem+json')
  const { code, errors } = response.json()
  t.equal(code, 'validation-failed')
  t.same(errors.map(({ pointer }: { pointer: string }) => pointer).sort(), ['/a~1b~0', '/email', '/name'])
  const empty = await app.inject({ method: 'POST', url: '/users', payload: {} })
  t.same(
    empty.json().errors.map(({ pointer }: { pointer: string }) => pointer),
    ['/name', '/email'],
  )
})

test('a body is never coerced and unknown properties are refused everywhere', async (t) => {
  const { app } = await build(t)
  const cases: [string, object][] = [
    ['number for text', { name: 7, email: 'a@example.com' }],
    ['unknown property', { name: 'A', email: 'a@example.com', admin: true }],
    ['id from outside', { id: 9, name: 'A', email: 'a@example.com' }],
    ['blank name', { name: ' \t', email: 'a@example.com' }],
    ['array', []],
  ]
  for (const [what, payload] of cases) {
    t.equal((await app.inject({ method: 'POST', url: '/users', payload })).statusCode, 400, what)
  }
  for (const url of [
    '/users?unknown=1',
    '/users?limit=0',
    '/users?limit=1&limit=2',
    '/users/abc',
    '/users/0',
    '/users/1.5',
    '/user',
    '/user?id=x',
  ]) {
    const response = await app.inject(url)
    t.equal(response.statusCode, 400, url)
    t.equal(response.json().code, 'validation-failed', url)
  }
})

test('NUL and lone surrogates are refused, in bodies and queries', async (t) => {
  const { app } = await build(t)
  for (const name of ['a\\u0000b', '\\ud800', 'x\\udc00y']) {
    const payload = `{"name":"${name}","email":"a@example.com"}`
    const response = await app.inject({ method: 'POST', url: '/users', headers: json, payload })
    t.equal(response.statusCode, 400, name)
    t.match(response.json().errors, [{ in: 'body', pointer: '/name' }])
  }
  t.equal((await app.inject('/users?name=a%00')).statusCode, 400)
})

test('addresses that are none are refused', async (t) => {
  const { app } = await build(t)
  const bad = [
    'x',
    '@example.com',
    'x@',
    'a b@example.com',
    'a@b',
    'a@@example.com',
    'a@exam ple.com',
    'a..b@example.com',
    'a@example.com\r\nBcc: b@example.com',
    '"a"@example.com',
    'a@-x.com',
    'a@exam\r\nple.com',
    'a@example.com/foo',
    'a@example.com?x=1',
    'a@example.com#b',
    'a@example.com\\x',
    'a@ex%61mple.com',
    'a@1.2.3.4',
    'a@0x7f.1',
    `${'a'.repeat(65)}@example.com`,
  ]
  for (const email of bad) {
    t.equal((await app.inject({ method: 'POST', url: '/users', payload: { name: 'A', email } })).statusCode, 400, email)
  }
})

test('malformed JSON, broken UTF-8 and prototype keys are malformed requests', async (t) => {
  const { app } = await build(t)
  const payloads = [
    '{',
    '{"name":}',
    Buffer.from([0x22, 0xff, 0x22]),
    '{"__proto__":{"x":1},"name":"A","email":"a@example.com"}',
  ]
  for (const payload of payloads) {
    const response = await app.inject({ method: 'POST', url: '/users', headers: json, payload })
    t.equal(response.statusCode, 400)
    t.equal(response.json().code, 'malformed-request')
  }
})

test('another media type is 415, none at all is a missing body', async (t) => {
  const { app } = await build(t)
  for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded']) {
    const response = await app.inject({
      method: 'POST',
      url: '/users',
      headers: { 'content-type': type },
      payload: 'a=b',
    })
    t.equal(response.statusCode, 415, type)
    t.equal(response.json().code, 'unsupported-media-type')
  }
  t.equal((await app.inject({ method: 'POST', url: '/users', headers: json, payload: '' })).statusCode, 400)
})

test('an unknown path is 404 and a wrong method 405 with Allow', async (t) => {
  const { app } = await build(t)
  const unknown = await app.inject('/nothing')
  t.equal(unknown.statusCode, 404)
  t.equal(unknown.json().code, 'not-found')
  const wrong = await app.inject({ method: 'DELETE', url: '/users' })
  t.equal(wrong.statusCode, 405)
  t.equal(wrong.headers.allow, 'GET, HEAD, OPTIONS, POST')
  t.equal(wrong.json().code, 'method-not-allowed')
  t.equal(
    (await app.inject({ method: 'POST', url: '/users/1', payload: {} })).headers.allow,
    'DELETE, GET, HEAD, OPTIONS, PATCH, PUT',
  )
  t.equal((await app.inject({ method: 'POST', url: '/docs/json' })).statusCode, 405)
  const options = await app.inject({ method: 'OPTIONS', url: '/users' })
  t.equal(options.statusCode, 204)
  t.equal(options.headers.allow, 'GET, HEAD, OPTIONS, POST')
})

test('every ill-formed text is listed, beside the other violations', async (t) => {
  const { app } = await build(t)
  const payload = '{"name":"a\\u0000","email":"b\\u0000@x.com","c/~":"\\ud800"}'
  const { errors } = (await app.inject({ method: 'POST', url: '/users', headers: json, payload })).json()
  const pointers = new Set(errors.map(({ pointer }: { pointer: string }) => pointer))
  t.same([...pointers].sort(), ['/c~1~0', '/email', '/name'])
})

test('a media type that the operation does not take is refused, and so is a charset but UTF-8', async (t) => {
  const { app } = await build(t)
  const payload = JSON.stringify({ name: 'A', email: 'a@example.com' })
  const post = (type: string) =>
    app.inject({ method: 'POST', url: '/users', headers: { 'content-type': type }, payload })
  t.equal((await post('application/merge-patch+json')).statusCode, 415)
  t.equal((await post('application/json; charset=utf-16')).statusCode, 415)
  t.equal((await post('application/json; charset=UTF-8')).statusCode, 201)
})

test('a path that cannot be decoded is a problem too, with the security headers', async (t) => {
  const { app } = await build(t)
  for (const url of ['/users/%ff', '/%', '/users/%zz']) {
    const response = await app.inject(url)
    t.equal(response.statusCode, 400, url)
    t.equal(response.headers['content-type'], 'application/problem+json')
    t.equal(response.headers['x-content-type-options'], 'nosniff')
    t.equal(response.json().code, 'malformed-request')
  }
})

test('a request for another host is refused: its page may have been rebound to this machine', async (t) => {
  const { app } = await build(t)
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80']) {
    const response = await app.inject({ url: '/users', headers: { host } })
    t.equal(response.statusCode, 421, host)
    t.equal(response.json().code, 'misdirected-request')
  }
  for (const host of ['localhost:8080', '127.0.0.1', '[::1]:8080']) {
    t.equal((await app.inject({ url: '/users', headers: { host } })).statusCode, 200, host)
  }
})

test('a body over the limit is 413', async (t) => {
  const { app } = await build(t, { BODY_LIMIT: '2048' })
  const payload = { name: 'x'.repeat(3000), email: 'a@example.com' }
  const response = await app.inject({ method: 'POST', url: '/users', payload })
  t.equal(response.statusCode, 413)
  t.equal(response.json().code, 'payload-too-large')
})

test('what is not HTTP, too long a header and too slow a request are answered with problems on the socket', async (t) => {
  const { base } = await listen(t, { REQUEST_TIMEOUT: '1000' })
  const { port } = new URL(base)
  const send = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(text))
      let answer = ''
      socket.setEncoding('utf8')
      socket.on('data', (chunk) => {
        answer += chunk
      })
      socket.on('close', () => resolve(answer))
      socket.on('error', reject)
    })
  t.match(await send('nonsense\r\n\r\n'), /^HTTP\/1.1 400 .*malformed-request/s)
  t.match(
    await send(`GET /users HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`),
    /^HTTP\/1.1 431 .*headers-too-large/s,
  )
  const slow = await send(
    'POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
  )
  t.match(slow, /^HTTP\/1.1 408 .*request-timeout/s)
})

test('a number of a URL that is beyond all numbers is refused', async (t) => {
  const { app } = await build(t)
  for (const url of ['/users?limit=1e999', '/users?limit=-Infinity', '/users/1e999', '/user?id=Infinity']) {
    t.match((await app.inject(url)).json(), { status: 400, code: 'validation-failed' }, url)
  }
})
