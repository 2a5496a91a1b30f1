import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { Client, credentials, type ServiceError } from '@grpc/grpc-js'
import { type Test, test } from 'tap'
import { WebSocket } from 'ws'
import { createApp } from '../../../src/app.ts'
import { readConfig } from '../../../src/config.ts'
import { readCertificate } from '../../../src/contract/secure-server.ts'
import { createLog } from '../../../src/logger.ts'
import { listen, openSettings, temporaryFolder } from '../../helper.ts'

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const emptySettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])

/** The name of user 1, by hand: field 2 of the answer to a message whose field 1 is 1. */
function askName(t: Test, target: string, how = credentials.createInsecure()): Promise<string> {
  const client = new Client(target, how)
  t.teardown(() => client.close())
  const decode = (bytes: Buffer) => {
    const start = bytes.indexOf(18)
    return bytes.toString('utf8', start + 2, start + 2 + (bytes[start + 1] ?? 0))
  }
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      '/septet.v1.UsersService/GetUser',
      (bytes: Buffer) => bytes,
      decode,
      Buffer.from([8, 1]),
      (error: ServiceError | null, name?: string) => (error ? reject(error) : resolve(name ?? '')),
    )
  })
}

/** What comes back to bytes that are sent piece by piece, until the connection ends or nothing comes for a while. */
async function sendPieces(
  port: number,
  pieces: readonly (string | Buffer)[],
  wait = 300,
  host = '127.0.0.1',
): Promise<Buffer> {
  const socket = connect(port, host).setNoDelay()
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {})
  await once(socket, 'connect')
  for (const piece of pieces) {
    socket.write(piece)
    await sleep(5)
  }
  await Promise.race([once(socket, 'close'), sleep(wait)])
  socket.destroy()
  return Buffer.concat(chunks)
}

const isSettings = (bytes: Buffer) => bytes[3] === 4
const portOf = (base: string) => Number(new URL(base).port)

test('one port answers gRPC, REST and WebSockets, at once', async (t) => {
  const { base } = await listen(t)
  const { host } = new URL(base)
  const socket = new WebSocket(`ws://${host}/ws`)
  await once(socket, 'open')
  socket.send('{"jsonrpc":"2.0","id":1,"method":"findUser","params":{"id":1}}')
  const message = once(socket, 'message')
  const names = await Promise.all([
    askName(t, host),
    fetch(`${base}/user?id=1`).then(async (response) => ((await response.json()) as { name: string }).name),
    message.then(([data]) => (JSON.parse(String(data)) as { result: { name: string } }).result.name),
    askName(t, host),
  ])
  socket.close()
  t.same(names, ['Mohamed', 'Mohamed', 'Mohamed', 'Mohamed'])
})

test('the preface may come in pieces of any size', async (t) => {
  const { base } = await listen(t)
  const rest = emptySettings
  for (const pieces of [
    [preface, rest],
    [Buffer.concat([Buffer.from(preface), rest])],
    [preface.slice(0, 1), preface.slice(1), rest],
    [preface.slice(0, 16), Buffer.concat([Buffer.from(preface.slice(16)), rest])],
    [...preface, rest],
  ])
    t.ok(isSettings(await sendPieces(portOf(base), pieces)), `${pieces.length} pieces`)
})

test('only the first bytes of a connection are a preface', async (t) => {
  const { base } = await listen(t)
  const request = 'GET /user?id=1 HTTP/1.1\r\nHost: localhost\r\n\r\n'
  for (const pieces of [
    [request, preface, emptySettings],
    [request + preface, emptySettings],
    [`\r\n${preface}`, emptySettings],
    ['PRI /other HTTP/2.0\r\n\r\nSM\r\n\r\n', emptySettings],
    ['PRI * HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ]) {
    const answer = (await sendPieces(portOf(base), pieces)).toString('latin1')
    t.match(answer, /HTTP\/1\.1 400 Bad Request[\s\S]*malformed-request/)
  }
})

test('a connection that says nothing, or only a part of the preface, has the time of a request', async (t) => {
  const { base } = await listen(t, { REQUEST_TIMEOUT: '1000' })
  for (const pieces of [[], [preface.slice(0, 10)]]) {
    const begin = performance.now()
    const answer = await sendPieces(portOf(base), pieces, 5000)
    t.ok(performance.now() - begin < 3000)
    t.match(answer.toString('latin1'), /408/)
  }
})

test('a server that stops answers what is under way, closes idle connections and takes no others', async (t) => {
  const { app, base } = await listen(t, {}, join(import.meta.dirname, 'routes'))
  const { host } = new URL(base)
  await askName(t, host)
  const client = new Client(host, credentials.createInsecure())
  t.teardown(() => client.close())
  const asIs = (bytes: Buffer) => bytes
  const slow = new Promise<Buffer | undefined>((resolve, reject) => {
    const path = '/septet.v1.WaitingService/WaitAWhile'
    client.makeUnaryRequest(path, asIs, asIs, Buffer.from([8, 100 | 128, 2]), (error: ServiceError | null, value) =>
      error ? reject(error) : resolve(value),
    )
  })
  await sleep(100)
  const begin = performance.now()
  await app.close()
  t.ok(performance.now() - begin < 2000)
  t.ok(await slow)
  await t.rejects(askName(t, host), { code: 14 })
})

test('gRPC can have a port of its own, and is nowhere else then', async (t) => {
  const { app, base } = await listen(t, { GRPC_PORT: '0' })
  const port = await app.grpcPort.listen(['127.0.0.1'], 0)
  t.equal(await askName(t, `127.0.0.1:${port}`), 'Mohamed')
  t.match((await sendPieces(portOf(base), [preface])).toString('latin1'), /HTTP\/1\.1 400/)
  await app.close()
  await t.rejects(askName(t, `127.0.0.1:${port}`), { code: 14 })
})

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))
const skipIpv6 = hasIpv6 ? false : 'there is no ::1'

