/** One connection of HTTP/2 and the calls on it. */

import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import { problemOf } from '../../contract/problem-of.ts'
import { Problem } from '../../errors.ts'
import { statusOf } from './errors.ts'
import { maxHeaders } from './headers.ts'
import { Held } from './held.ts'
import { type Begun, begunOf, isCall } from './request.ts'
import { isOver, sendHttp, sendStatus } from './responses.ts'
import { type Streaming, StreamingCall } from './streaming-call.ts'
import { type CallSettings, type Unary, UnaryCall } from './unary-call.ts'

export interface ConnectionSettings extends CallSettings {
  methods: ReadonlyMap<string, Unary | Streaming>
  /** Of all connections. */
  held: Held
}

/** Messages of the largest size that a connection may have on their way. */
const mostHeld = 16

/** Calls at once on one connection; what a client begins beyond that waits with the client. */
const maxStreams = 256
/** Megabytes that Node may hold for one connection. */
const sessionMemory = 32

const options = {
  maxSessionMemory: sessionMemory,
  settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize: maxHeaders },
}

const post = constants.HTTP2_METHOD_POST
/** Of a path that is told again. */
const maxPath = 200

export class Connection {
  readonly session: ServerHttp2Session
  readonly socket: Socket
  readonly #methods: ConnectionSettings['methods']
  readonly #settings: CallSettings
  readonly #streaming = new Set<StreamingCall>()
  /** Whether a call has begun since it was last asked for. */
  hasBegun = true

  constructor(socket: Socket, settings: ConnectionSettings) {
    this.socket = socket
    this.#methods = settings.methods
    this.#settings = { ...settings, held: new Held(mostHeld * settings.maxMessage, settings.held) }
    this.session = performServerHandshake(socket, options)
    this.session.on('error', ignore)
    this.session.on('stream', (stream, headers, _flags, raw) => this.#begin(stream, headers, raw))
  }

  /** Whether calls are open that have no end of their own. */
  get isStreaming(): boolean {
    return this.#streaming.size > 0
  }

  /** Takes no more calls, and closes when those that there are have their answers (RFC 9113 section 6.8). */
  close(): void {
    for (const call of this.#streaming) call.refuse(new Problem('unavailable', 'The server is stopping'))
    this.session.close()
  }

  #begin(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]): void {
    stream.on('error', ignore)
    this.hasBegun = true
    // Reset in the packet that has begun it, or gone with its connection.
    if (isOver(stream)) return
    if (headers[':method'] !== post) {
      sendHttp(stream, { ':status': constants.HTTP_STATUS_METHOD_NOT_ALLOWED, allow: post })
      return
    }
    if (!isCall(headers['content-type'])) {
      sendHttp(stream, { ':status': constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE })
      return
    }
    try {
      const method = this.#methodOf(headers[':path'])
      this.#run(begunOf(stream, headers, raw, { socket: this.socket, wire: 'grpc' }), method)
    } catch (error) {
      sendStatus(stream, statusOf(problemOf(error)))
    }
  }

  #methodOf(path = ''): Unary | Streaming {
    const method = this.#methods.get(path)
    if (method === undefined) throw new Problem('method-not-allowed', `There is no method ${path.slice(0, maxPath)}`)
    return method
  }

  #run(begun: Begun, method: Unary | Streaming): void {
    if (typeof method === 'function') {
      new UnaryCall(begun, method, this.#settings).begin()
      return
    }
    const call = new StreamingCall(begun, this.#settings)
    this.#streaming.add(call)
    call.run(method).finally(() => this.#streaming.delete(call))
  }
}

/** What ends a stream or a connection is told by their ends. */
function ignore(): void {}
