/**
 * A request and its response in memory: what Fastify's router takes for those of `node:http`, without a connection of
 * their own.
 */

import { IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Placed, Placement } from './placement.ts'
import type { Stream } from './stream.ts'

/** What a call brings beside its headers. */
export interface Carried {
  readonly placement: Placement
  readonly placed: Placed
  /** The wire that the call came in on. */
  readonly wire: string | undefined
  /** Whether a stream is asked for. */
  readonly follows: boolean
}

export class InMemoryRequest extends IncomingMessage {
  readonly carried: Carried
  /** Fastify's id of the request, when it is known. */
  requestId: string | undefined
  /** What it is answered with, where it asks for a stream. */
  stream: Stream | undefined
  /** Whether the router has been asked. */
  routed = false
  #url: string | undefined

  constructor(socket: Socket, headers: IncomingMessage['headers'], carried: Carried) {
    super(socket)
    this.httpVersionMajor = 1
    this.httpVersionMinor = 1
    this.httpVersion = '1.1'
    this.method = carried.placement.operation.method
    this.headers = headers
    this.complete = true
    this.carried = carried
    this.push(null)
  }

  /** The URL that a request over HTTP would have had. */
  get shownUrl(): string {
    this.#url ??= this.carried.placement.url(this.carried.placed)
    return this.#url
  }

  /** Its path alone. */
  get shownPath(): string {
    return this.carried.placement.path(this.carried.placed)
  }

  /** As a connection does that is lost; the peer's own stays open. */
  abort(): void {
    this.aborted = true
    this.emit('aborted')
    this.emit('close')
  }

  /** Node's own would destroy the socket, which is the peer's and carries its other calls. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    callback(error)
  }
}

/** What was answered. */
export interface Answer {
  status: number
  headers: OutgoingHttpHeaders
  /** Empty when there is no body. */
  text: string
}

/** Characters and bytes that a response may have; beyond that it is cut off as failed. */
const maxLength = 67_108_864

export class InMemoryResponse extends ServerResponse<InMemoryRequest> {
  readonly #answered: (answer: Answer) => void
  readonly #failed: (error: Error | undefined) => void
  #text = ''
  #chunks: Buffer[] | undefined
  #length = 0
  #headers: OutgoingHttpHeaders | undefined
  started = false
  ended = false

  constructor(
    request: InMemoryRequest,
    answered: (answer: Answer) => void,
    failed: (error: Error | undefined) => void,
  ) {
    super(request)
    this.#answered = answered
    this.#failed = failed
  }

  override writeHead(status: number, ...rest: unknown[]): this {
    this.statusCode = status
    this.started = true
    const headers = rest.at(-1)
    if (typeof headers !== 'object' || headers === null) return this
    this.#headers = Array.isArray(headers) ? pairs(headers) : (headers as OutgoingHttpHeaders)
    return this
  }

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    this.started = true
    if (!this.destroyed) this.#take(chunk, rest[0])
    callbackOf(rest)?.()
    return !this.destroyed
  }

  override end(chunk?: unknown, ...rest: unknown[]): this {
    if (this.ended) return this
    this.started = true
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function' && !this.destroyed)
      this.#take(chunk, rest[0])
    this.ended = true
    const headers = Object.assign(this.getHeaders(), this.#headers)
    this.emit('finish')
    callbackOf([chunk, ...rest])?.()
    // Nobody waits any more; hooks have seen the end.
    if (this.destroyed) return this
    this.emit('close')
    this.#answered({ status: this.statusCode, headers, text: this.#textOf() })
    return this
  }

  override destroy(error?: Error): this {
    if (this.destroyed) return this
    this.destroyed = true
    if (!this.ended) this.#failed(error)
    this.emit('close')
    return this
  }

  override flushHeaders(): void {
    this.started = true
  }

  override writeEarlyHints(_hints: unknown, callback?: () => void): void {
    callback?.()
  }

  override addTrailers(): void {}

  #take(chunk: unknown, encoding: unknown): void {
    const { length } = chunk as string | Uint8Array
    this.#length += length
    if (this.#length > maxLength) {
      this.destroy(new Error(`the response is longer than ${maxLength}`))
      return
    }
    if (typeof chunk === 'string' && this.#chunks === undefined && isUtf8(encoding)) {
      this.#text += chunk
      return
    }
    this.#chunks ??= [Buffer.from(this.#text)]
    this.#chunks.push(
      typeof chunk === 'string' ? Buffer.from(chunk, encoding as BufferEncoding) : Buffer.from(chunk as Uint8Array),
    )
  }

  #textOf(): string {
    return this.#chunks === undefined ? this.#text : Buffer.concat(this.#chunks).toString()
  }
}

/**
 * The router asks first, and is told the operation's own path; hooks and handlers see the URL as it would be over HTTP.
 * It is rendered only when one of them asks.
 */
Object.defineProperty(InMemoryRequest.prototype, 'url', {
  get(this: InMemoryRequest) {
    if (this.routed) return this.shownUrl
    this.routed = true
    return this.carried.placement.route
  },
  // Node's own constructor sets it.
  set() {},
})

/** Node's own tell what a connection has taken; there is none. */
Object.defineProperties(InMemoryResponse.prototype, {
  headersSent: {
    get(this: InMemoryResponse) {
      return this.started
    },
  },
  writableEnded: {
    get(this: InMemoryResponse) {
      return this.ended
    },
  },
  writableFinished: {
    get(this: InMemoryResponse) {
      return this.ended
    },
  },
})

function isUtf8(encoding: unknown): boolean {
  return typeof encoding !== 'string' || encoding === 'utf8' || encoding === 'utf-8'
}

function callbackOf(args: readonly unknown[]): (() => void) | undefined {
  return args.find((arg) => typeof arg === 'function') as (() => void) | undefined
}

function pairs(flat: readonly (OutgoingHttpHeader | [string, OutgoingHttpHeader])[]): OutgoingHttpHeaders {
  const entries = Array.isArray(flat[0])
    ? (flat as [string, OutgoingHttpHeader][])
    : flat.flatMap((name, index) => (index % 2 === 0 ? [[String(name), flat[index + 1]] as const] : []))
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value as OutgoingHttpHeader]))
}
