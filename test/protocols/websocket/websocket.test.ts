import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { type Test, test } from 'tap'
import { headersOfConnection } from '../../../src/contract/headers-of-connection.ts'
import { listen } from '../../helper.ts'
import { adminKeyOf, makeKey } from '../../keys.ts'
import { connect, refused } from './client.ts'

test('a client calls operations, and is counted until it leaves', async (t) => {
  const { app, base, logs } = await listen(t)
  const client = await connect(t, base)
  t.equal(client.socket.protocol, 'jsonrpc-2.0')
  t.equal(client.socket.extensions, '', 'messages are not compressed')
  t.match(await client.call('getUser', { id: 1 }), { result: { id: 1, name: 'Mohamed' }, meta: { etag: '"1"' } })
  t.equal(app.webSockets.size, 1)
  t.match((await app.inject('/metrics')).body, /^websocket_connections 1$/m)
  await new Promise((resolve) => setTimeout(resolve, 150))
  t.match(
    logs().findLast(({ wire }) => wire !== undefined),
    { path: '/users/1', status: 200, wire: 'websocket', ip: '127.0.0.1' },
  )
  client.socket.close(1000)
  await client.closed()
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal(app.webSockets.size, 0)
})

test('an accepted upgrade is logged and counted once, as other requests are', async (t) => {
  const { app, base, logs } = await listen(t)
  const client = await connect(t, base)
  t.match(await client.call('getUser', { id: 1 }), { result: { id: 1 } })
  const line = { method: 'GET', path: '/ws', status: 101, ms: Number, ip: '127.0.0.1', reqId: /./ }
  const written = () => logs().filter(({ path }) => path === '/ws')
  client.socket.close()
  await client.closed()
  await new Promise((resolve) => setTimeout(resolve, 150))
  t.match(written(), [line])
  t.equal(written().length, 1)
  const { body } = await app.inject('/metrics')
  t.match(body, /_count\{[^}]*route="\/ws"[^}]*\} 1$/m)
})

test('a client may offer no subprotocol, but not others alone', async (t) => {
  const { base } = await listen(t)
  t.match(await (await connect(t, base, {}, [])).call('getUser', { id: 1 }), { result: { id: 1 } })
  const chosen = await connect(t, base, {}, ['graphql-ws', 'jsonrpc-2.0'])
  t.equal(chosen.socket.protocol, 'jsonrpc-2.0')
  t.equal(await refused(base, {}, ['graphql-ws']), 400)
})

test('what is no upgrade is told to be one', async (t) => {
  const { base } = await listen(t)
  const answer = await fetch(`${base}/ws`)
  t.equal(answer.status, 426)
  t.equal(answer.headers.get('upgrade'), 'websocket')
  t.match(await answer.json(), { code: 'upgrade-required' })
})