test('a further address answers as the first does, and stops with it', { skip: skipIpv6 }, async (t) => {
  const { app, base } = await listen(t, { REQUEST_TIMEOUT: '1000' }, join(import.meta.dirname, 'routes'))
  const port = portOf(base)
  await app.alsoListen('::1', port)
  t.equal(await askName(t, `[::1]:${port}`), 'Mohamed')
  const response = await fetch(`http://[::1]:${port}/user?id=1`)
  t.match(await response.json(), { name: 'Mohamed' })
  t.match((await sendPieces(port, ['nonsense\r\n\r\n'], 300, '::1')).toString(), /HTTP\/1.1 400 .*malformed-request/s)
  const slow = fetch(`http://[::1]:${port}/waiting/a-while?time=500`)
  await sleep(100)
  await app.close()
  t.equal((await slow).status, 200)
  await t.rejects(fetch(`http://[::1]:${port}/user?id=1`))
})

test('gRPC may have its own port on several addresses', { skip: skipIpv6 }, async (t) => {
  const { app } = await listen(t, { GRPC_PORT: '0' })
  const port = await app.grpcPort.listen(['127.0.0.1', '::1'], 0)
  for (const host of ['127.0.0.1', '[::1]']) t.equal(await askName(t, `${host}:${port}`), 'Mohamed')
})

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const skip = hasOpenssl ? false : 'openssl is not installed'

test('under TLS, what a connection speaks is agreed in its handshake', { skip }, async (t) => {
  const folder = temporaryFolder(t)
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const made = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    ...subject,
  ]
  t.equal(spawnSync('openssl', [...made, '-keyout', key, '-out', cert]).status, 0)
  const { app, base } = await listen(t, { TLS_CERT: cert, TLS_KEY: key })
  const { port } = new URL(base)
  t.match(base, /^https:/)
  const ca = readFileSync(cert)
  t.equal(await askName(t, `localhost:${port}`, credentials.createSsl(ca)), 'Mohamed')
  const secure = connectTls({ port: Number(port), host: '127.0.0.1', ca, servername: 'localhost' })
  secure.write('GET /user?id=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  const chunks: Buffer[] = []
  for await (const chunk of secure) chunks.push(chunk as Buffer)
  t.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 200[\s\S]*Mohamed/)
  for (const [offered, agreed] of [
    [['h2', 'http/1.1'], 'http/1.1'],
    [['http/1.1', 'h2'], 'http/1.1'],
    [['h2'], 'h2'],
  ] as const) {
    const options = { port: Number(port), host: '127.0.0.1', ca, servername: 'localhost', ALPNProtocols: [...offered] }
    const either = connectTls(options)
    await once(either, 'secureConnect')
    t.equal(either.alpnProtocol, agreed, 'browsers and curl, which offer both, get what serves all but gRPC')
    either.destroy()
  }
  const own = await app.grpcPort.listen(['127.0.0.1'], 0, readCertificate(app.config))
  t.equal(await askName(t, `localhost:${own}`, credentials.createSsl(ca)), 'Mohamed')
})

test('a certificate without its key, or that is not there, ends the start with the setting', async (t) => {
  t.throws(() => readCertificate({ TLS_CERT: '/none' }), { message: 'TLS_KEY must be set too: TLS needs both' })
  const config = readConfig({ ...openSettings, DATA_DIR: temporaryFolder(t), TLS_CERT: '/none', TLS_KEY: '/none' })
  await t.rejects(createApp(config, createLog(config)), /^TLS_CERT \/none cannot be read/)
})
