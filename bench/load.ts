/**
 * The load, a process of its own: keep-alive connections with one request in flight each. It counts the replies and
 * reads the server's CPU time at the same two moments, so that the two belong together.
 */

import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuSeconds } from './processes.ts'
import { type Kind, requestsOf, statusOf } from './requests.ts'

/** One server under one case for some seconds. */
export interface Slice {
  port: number
  pid: number
  kind: Kind
  users: number
  connections: number
  seconds: number
  /** Bearer token that each request carries. */
  credential?: string | undefined
}

export interface Count {
  requests: number
  /** CPU seconds of the server. */
  cpu: number
  wall: number
  errors: number
  /** What the first error was. */
  error: string | undefined
}

/** Time for the connections to open before anything is counted, in ms. */
const ramp = 60
const blank = Buffer.from('\r\n\r\n')
const contentLength = /\r\ncontent-length: *(\d+)/i

const pools = new Map<string, () => Buffer>()

process.on('message', async (slice: Slice) => {
  const failed = ({ message }: Error): Count => ({ requests: 0, cpu: 0, wall: 0, errors: 1, error: message })
  process.send?.(await run(slice).catch(failed))
})
process.once('disconnect', () => process.exit())

async function run({ port, pid, kind, users, connections, seconds, credential }: Slice): Promise<Count> {
  const name = `${kind} ${users} ${credential}`
  const next = pools.get(name) ?? requestsOf(kind, users, credential)
  pools.set(name, next)
  const tally = { replies: 0, errors: 0, error: undefined as string | undefined }
  const clients = Array.from({ length: connections }, () => new Client(port, next, statusOf(kind), tally))
  const stopSpinning = spin()
  await sleep(ramp)
  const sample = () => ({ replies: tally.replies, cpu: cpuSeconds(pid), wall: performance.now() })
  const before = sample()
  await sleep(seconds * 1000)
  const after = sample()
  stopSpinning()
  await Promise.all(clients.map((client) => client.finish()))
  return {
    requests: after.replies - before.replies,
    cpu: after.cpu - before.cpu,
    wall: (after.wall - before.wall) / 1000,
    errors: tally.errors,
    error: tally.error,
  }
}

/**
 * Keeps this process from sleeping in the kernel: a server that answers a sleeper pays for waking it, and the slower
 * a server is, the more often its load sleeps.
 */
function spin(): () => void {
  let spinning = true
  const turn = () => {
    if (spinning) setImmediate(turn)
  }
  turn()
  return () => {
    spinning = false
  }
}

interface Tally {
  replies: number
  errors: number
  error: string | undefined
}

class Client {
  readonly #socket: Socket
  readonly #next: () => Buffer
  readonly #status: number
  readonly #tally: Tally
  /** Start of a reply whose head has not arrived whole. */
  #head: Buffer | undefined
  /** Bytes of the body that are still to come. */
  #missing = 0
  #expected = true
  #stopping = false
  readonly #closed = Promise.withResolvers<void>()

  constructor(port: number, next: () => Buffer, status: number, tally: Tally) {
    this.#next = next
    this.#status = status
    this.#tally = tally
    // Read into one kept buffer, past the stream: what the load saves is left to the server.
    const buffer = Buffer.allocUnsafe(65_536)
    this.#socket = new Socket({ onread: { buffer, callback: (length) => this.#read(buffer.subarray(0, length)) } })
    this.#socket.on('error', ({ message }) => this.#fail(message))
    this.#socket.on('close', () => {
      if (!this.#stopping) this.#fail('the server closed a connection')
      this.#closed.resolve()
    })
    this.#socket.setNoDelay().connect(port, '127.0.0.1', () => this.#socket.write(this.#next()))
  }

  /** Waits for the reply in flight, a second at most, and closes. */
  async finish(): Promise<void> {
    this.#stopping = true
    const late = setTimeout(() => this.#socket.destroy(), 1000)
    await this.#closed.promise
    clearTimeout(late)
  }

  #read(chunk: Buffer): boolean {
    if (this.#missing > 0) this.#missing -= chunk.length
    else this.#readHead(this.#head ? Buffer.concat([this.#head, chunk]) : chunk)
    if (this.#head === undefined && this.#missing <= 0) this.#reply()
    return true
  }

  #readHead(data: Buffer): void {
    const end = data.indexOf(blank)
    this.#head = undefined
    if (end === -1) {
      this.#head = Buffer.from(data)
      return
    }
    const head = data.toString('latin1', 0, end)
    this.#expected = Number(head.slice(9, 12)) === this.#status
    if (!this.#expected) this.#fail(head.slice(0, head.indexOf('\r\n')))
    const length = contentLength.exec(head)?.[1]
    if (length === undefined) this.#fail('a reply without Content-Length')
    this.#missing = end + blank.length + Number(length) - data.length
  }

  #reply(): void {
    if (this.#missing < 0) this.#fail('more bytes than Content-Length says')
    this.#missing = 0
    // A refusal costs the server less than an answer, so that it counts as an error alone.
    if (this.#expected) this.#tally.replies += 1
    if (this.#stopping) this.#socket.destroy()
    else this.#socket.write(this.#next())
  }

  #fail(message: string): void {
    this.#tally.errors += 1
    this.#tally.error ??= message
  }
}
