import { setTimeout as wait } from 'node:timers/promises'
import {
  type ClientReadableStream,
  credentials,
  Client as GrpcClient,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { type Test, test } from 'tap'
import { Messages } from '../../conformance/clients/grpc-messages.ts'
import { listen } from '../../helper.ts'
import { makeKey } from '../../keys.ts'

interface Told {
  type: string
  subject: string
  sequence: string
}

const add = (name: string) => ({ name, email: `${name}@example.com` })

async function open(t: Test) {
  const { app, base } = await listen(t)
  const messages = new Messages(await (await fetch(`${base}/contracts/service.proto`)).text())
  const { path, encode, decode } = messages.method('streamEvents')
  const client = new GrpcClient(new URL(base).host, credentials.createInsecure())
  t.teardown(() => client.close())
  return {
    app,
    base,
    messages,
    key: app.apiKeys.first ?? '',
    create: (name: string) => app.inject({ method: 'POST', url: '/users', payload: add(name) }),
    /** What is told, and the status when it has ended. */
    follow(input: object, key = app.apiKeys.first ?? '', deadline?: number) {
      const metadata = new Metadata()
      metadata.set('x-api-key', key)
      const asIs = (bytes: Buffer) => bytes
      const options = deadline === undefined ? {} : { deadline }
      const call = client.makeServerStreamRequest(path, asIs, asIs, encode(input), metadata, options)
      return new Following(call, (bytes) => decode(bytes).value as Told)
    },
  }
}

class Following {
  readonly call: ClientReadableStream<Buffer>
  readonly told: Told[] = []
  readonly begun: Promise<unknown>
  readonly ended: Promise<ServiceError | undefined>

  constructor(call: ClientReadableStream<Buffer>, decode: (bytes: Buffer) => Told) {
    this.call = call
    call.on('data', (bytes: Buffer) => this.told.push(decode(bytes)))
    this.begun = new Promise((resolve) => call.once('metadata', resolve))
    this.ended = new Promise((resolve) => {
      call.once('error', (error: ServiceError) => resolve(error)).once('end', () => setImmediate(resolve, undefined))
    })
  }

  async take(count: number): Promise<string[]> {
    while (this.told.length < count) await wait(5)
    return this.told.map(({ type, subject }) => `${type} ${subject}`)
  }
}

test('events follow one another as they happen, and behind one that was seen', async (t) => {
  const { follow, create } = await open(t)
  const live = follow({ types: ['user.*'] })
  await live.begun
  await create('Zoe')
  t.same(await live.take(1), ['user.created /users/3'])
  live.call.cancel()
  t.match(await live.ended, { code: 1 })
  await create('Uma')
  const { sequence } = live.told[0] as Told
  const again = follow({ cursor: sequence })
  t.same(await again.take(1), ['user.created /users/4'])
  await create('Ida')
  t.same(await again.take(2), ['user.created /users/4', 'user.created /users/5'])
  t.match(again.told[0], { specversion: '1.0', data: { name: 'Uma' } }, 'as any other wire has it')
  again.call.cancel()
})

test('a stream begins with what a call is refused for, and its details', async (t) => {
  const { app, key, follow, messages } = await open(t)
  const { key: other } = await makeKey(app, key, ['users:read'])
  const refused = await follow({}, other).ended
  t.match(refused, { code: 7, details: /events:read/ })
  const [details] = refused?.metadata.get('grpc-status-details-bin') ?? []
  t.equal(messages.details(details as Buffer).code, 'forbidden')
  t.match(await follow({}, 'spt_nonsense').ended, { code: 16 })
  t.match(await follow({ types: ['user.gone'] }).ended, { code: 3 })
  t.match(await follow({ cursor: '9999999999999999' }).ended, { code: 3 })
  t.match(await follow({}, key, Date.now() + 100).ended, { code: 4 })
})

test('a stream ends when its caller may no longer listen', async (t) => {
  const { app, key, follow, create } = await open(t)
  const made = await makeKey(app, key, ['events:read', 'users:read'])
  const live = follow({}, made.key)
  await live.begun
  await create('Zoe')
  t.same(await live.take(1), ['user.created /users/3'])
  await app.inject({ method: 'DELETE', url: `/keys/${made.id}`, headers: { 'x-api-key': key } })
  await create('Uma')
  t.match(await live.ended, { code: 16 })
  t.equal(live.told.length, 1)
})

test('a stream ends when the server stops, and those who come back are told where it is not', async (t) => {
  const { app, follow } = await open(t)
  const live = follow({})
  await live.begun
  const closed = app.close()
  t.match(await live.ended, { code: 14 })
  await closed
})

test('browsers follow events over HTTP/1.1', async (t) => {
  const { base, key, create, messages } = await open(t)
  const { path, encode, decode } = messages.method('streamEvents')
  const message = encode({ types: ['user.created'], cursor: '0' })
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message])
  const abort = new AbortController()
  for (const type of ['application/grpc-web+proto', 'application/grpc-web-text']) {
    const isText = type.endsWith('text')
    const answer = await fetch(`${base}${path}`, {
      method: 'POST',
      headers: { 'content-type': type, 'x-api-key': key },
      body: isText ? frame.toString('base64') : new Uint8Array(frame),
      signal: abort.signal,
    })
    const reader = answer.body?.getReader()
    const read = async () => Buffer.from((await reader?.read())?.value ?? [])
    let body = Buffer.alloc(0)
    while (body.length < (isText ? 400 : 300)) body = Buffer.concat([body, await read()])
    const bytes = isText ? Buffer.from(body.toString('latin1').split('=')[0] as string, 'base64') : body
    const first = bytes.subarray(5, 5 + bytes.readUInt32BE(1))
    t.match(decode(first).value, { type: 'user.created', subject: '/users/1' }, type)
  }
  await create('Zoe')
  abort.abort()
  const refused = await fetch(`${base}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/grpc-web+proto', 'x-api-key': 'spt_nonsense' },
    body: new Uint8Array(frame),
  })
  t.match(await refused.text(), /grpc-status: 16/)
})
