/**
 * `node bench/grpc.ts [--quick]`: calls of GetUser over gRPC per CPU second of the server, against bare
 * @grpc/grpc-js with a handler written by hand on the same rows; and what sharing its port costs REST.
 */

import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, credentials, loadPackageDefinition, Server, ServerCredentials, status } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import Database from 'better-sqlite3'
import { createDatabase } from './database.ts'
import { type CallFrames, callFrames, Http2Client, type Tally } from './http2-client.ts'
import type { Count } from './load.ts'
import { type Options, readOptions } from './options.ts'
import { cpuSeconds, pinned, start, stop, workFolder } from './processes.ts'
import { atLeast, count, factor, progress, table } from './report.ts'
import { busy, Load, perCpuSecond, ratio, typical } from './rounds.ts'
import { type Server as Running, startSeptet } from './servers.ts'
import { inBothStates, startWireServers, stopAll, type WireServers } from './wires.ts'

/** Least ratio to bare grpc-js, and of REST on a shared port to REST alone. */
const bars = { bare: 0.9, rest: 0.95 }
/** Connections, and calls in flight on each. */
const shapes = { '4 × 16': { connections: 4, window: 16 }, '32 × 1': { connections: 32, window: 1 } } as const
type Shape = keyof typeof shapes
const poolSize = 10_000
const path = '/septet.v1.UsersService/GetUser'
const protoFile = join(import.meta.dirname, '../contracts/service.proto')

interface Slice {
  port: number
  pid: number
  users: number
  seconds: number
  shape: Shape
}

async function compare(options: Options): Promise<void> {
  const servers = await startWireServers({ name: 'bare grpc-js', script: import.meta.filename, ask }, options)
  const folder = workFolder()
  createDatabase(join(folder, 'data'), options.users)
  const alone = await startSeptet(join(folder, 'data'), options.nodeFlags, { GRPC_PORT: '0' })
  const loads = { rest: new Load(), wire: new WireLoad() }
  const rows = await inBothStates(options.idle, async (state) => {
    const measured: string[][] = []
    for (const shape of Object.keys(shapes) as Shape[])
      measured.push(...(await measure(state, shape, servers, loads.wire, options)))
    measured.push(await measureRest(state, servers.septet, alone, loads.rest, options))
    return measured
  })
  const head = ['', 'calls/CPU s', 'to', 'ratio', 'bar', '', 'busy']
  const title = 'GetUser over gRPC: connections × calls in flight on each'
  process.stdout.write(`${pinned ? '' : 'NOT pinned to cores\n'}${table(title, head, rows)}`)
  for (const error of loads.rest.errors) process.stdout.write(`ERROR ${error}\n`)
  await Promise.all([stopAll(servers), stop(alone.process)])
}

async function measure(
  state: string,
  shape: Shape,
  { septet, unkept, bare }: WireServers,
  wire: WireLoad,
  { users, rounds, seconds, warmUp }: Options,
): Promise<string[][]> {
  progress(`${shape}, ${state}`)
  const all = [septet, bare, unkept].map((server) => (time: number) => wire.slice(server, users, time, shape))
  const [ours = [], bares = [], others = []] = await inTurn(all, { rounds, seconds, warmUp })
  return [
    row(`${shape}, ${state}`, ours, 'bare grpc-js', bares, bars.bare),
    row('  KEEP_BYTES=0', others, 'bare grpc-js', bares),
  ]
}

async function measureRest(
  state: string,
  shared: Running,
  alone: Running,
  rest: Load,
  { users, rounds, seconds, warmUp, connections }: Options,
): Promise<string[]> {
  progress(`REST, ${state}`)
  const contender = { kind: 'get', connections, users } as const
  const all = [shared, alone].map((server) => (time: number) => rest.slice({ ...contender, server }, time))
  const [ours = [], others = []] = await inTurn(all, { rounds, seconds, warmUp })
  return row(`GET /users/{id}, ${state}`, ours, 'a port of its own', others, bars.rest)
}

