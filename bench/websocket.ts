/**
 * `node bench/websocket.ts [--quick]`: calls of getUser over `/ws` per CPU second of the server, against bare `ws` with
 * JSON-RPC written by hand on the same rows, and against GET /users/{id} of the same server.
 *
 * Every setting is at its default but the limit of calls on one connection, as these few stand for many.
 */

import { once } from 'node:events'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import WebSocket, { WebSocketServer } from 'ws'
import type { Count } from './load.ts'
import { type Options, readOptions } from './options.ts'
import { cpuSeconds, pinned, start } from './processes.ts'
import { atLeast, count, factor, progress, table } from './report.ts'
import { busy, Load, perCpuSecond, ratio, typical } from './rounds.ts'
import type { Server } from './servers.ts'
import { inBothStates, startWireServers, stopAll, type WireServers } from './wires.ts'

/** Least ratio to bare `ws`, and to REST. */
const bars = { bare: 0.8, rest: 1 }
/** Connections, and calls in flight on each: what is answered in one turn leaves in one write, so both matter. */
const shapes = { '8 × 32': { connections: 8, window: 32 }, '64 × 1': { connections: 64, window: 1 } } as const
type Shape = keyof typeof shapes
const poolSize = 10_000

interface Slice {
  port: number
  pid: number
  users: number
  seconds: number
  shape: Shape
}

async function compare(options: Options): Promise<void> {
  const settings = { MAX_CALLS_PER_SECOND: '0' }
  const servers = await startWireServers({ name: 'bare ws', script: import.meta.filename, settings, ask }, options)
  const loads = { rest: new Load(), wire: new WireLoad() }
  const rows = await inBothStates(options.idle, async (state) => {
    const measured: string[][] = []
    for (const shape of Object.keys(shapes) as Shape[])
      measured.push(...(await measure(state, shape, servers, loads, options)))
    return measured
  })
  const head = ['', 'calls/CPU s', 'to', 'ratio', 'bar', '', 'busy']
  process.stdout.write(
    `${pinned ? '' : 'NOT pinned to cores\n'}${table('getUser over /ws: connections × calls in flight on each', head, rows)}`,
  )
  for (const error of loads.rest.errors) process.stdout.write(`ERROR ${error}\n`)
  await stopAll(servers)
}

async function measure(
  state: string,
  shape: Shape,
  { septet, unkept, bare }: WireServers,
  { rest, wire }: { rest: Load; wire: WireLoad },
  { users, rounds, seconds, warmUp, connections: clients }: Options,
): Promise<string[][]> {
  const overRest = { server: septet, kind: 'get', connections: clients, users } as const
  const all: { run: (seconds: number) => Promise<Count>; counts: Count[] }[] = [
    { run: (time) => wire.slice(septet, users, time, shape), counts: [] },
    { run: (time) => wire.slice(bare, users, time, shape), counts: [] },
    { run: (time) => wire.slice(unkept, users, time, shape), counts: [] },
    { run: (time) => rest.slice(overRest, time), counts: [] },
  ]
  progress(`${shape}, ${state}`)
  for (const { run } of all) await run(warmUp)
  for (let round = 0; round < rounds; round += 1) {
    for (const { run, counts } of all) counts.push(await run(seconds))
  }
  const [ours = [], bares = [], others = [], rests = []] = all.map(({ counts }) => counts)
  const row = (title: string, own: Count[], to: string, their: Count[], bar?: number) => {
    const value = ratio(own, their, perCpuSecond)
    const load = factor(Math.min(typical(own, busy), typical(their, busy)))
    const figures = [count(typical(own, perCpuSecond)), count(typical(their, perCpuSecond))]
    const shown = bar === undefined ? '' : factor(bar)
    return [title, figures[0] as string, `${to} ${figures[1]}`, factor(value), shown, atLeast(value, bar), load]
  }
  return [
    row(`${shape}, ${state}`, ours, 'bare ws', bares, bars.bare),
    row(`${shape}, ${state}`, ours, 'REST', rests, bars.rest),
    row('  KEEP_BYTES=0', others, 'bare ws', bares),
  ]
}

