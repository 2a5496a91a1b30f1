import { credentials, Client as GrpcClient, Metadata } from '@grpc/grpc-js'
import type { FastifyInstance } from 'fastify'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient } from 'graphql-ws'
import t, { type Test, test } from 'tap'
import WebSocket from 'ws'
import { Messages } from '../conformance/clients/grpc-messages.ts'
import { listen } from '../helper.ts'
import { connect } from '../protocols/websocket/client.ts'
import { startPostgres } from '../storage/postgres-server.ts'

const postgres = await startPostgres(t)
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)
const query = 'subscription ($cursor: String) { listEvents(cursor: $cursor) { sequence } }'

/** Reads behind a cursor until it has seen so many events, then leaves; gives their sequences. */
type Read = (t: Test, base: string, cursor: string, count: number) => Promise<number[]>

const webSocket: Read = async (t, base, cursor, count) => {
  const client = await connect(t, base)
  await client.call('subscribe', { cursor })
  await client.told(count)
  client.socket.terminate()
  return client.notices.map(({ params: { event } }) => Number(event.sequence))
}

const serverSent: Read = async (_t, base, cursor, count) => {
  const abort = new AbortController()
  const headers = { accept: 'text/event-stream', 'last-event-id': cursor }
  const answer = await fetch(`${base}/events`, { headers, signal: abort.signal })
  const seen: number[] = []
  let text = ''
  for await (const part of (answer.body as ReadableStream).pipeThrough(new TextDecoderStream())) {
    text += part
    const whole = text.lastIndexOf('\n\n') + 2
    seen.push(...[...text.slice(0, whole).matchAll(/^id: (\d+)\ndata: /gm)].map(([, id]) => Number(id)))
    text = text.slice(whole)
    if (seen.length >= count) break
  }
  abort.abort()
  return seen
}

const grpc: Read = async (_t, base, cursor, count) => {
  const messages = new Messages(await (await fetch(`${base}/contracts/service.proto`)).text())
  const { path, encode, decode } = messages.method('streamEvents')
  const client = new GrpcClient(new URL(base).host, credentials.createInsecure())
  const asIs = (bytes: Buffer) => bytes
  const call = client.makeServerStreamRequest(path, asIs, asIs, encode({ cursor }), new Metadata())
  const seen: number[] = []
  for await (const bytes of call) {
    seen.push(Number((decode(bytes).value as { sequence: string }).sequence))
    if (seen.length >= count) break
  }
  client.close()
  return seen
}

/** What one of the libraries for GraphQL has to offer. */
interface Subscriber {
  iterate(payload: { query: string; variables: Record<string, unknown> }): AsyncIterableIterator<unknown>
  dispose(): unknown
}

async function subscription(client: Subscriber, cursor: string, count: number): Promise<number[]> {
  const seen: number[] = []
  for await (const result of client.iterate({ query, variables: { cursor } })) {
    const { data } = result as { data: { listEvents: { sequence: string } } }
    seen.push(Number(data.listEvents.sequence))
    if (seen.length >= count) break
  }
  await client.dispose()
  return seen
}

const forms: Record<string, Read> = {
  'JSON-RPC over WebSocket': webSocket,
  'server-sent events': serverSent,
  gRPC: grpc,
  'GraphQL over WebSocket': (_t, base, cursor, count) => {
    const url = `${base.replace('http', 'ws')}/graphql`
    return subscription(createClient({ url, webSocketImpl: WebSocket }), cursor, count)
  },
  'GraphQL over server-sent events': (_t, base, cursor, count) =>
    subscription(createSseClient({ url: `${base}/graphql` }), cursor, count),
}

/** Adds users, several at a time, to all processes in turn. */
async function write(apps: readonly FastifyInstance[], count: number): Promise<void> {
  let written = 0
  const writer = async () => {
    while (written < count) {
      written += 1
      const name = `writer-${written}`
      const app = apps[written % apps.length] as FastifyInstance
      await app.inject({ method: 'POST', url: '/users', payload: { name, email: `${name}@example.com` } })
    }
  }
  await Promise.all(from(1, 4).map(writer))
}

async function resumes(t: Test, apps: readonly FastifyInstance[], bases: readonly string[]): Promise<void> {
  const count = 300
  const writing = write(apps, count)
  const all = Object.entries(forms).map(async ([form, read]) => {
    const seen: number[] = []
    for (let times = 0; seen.length < count; times += 1) {
      const base = bases[times % bases.length] as string
      seen.push(...(await read(t, base, String(seen.at(-1) ?? 2), Math.min(41, count - seen.length))))
    }
    t.same(seen, from(3, count + 2), form)
  })
  await Promise.all([writing, ...all])
}

test('SQLite: who comes back again and again while others write misses nothing and gets nothing twice', async (t) => {
  const { app, base } = await listen(t)
  await resumes(t, [app], [base])
})

test('PostgreSQL: two processes write, and whoever goes from one to the other misses nothing and gets nothing twice', async (t) => {
  const DATABASE_URL = await postgres.database()
  const one = await listen(t, { DATABASE_URL })
  const two = await listen(t, { DATABASE_URL })
  await resumes(t, [one.app, two.app], [one.base, two.base])
})

test('PostgreSQL: what one process writes is told by the other as it happens', async (t) => {
  const DATABASE_URL = await postgres.database()
  const one = await listen(t, { DATABASE_URL })
  const two = await listen(t, { DATABASE_URL })
  const client = await connect(t, two.base)
  await client.call('subscribe')
  await write([one.app], 20)
  await client.told(20)
  t.equal(new Set(client.notices.map(({ params: { event } }) => event.subject)).size, 20)
})