test('a request that says it is an upgrade, but has no connection to be taken, is none', async (t) => {
  const { app } = await listen(t)
  const headers = {
    connection: 'upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  t.equal((await app.inject({ url: '/ws', headers })).statusCode, 426)
  t.equal(app.webSockets.networks, 0)
})

test('a credential in the headers of the upgrade, in a message, or in one call opens what it does over REST', async (t) => {
  const { app, base, folder } = await listen(t, { ANONYMOUS_SCOPES: 'none' })
  const { key, id } = await makeKey(app, adminKeyOf(folder), ['users:read'])
  t.equal(await refused(base, { headers: { 'x-api-key': `${key}x` } }), 401)
  const byHeader = await connect(t, base, { headers: { 'x-api-key': key } })
  t.match(await byHeader.call('getUser', { id: 1 }), { result: { id: 1 } })
  const browser = await connect(t, base)
  t.match(await browser.call('getUser', { id: 1 }), { error: { code: -32001, data: { status: 401 } } })
  t.match(await browser.call('authenticate', { token: 'wrong' }), { error: { code: -32001 } })
  t.match(await browser.call('authenticate', {}), { error: { code: -32602 } })
  t.match(await browser.call('getUser', { id: 1 }, { meta: { authorization: `Bearer ${key}` } }), { result: { id: 1 } })
  t.match(await browser.call('getUser', { id: 1 }), { error: { code: -32001 } }, 'that call alone')
  t.match(await browser.call('authenticate', { token: key }), {
    result: { kind: 'api-key', id: `api-key:${id}`, scopes: ['users:read'] },
  })
  t.match(await browser.call('getUser', { id: 1 }), { result: { id: 1 } })
  t.match(await browser.call('deleteUser', { id: 1 }), { error: { code: -32003, data: { detail: /users:write/ } } })
  const revoke = { method: 'DELETE', url: `/keys/${id}`, headers: { 'x-api-key': adminKeyOf(folder) } } as const
  await app.inject(revoke)
  for (const client of [browser, byHeader]) {
    t.match(await client.call('getUser', { id: 1 }), { error: { code: -32001 } }, 'a socket outlives no revocation')
  }
})

test('a request that offers another protocol is answered as the request that it is', async (t) => {
  const { base } = await listen(t)
  const { hostname, port } = new URL(base)
  const body = JSON.stringify({ name: 'Zoe', email: 'zoe@example.com' })
  const socket = createConnection(Number(port), hostname)
  t.teardown(() => socket.destroy())
  socket.write(
    `POST /users HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 201 /)
})

test('pages of other origins cannot connect unless CORS_ORIGINS names them', async (t) => {
  const { base } = await listen(t, { CORS_ORIGINS: 'https://app.example.com' })
  for (const origin of ['https://evil.example', 'null', 'https://app.example.com.evil.example']) {
    t.equal(await refused(base, { origin }), 403, origin)
  }
  for (const origin of ['https://app.example.com', base]) {
    t.match(await (await connect(t, base, { origin })).call('getUser', { id: 1 }), { result: { id: 1 } }, origin)
  }
})

test('pages of PUBLIC_URL can connect, also where a proxy asks for another host', async (t) => {
  const { base } = await listen(t, { PUBLIC_URL: 'https://api.example.com' })
  await connect(t, base, { origin: 'https://api.example.com' })
  t.equal(await refused(base, { origin: 'https://other.example.com' }), 403)
})

test('a page whose name was rebound to loopback cannot connect', async (t) => {
  const { base } = await listen(t)
  t.equal(await refused(base, { headers: { host: 'evil.example' } }), 421)
})

test('binary and oversized messages end the connection with the code that says so', async (t) => {
  const { base } = await listen(t, { BODY_LIMIT: '2048' })
  const binary = await connect(t, base)
  binary.socket.send(Buffer.from('{}'))
  t.match(await binary.closed(), [1003, /./])
  const large = await connect(t, base)
  large.socket.send('x'.repeat(2049))
  t.match(await large.closed(), [1009])
})

/** What a client of its own making sends and gets. */
async function raw(t: Test, base: string, ...sent: (string | Buffer)[]): Promise<Socket> {
  const { hostname, port } = new URL(base)
  const socket = createConnection(Number(port), hostname)
  t.teardown(() => socket.destroy())
  for (const each of sent) socket.write(each)
  await once(socket, 'connect')
  return socket
}

/** Everything until the server ends the connection. */
async function whole(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk as Buffer))
  await once(socket, 'close')
  return Buffer.concat(chunks)
}

const upgrade = () =>
  `GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`

/** A frame as clients send it, masked with zeros. */
const frame = (first: number, payload: string | Buffer) =>
  Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)])

test('frames that break the protocol, and text that is no UTF-8, end it with their codes', async (t) => {
  const { base, app } = await listen(t)
  const reserved = await whole(await raw(t, base, upgrade(), frame(0x83, 'x')))
  t.equal(reserved.readUInt16BE(reserved.indexOf(Buffer.from([0x88])) + 2), 1002)
  const latin1 = await whole(await raw(t, base, upgrade(), frame(0x81, Buffer.from([0xff]))))
  t.equal(latin1.readUInt16BE(latin1.lastIndexOf(Buffer.from([0x88])) + 2), 1007)
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(app.webSockets.size, 0)
})

test('a handshake that is none is refused, and its connection over', async (t) => {
  const { base, app } = await listen(t)
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
  const broken: [from: string, to: string, status: number][] = [
    ['Version: 13', 'Version: 8', 426],
    ['Version: 13', 'Version: 13, 8', 426],
    ['Sec-WebSocket-Version: 13', 'X: 13', 426],
    [key, 'X: 1', 400],
    [key, 'Sec-WebSocket-Key: dGhlIHNhbXBsZQ==', 400],
    [key, 'Sec-WebSocket-Key: dGhlIHNhbXBs_SBub25jZQ==', 400],
    [key, `${key}\r\n${key}`, 400],
    [key, `${key}\r\nSec-WebSocket-Protocol: jsonrpc-2.0, jsonrpc-2.0`, 400],
    [key, `${key}\r\nSec-WebSocket-Protocol: jsonrpc-2.0,`, 400],
    [key, `${key}\r\nSec-WebSocket-Protocol: jsonrpc 2.0`, 400],
  ]
  for (const [from, to, status] of broken) {
    const answer = String(await whole(await raw(t, base, upgrade().replace(from, to))))
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    t.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), to)
    t.match(head, /\r\ncontent-type: application\/problem\+json/i, to)
    t.match(JSON.parse(body), { status, requestId: /./ })
    t.equal(/\r\nsec-websocket-version: 13\r\n/i.test(head), status === 426, to)
    t.match(head, /\r\nconnection: (upgrade, )?close(\r\n|$)/i)
  }
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(app.webSockets.size, 0)
  t.equal(app.webSockets.networks, 0)
})

test('where no WebSockets are opened an upgrade is refused, and its connection over', async (t) => {
  const { base, app } = await listen(t)
  let routed = 0
  app.storage.engine.first = () => {
    routed += 1
    return undefined
  }
  for (const path of ['/users/1', '/nowhere', '/ws/', '/auth/login/oidc?redirect=/ws']) {
    const answer = String(await whole(await raw(t, base, upgrade().replace('/ws', path))))
    t.match(answer, /^HTTP\/1\.1 404 Not Found\r\n/, path)
    t.match(answer, /\r\nConnection: close\r\n/)
    t.match(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))), {
      code: 'not-found',
      detail: /at \/graphql and \/ws$/,
    })
  }
  t.equal(routed, 0, 'no route has run')
})

test('an upgrade that announces a body is refused, however much of it comes', async (t) => {
  const { base, app } = await listen(t)
  const bodies: [header: string, body: string][] = [
    ['Content-Length: 5', ''],
    ['Content-Length: 5', 'abcde'],
    ['Content-Length: 1000000', 'x'.repeat(1_000_000)],
    ['Transfer-Encoding: chunked', ''],
    ['Transfer-Encoding: chunked', '5\r\nabcde\r\n0\r\n\r\n'],
  ]
  for (const [header, body] of bodies) {
    const request = upgrade().replace('\r\n\r\n', `\r\n${header}\r\n\r\n${body}`)
    const answer = String(await whole(await raw(t, base, request)))
    t.match(answer, /^HTTP\/1\.1 400 .*"code":"malformed-request"/s, header)
  }
  const empty = await raw(t, base, upgrade().replace('\r\n\r\n', '\r\nContent-Length: 0\r\n\r\n'))
  t.match(String((await once(empty, 'data'))[0]), /^HTTP\/1\.1 101 /, 'none is none')
  t.equal(app.webSockets.size, 1)
})

test('what asks for a WebSocket by another method is answered as the request that it is', async (t) => {
  const { base } = await listen(t)
  const body = JSON.stringify({ name: 'Zoe', email: 'zoe@example.com' })
  const head = `POST /users HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`
  const rest = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const socket = await raw(t, base, head, rest)
  t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 201 /)
})

test('a message that comes with the upgrade is answered', async (t) => {
  const { base } = await listen(t)
  const call = frame(0x81, '{"jsonrpc":"2.0","id":1,"method":"getUser","params":{"id":1}}')
  const socket = await raw(t, base, Buffer.concat([Buffer.from(upgrade()), call]))
  let text = ''
  while (!text.includes('Mohamed')) text += String((await once(socket, 'data'))[0])
  t.match(text, /^HTTP\/1\.1 101 /)
})

test('calls carry what holds for the connection, not what was said of the upgrade', (t) => {
  const headers = {
    host: 'localhost',
    authorization: 'Bearer x',
    'user-agent': 'test',
    'x-forwarded-for': '192.0.2.1',
    ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'x', origin: 'https://a.example' },
    ...{ cookie: 'a=b', 'idempotency-key': 'k', 'if-match': '"1"', 'x-request-id': 'r' },
  }
  t.same(Object.keys(headersOfConnection(headers)), ['host', 'authorization', 'user-agent', 'x-forwarded-for'])
  t.end()
})

test('more connections than an address or the server may have are refused', async (t) => {
  const { base } = await listen(t, { MAX_CONNECTIONS_PER_ADDRESS: '2' })
  const first = await connect(t, base)
  await connect(t, base)
  t.equal(await refused(base), 429)
  first.socket.close()
  await first.closed()
  await new Promise((resolve) => setTimeout(resolve, 50))
  await connect(t, base)
  const few = await listen(t, { MAX_CONNECTIONS: '1' })
  await connect(t, few.base)
  t.equal(await refused(few.base), 503)
})

test('a thousand calls at once are all answered, each with its own', async (t) => {
  const { base } = await listen(t)
  const client = await connect(t, base)
  const ids = Array.from({ length: 1000 }, (_, index) => index)
  for (const id of ids) {
    client.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'getUser', params: { id: (id % 2) + 1 } }))
  }
  const answers = await Promise.all(ids.map(async () => JSON.parse(await client.next())))
  t.same(
    answers.map(({ id }) => id).sort((a, b) => a - b),
    ids,
  )
  t.ok(answers.every(({ id, result }) => result.id === (id % 2) + 1))
})

test('a stop answers what is under way, then says that it is going', async (t) => {
  const { app, base } = await listen(t)
  const client = await connect(t, base)
  const gone = client.closed()
  const create = client.call('createUser', { name: 'Zoe', email: 'zoe@example.com' })
  await once(client.socket, 'message')
  t.match(await create, { result: { name: 'Zoe' } })
  const closing = app.close()
  t.match(await gone, [1001, 'the server is stopping'])
  await closing
})

test('a thousand that come and go leave nothing', async (t) => {
  const { app, base } = await listen(t, { ACCESS_LOG: 'off' })
  for (let round = 0; round < 20; round++) {
    const clients = await Promise.all(Array.from({ length: 50 }, () => connect(t, base)))
    await Promise.all(clients.map((client) => client.call('getUser', { id: 1 })))
    await Promise.all(
      clients.map(async (client, index) => {
        const closed = client.closed()
        if (index % 2 === 0) client.socket.terminate()
        else client.socket.close()
        await closed
      }),
    )
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.equal(app.webSockets.size, 0)
  t.equal(app.webSockets.networks, 0)
  t.match(await (await connect(t, base)).call('getUser', { id: 1 }), { result: { id: 1 } })
})
