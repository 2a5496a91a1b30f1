/** A client of data channels for tests, which awaits answers by their order; its peer is in another process. */

import { type ChildProcess, fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { join } from 'node:path'
import type { DataChannelInitConfig, RtcConfig } from 'node-datachannel'
import type { Test } from 'tap'
import type { Answer, Notice } from '../websocket/client.ts'
import type { Command, Told } from './peers.ts'

type Order<Each> = Each extends unknown ? Omit<Each, 'peer'> : never

/** The process of all peers of a test file, and what they tell, by their number. */
let child: ChildProcess | undefined
const clients = new Map<number, (told: Told) => void>()
let count = 0

/** The process, which ends with this one. */
export function peers(): ChildProcess {
  if (child?.connected) return child
  child = fork(join(import.meta.dirname, 'peers.ts'), { serialization: 'advanced' })
  child.on('message', (told: Told) => clients.get(told.peer)?.(told))
  child.unref()
  child.channel?.unref()
  return child
}

export interface ClientOptions {
  headers?: Record<string, string>
  channels?: Record<string, DataChannelInitConfig>
  rtc?: Partial<RtcConfig>
  /** Changes the offer before it is sent, or the answer before it is taken. */
  change?: { offer?: (sdp: string) => string; answer?: (sdp: string) => string }
}

export class Client extends EventEmitter {
  readonly base: string
  readonly number = ++count
  /** Notifications, in their order. */
  readonly notices: Notice[] = []
  /** Where the peer can be changed and ended. */
  location = ''
  etag = ''
  /** Binary messages that have come. */
  chunks = 0
  /** Takes what is no notification. */
  onText = (text: string): void => {
    const next = this.#waiting.shift()
    if (next) next(text)
    else this.#texts.push(text)
  }

  readonly #waiting: ((text: string) => void)[] = []
  readonly #texts: string[] = []
  readonly #parts = new Map<number, Map<number, Buffer>>()
  #calls = 0

  constructor(base: string) {
    super()
    this.base = base
    clients.set(this.number, (told) => {
      if (told.type === 'message') this.#take(told.message)
      else this.emit(told.type, 'label' in told ? told.label : 'state' in told ? told.state : told.sdp)
    })
  }

  tell(command: Order<Command>): void {
    peers().send({ ...command, peer: this.number })
  }

  async offer(channels: ClientOptions['channels'] = { 'json-rpc': {} }, rtc: Partial<RtcConfig> = {}): Promise<string> {
    this.tell({ type: 'offer', channels, rtc })
    const [sdp] = (await once(this, 'offer')) as [string]
    return sdp
  }

  async post(sdp: string, headers: Record<string, string> = {}): Promise<Response> {
    const answer = await fetch(`${this.base}/rtc`, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp', ...headers },
      body: sdp,
    })
    this.location = answer.headers.get('location') ?? ''
    this.etag = answer.headers.get('etag') ?? ''
    return answer
  }

  opened(label: string): Promise<void> {
    return new Promise((resolve) => this.on('open', (name) => name === label && resolve()))
  }

  /** The next message that is no notification. */
  next(): Promise<string> {
    const text = this.#texts.shift()
    return text === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(text)
  }

  write(...messages: (string | Uint8Array)[]): void {
    this.tell({ type: 'send', label: 'json-rpc', messages })
  }

  async send(message: unknown, label = 'json-rpc'): Promise<Answer> {
    this.tell({ type: 'send', label, messages: [typeof message === 'string' ? message : JSON.stringify(message)] })
    return JSON.parse(await this.next()) as Answer
  }

  call(method: string, params: unknown = {}, more: object = {}, label?: string): Promise<Answer> {
    this.#calls += 1
    return this.send({ jsonrpc: '2.0', id: this.#calls, method, params, ...more }, label)
  }

  /** Waits until there are so many notifications. */
  async told(wanted: number): Promise<readonly Notice[]> {
    while (this.notices.length < wanted) await once(this, 'notice')
    return this.notices
  }

  /** Waits for the end of a channel, and gives what the server has said of it before. */
  async closed(): Promise<unknown> {
    await once(this, 'closed')
    const last = this.notices.at(-1)
    return last?.method === 'closing' ? last.params : undefined
  }

  end(): void {
    if (peers().connected) this.tell({ type: 'close' })
    clients.delete(this.number)
  }

  #take(message: string | Uint8Array): void {
    const text = typeof message === 'string' ? message : this.#assemble(Buffer.from(message))
    if (text === undefined) return
    if (text.startsWith('{"jsonrpc":"2.0","method":')) {
      this.notices.push(JSON.parse(text) as Notice)
      this.emit('notice')
      return
    }
    this.onText(text)
  }

  /** As the README says it, not as the server does it. */
  #assemble(chunk: Buffer): string | undefined {
    this.chunks += 1
    const [message, index, all] = [chunk.readUInt32BE(0), chunk.readUInt16BE(4), chunk.readUInt16BE(6)]
    const parts = this.#parts.get(message) ?? new Map<number, Buffer>()
    this.#parts.set(message, parts.set(index, chunk.subarray(8)))
    if (parts.size < all) return undefined
    this.#parts.delete(message)
    return Buffer.concat([...parts].sort(([a], [b]) => a - b).map(([, part]) => part)).toString()
  }
}

/** A client whose channels are open. */
export async function connect(t: Test, base: string, options: ClientOptions = {}): Promise<Client> {
  const { headers, channels = { 'json-rpc': {} }, rtc, change = {} } = options
  const { offer = (sdp) => sdp, answer = (sdp) => sdp } = change
  const client = new Client(base)
  t.teardown(() => client.end())
  const response = await client.post(offer(await client.offer(channels, rtc)), headers)
  if (response.status !== 201) throw new Error(`the offer was answered ${response.status}: ${await response.text()}`)
  const sdp = answer(await response.text())
  const opened = Promise.all(Object.keys(channels).map((label) => client.opened(label)))
  client.tell({ type: 'answer', sdp })
  await opened
  return client
}

/** A text in parts of so many bytes, as the README says it. */
export function inChunks(text: string, length: number, message = 0): Uint8Array[] {
  const bytes = Buffer.from(text)
  const all = Math.ceil(bytes.length / length)
  return Array.from({ length: all }, (_, index) => {
    const header = Buffer.alloc(8)
    header.writeUInt32BE(message, 0)
    header.writeUInt16BE(index, 4)
    header.writeUInt16BE(all, 6)
    return new Uint8Array(Buffer.concat([header, bytes.subarray(index * length, (index + 1) * length)]))
  })
}
