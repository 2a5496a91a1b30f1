/**
 * `node bench/webrtc.ts [--quick]`: calls of getUser over a data channel per CPU second of the server, against the same
 * library with JSON-RPC written by hand on the same rows; and how long a peer takes from its offer to its first answer.
 *
 * Every setting is at its default but the limit of calls on one channel, as these few stand for many, and overload.
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { type DataChannel, PeerConnection } from 'node-datachannel'
import type { Count } from './load.ts'
import { type Options, readOptions } from './options.ts'
import { cpuSeconds, pinned, start } from './processes.ts'
import { atMost, count, progress, table } from './report.ts'
import type { Server } from './servers.ts'
import { inBothStates, rowOf, startWireServers, stopAll, type WireServers } from './wires.ts'

/** Least ratio to the bare server, and the longest from an offer to its first answer, in ms. */
const bars = { bare: 0.85, connect: 300 }
/** Peers, and calls in flight on each. */
const shapes = { '8 × 32': { connections: 8, window: 32 }, '32 × 1': { connections: 32, window: 1 } } as const
type Shape = keyof typeof shapes
const poolSize = 10_000
const connects = 21

interface Slice {
  port: number
  pid: number
  users: number
  seconds: number
  shape: Shape
}

async function compare(options: Options): Promise<void> {
  // A machine that others use is late by itself, and would be taken for an overloaded server.
  const settings = { MAX_CALLS_PER_SECOND: '0', MAX_EVENT_LOOP_DELAY: '0' }
  const wire = { name: 'bare node-datachannel', script: import.meta.filename, settings, ask }
  const servers = await startWireServers(wire, options)
  const load = new WireLoad()
  const rows = await inBothStates(options.idle, async (state) => {
    const measured: string[][] = []
    for (const shape of Object.keys(shapes) as Shape[])
      measured.push(...(await measure(`${shape}, ${state}`, shape, servers, load, options)))
    return measured
  })
  const head = ['', 'calls/CPU s', 'bare', 'ratio', 'bar', '', 'busy']
  process.stdout.write(pinned ? '' : 'NOT pinned to cores\n')
  process.stdout.write(table('getUser over data channels: peers × calls in flight on each', head, rows))
  const times = [await timeOf(servers.septet), await timeOf(servers.bare)] as const
  const [own, bare] = times.map((time) => `${time.toFixed(0)} ms`)
  const row = ['offer to first answer', own ?? '', bare ?? '', count(bars.connect), atMost(times[0], bars.connect)]
  process.stdout.write(table('connecting, median', ['', 'Septet', 'bare', 'bar', ''], [row]))
  await stopAll(servers)
}

async function measure(
  title: string,
  shape: Shape,
  { septet, unkept, bare }: WireServers,
  load: WireLoad,
  { users, rounds, seconds, warmUp }: Options,
): Promise<string[][]> {
  const all = [septet, bare, unkept].map((server) => ({ server, counts: [] as Count[] }))
  progress(title)
  for (const { server } of all) await load.slice(server, users, warmUp, shape)
  for (let round = 0; round < rounds; round += 1) {
    for (const { server, counts } of all) counts.push(await load.slice(server, users, seconds, shape))
  }
  const [ours = [], bares = [], others = []] = all.map(({ counts }) => counts)
  return [rowOf(title, ours, bares, bars.bare), rowOf('  KEEP_BYTES=0', others, bares)]
}

/** From an offer to the first answer, in ms. */
async function timeOf(server: Server): Promise<number> {
  const times: number[] = []
  for (let index = 0; index < connects; index += 1) {
    const begin = performance.now()
    await ask(server, 1)
    times.push(performance.now() - begin)
  }
  return times.sort((a, b) => a - b)[Math.floor(connects / 2)] as number
}

async function ask({ port }: Server, id: number): Promise<string> {
  const { connection, channel } = await connect(port)
  const answer = new Promise<string>((resolve) => channel.onMessage((message) => resolve(String(message))))
  channel.sendMessage(requestOf(id))
  const text = await answer
  connection.close()
  return text
}

function requestOf(id: number): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"getUser","params":{"id":${id}}}`
}

async function connect(port: number): Promise<{ connection: PeerConnection; channel: DataChannel }> {
  const connection = new PeerConnection('', { iceServers: [] })
  const gathered = new Promise<void>((resolve) =>
    connection.onGatheringStateChange((state) => state === 'complete' && resolve()),
  )
  const channel = connection.createDataChannel('json-rpc')
  const opened = new Promise<void>((resolve) => channel.onOpen(resolve))
  await gathered
  const answer = await fetch(`http://127.0.0.1:${port}/rtc`, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp' },
    body: connection.localDescription()?.sdp ?? '',
  })
  connection.setRemoteDescription(await answer.text(), 'answer')
  await opened
  return { connection, channel }
}