async function ask({ port }: Server, id: number): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
  await once(socket, 'open')
  socket.send(requestOf(id))
  const [data] = (await once(socket, 'message')) as [Buffer]
  socket.terminate()
  return data.toString()
}

function requestOf(id: number): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"getUser","params":{"id":${id}}}`
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
  new WebSocketServer({ port, host: '127.0.0.1', perMessageDeflate: false }).on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      try {
        socket.send(JSON.stringify(answer(JSON.parse(data.toString()))))
      } catch {
        socket.send('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}')
      }
    })
  })
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
    const pool = Array.from({ length: poolSize }, () => frameOf(requestOf(1 + Math.floor(Math.random() * users))))
    const tally: Tally = { answers: 0, errors: 0, error: undefined }
    const { connections, window } = shapes[shape]
    const clients = Array.from({ length: connections }, () => new Client(port, pool, tally, window))
    let spinning = true
    // A server that answers a sleeper pays for waking it.
    const spin = () => void (spinning && setImmediate(spin))
    spin()
    await sleep(100)
    const sample = () => ({ answers: tally.answers, cpu: cpuSeconds(pid), wall: performance.now() })
    const before = sample()
    await sleep(seconds * 1000)
    const after = sample()
    spinning = false
    for (const client of clients) client.end()
    await sleep(50)
    const requests = after.answers - before.answers
    const wall = (after.wall - before.wall) / 1000
    process.send?.({ requests, cpu: after.cpu - before.cpu, wall, errors: tally.errors, error: tally.error })
  })
  process.once('disconnect', () => process.exit())
}

interface Tally {
  answers: number
  errors: number
  error: string | undefined
}

/** A text frame, masked with zeros: to the server it is as any other (RFC 6455 section 5.2). */
function frameOf(text: string): Buffer {
  if (text.length > 125) throw new Error('a request is too long')
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
}

class Client {
  readonly #socket = new Socket()
  readonly #pool: readonly Buffer[]
  readonly #tally: Tally
  readonly #window: number
  #rest: Buffer = Buffer.alloc(0)
  #open = false

  constructor(port: number, pool: readonly Buffer[], tally: Tally, window: number) {
    this.#pool = pool
    this.#tally = tally
    this.#window = window
    this.#socket.on('error', ({ message }) => this.#fail(message))
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#socket.setNoDelay().connect(port, '127.0.0.1', () => {
      const key = 'AAAAAAAAAAAAAAAAAAAAAA=='
      this.#socket.write(
        `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
      )
    })
  }

  end(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    let data: Buffer = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    if (!this.#open) {
      const end = data.indexOf('\r\n\r\n')
      if (end === -1 || !data.toString('latin1', 0, 12).endsWith('101')) {
        this.#fail(data.toString())
        return
      }
      this.#open = true
      data = data.subarray(end + 4)
      this.#send(this.#window)
    }
    let at = 0
    let frames = 0
    while (data.length - at >= 4) {
      const short = (data[at + 1] as number) & 0x7f
      const begin = short === 126 ? at + 4 : at + 2
      const end = begin + (short === 126 ? data.readUInt16BE(at + 2) : short)
      if (end > data.length) break
      if (data[at] !== 0x81 || !data.subarray(begin, end).includes('"result"')) this.#fail(data.toString())
      frames += 1
      at = end
    }
    this.#rest = Buffer.from(data.subarray(at))
    this.#tally.answers += frames
    if (frames > 0) this.#send(frames)
  }

  #send(calls: number): void {
    const frames = Array.from({ length: calls }, () => this.#pool[Math.floor(Math.random() * poolSize)] as Buffer)
    this.#socket.write(Buffer.concat(frames))
  }

  #fail(message: string): void {
    this.#tally.errors += 1
    this.#tally.error ??= message.slice(0, 300)
  }
}

const [role, ...args] = process.argv.slice(2)
if (role === 'bare') serveBare(args[0] ?? '', Number(args[1]))
else if (role === 'load') makeLoad()
else {
  await compare(readOptions(process.argv.slice(2)))
  // The load processes hold the event loop; what is left is ended on exit.
  process.exit()
}