async function inTurn(
  all: readonly ((time: number) => Promise<Count>)[],
  { rounds, seconds, warmUp }: Pick<Options, 'rounds' | 'seconds' | 'warmUp'>,
): Promise<Count[][]> {
  const counts: Count[][] = all.map(() => [])
  for (const run of all) await run(warmUp)
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, run] of all.entries()) counts[index]?.push(await run(seconds))
  }
  return counts
}

function row(title: string, own: Count[], to: string, their: Count[], bar?: number): string[] {
  const value = ratio(own, their, perCpuSecond)
  const load = factor(Math.min(typical(own, busy), typical(their, busy)))
  const figures = [count(typical(own, perCpuSecond)), `${to} ${count(typical(their, perCpuSecond))}`]
  return [title, ...figures, factor(value), bar === undefined ? '' : factor(bar), atLeast(value, bar), load]
}

function ask({ port }: Running, id: number): Promise<string> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  const asIs = (bytes: Buffer) => bytes
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, asIs, asIs, messageOf(id), (error, answer) => {
      client.close()
      if (error) reject(error)
      else resolve(answer?.toString('hex') ?? '')
    })
  })
}

/** Field 1, a varint. */
function messageOf(id: number): Buffer {
  const bytes = [8]
  let rest = id
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128)
  return Buffer.from([...bytes, rest])
}

/** What the same calls cost at least: no validation but of the id, no access, no log, no limits but those of grpc-js. */
function serveBare(file: string, port: number): void {
  const database = new Database(file)
  database.pragma('cache_size = -16000')
  const detail = database.prepare<[number], Record<string, string | number>>(
    'select id, name, email, version, created_at, updated_at from users where id = ?',
  )
  const loaded = loadPackageDefinition(loadSync(protoFile, { longs: Number })) as unknown as {
    septet: { v1: { UsersService: { service: Parameters<Server['addService']>[0] } } }
  }
  const server = new Server()
  const timestampOf = (text: unknown) => {
    const time = Date.parse(String(text))
    const seconds = Math.floor(time / 1000)
    return { seconds, nanos: (time - seconds * 1000) * 1e6 }
  }
  const getUser = (
    { request }: { request: { id: number } },
    respond: (error: object | null, answer?: object) => void,
  ): void => {
    const found = request.id > 0 ? detail.get(request.id) : undefined
    if (found === undefined) {
      const code = request.id > 0 ? status.NOT_FOUND : status.INVALID_ARGUMENT
      respond({ code, details: 'User not found' })
      return
    }
    const { id, name, email, created_at, updated_at } = found
    respond(null, { id, name, email, createdAt: timestampOf(created_at), updatedAt: timestampOf(updated_at) })
  }
  server.addService(loaded.septet.v1.UsersService.service, { getUser })
  server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) => {
    if (error) throw error
  })
  process.once('SIGTERM', () => process.exit(0))
}

/** The process that sends and counts, not on the core of the servers. */
class WireLoad {
  readonly #process = start(
    [process.execPath, import.meta.filename, 'load'],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    1,
  )

  async slice({ port, pid, name }: Running, users: number, seconds: number, shape: Shape): Promise<Count> {
    this.#process.send({ port, pid, users, seconds, shape } satisfies Slice)
    const [message] = (await once(this.#process, 'message')) as [Count]
    if (message.errors > 0 || message.requests === 0) throw new Error(`${name}: ${message.error ?? 'no answers'}`)
    return message
  }
}

function makeLoad(): void {
  process.on('message', async ({ port, pid, users, seconds, shape }: Slice) => {
    const pool = Array.from({ length: poolSize }, () =>
      callFrames(path, `127.0.0.1:${port}`, messageOf(1 + Math.floor(Math.random() * users))),
    )
    const next = () => pool[Math.floor(Math.random() * poolSize)] as CallFrames
    const tally: Tally = { answers: 0, errors: 0, error: undefined }
    const { connections, window } = shapes[shape]
    const clients = Array.from({ length: connections }, () => new Http2Client(port, next, tally, window))
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

const [role, ...args] = process.argv.slice(2)
if (role === 'bare') serveBare(args[0] ?? '', Number(args[1]))
else if (role === 'load') makeLoad()
else {
  await compare(readOptions(process.argv.slice(2)))
  // The load processes hold the event loop; what is left is ended on exit.
  process.exit()
}