/** What the same calls cost at least: no validation but of the id, no access, no log, no limits. */
function serveBare(file: string, port: number): void {
  const database = new Database(file)
  database.pragma('cache_size = -16000')
  const detail = database.prepare<[number], Record<string, string>>(
    'select id, name, email, version, created_at, updated_at from users where id = ?',
  )
  const answer = ({ id, method, params }: { id: number; method: string; params: { id: number } }) => {
    if (method !== 'getUser') return { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } }
    if (!Number.isInteger(params?.id)) return { jsonrpc: '2.0', id, error: { code: -32602, message: 'Invalid params' } }
    const row = detail.get(params.id)
    if (row === undefined) return { jsonrpc: '2.0', id, error: { code: -32004, message: 'User not found' } }
    const { name, email, version, created_at: createdAt, updated_at: updatedAt } = row
    const result = { id: row.id, name, email, createdAt, updatedAt }
    return { jsonrpc: '2.0', id, result, meta: { etag: `"${version}"` } }
  }
  const peers = new Map<PeerConnection, DataChannel | undefined>()
  const accept = async (offer: string): Promise<string> => {
    const connection = new PeerConnection('', {
      iceServers: [],
      bindAddress: '127.0.0.1',
      disableAutoNegotiation: true,
    })
    peers.set(connection, undefined)
    connection.onStateChange((state) => void (state === 'closed' && peers.delete(connection)))
    connection.onDataChannel((channel) => {
      peers.set(connection, channel)
      channel.onMessage((message) => {
        let text = '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}'
        try {
          text = JSON.stringify(answer(JSON.parse(String(message))))
        } catch {}
        try {
          channel.sendMessage(text)
        } catch {}
      })
    })
    // The peer is to try first, as with Septet.
    connection.setRemoteDescription(offer.replaceAll(/a=(candidate:.*|end-of-candidates)\r\n/g, ''), 'offer')
    connection.setLocalDescription('answer')
    while (connection.gatheringState() !== 'complete') await sleep(1)
    return connection.localDescription()?.sdp ?? ''
  }
  createServer(async (request, response) => {
    let offer = ''
    for await (const chunk of request) offer += chunk
    response.writeHead(201, { 'content-type': 'application/sdp' }).end(await accept(offer))
  }).listen(port, '127.0.0.1')
  process.once('SIGTERM', () => process.exit())
}

/** The process that sends and counts, not on the core of the servers. */
class WireLoad {
  readonly #process = start(
    [process.execPath, import.meta.filename, 'load'],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    1,
  )

  async slice({ port, pid, name }: Server, users: number, seconds: number, shape: Shape): Promise<Count> {
    this.#process.send({ port, pid, users, seconds, shape } satisfies Slice)
    const [message] = (await once(this.#process, 'message')) as [Count]
    if (message.errors > 0 || message.requests === 0) throw new Error(`${name}: ${message.error ?? 'no answers'}`)
    return message
  }
}

function makeLoad(): void {
  process.on('message', async ({ port, pid, users, seconds, shape }: Slice) => {
    const pool = Array.from({ length: poolSize }, () => requestOf(1 + Math.floor(Math.random() * users)))
    const tally: { answers: number; errors: number; error: string | undefined } = {
      answers: 0,
      errors: 0,
      error: undefined,
    }
    const { connections, window } = shapes[shape]
    let open = true
    const peers = await Promise.all(Array.from({ length: connections }, () => connect(port)))
    for (const { channel } of peers) {
      const send = () => {
        if (open) channel.sendMessage(pool[Math.floor(Math.random() * poolSize)] as string)
      }
      channel.onMessage((message) => {
        tally.answers += 1
        if (!String(message).includes('"result"')) {
          tally.errors += 1
          tally.error ??= String(message)
        }
        send()
      })
      for (let index = 0; index < window; index += 1) send()
    }
    await sleep(100)
    const sample = () => ({ answers: tally.answers, cpu: cpuSeconds(pid), wall: performance.now() })
    const before = sample()
    await sleep(seconds * 1000)
    const after = sample()
    open = false
    for (const { connection } of peers) connection.close()
    await sleep(100)
    const requests = after.answers - before.answers
    const wall = (after.wall - before.wall) / 1000
    process.send?.({ requests, cpu: after.cpu - before.cpu, wall, errors: tally.errors, error: tally.error })
  })
  process.once('disconnect', () => process.exit())
}

const [role, ...args] = process.argv.slice(2)
if (role === 'bare') serveBare(args[0] ?? '', Number(args[1]))
else if (role === 'load') makeLoad()
else {
  await compare(readOptions(process.argv.slice(2)))
  // The load processes hold the event loop; what is left is ended on exit.
  process.exit()
}
