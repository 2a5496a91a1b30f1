/** A call of an operation that came in over another wire than HTTP, and what comes of it. */

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { Operation } from './operation.ts'
import type { Stream } from './stream.ts'

/** Who calls: one for each connection of a peer, or for each message where every message has headers of its own. */
export interface Peer {
  /** The real socket of the peer: its address is what limits and logs count. */
  readonly socket: Socket
  /** Lower-case names, as REST takes them: credentials, `idempotency-key`, `if-match`, `traceparent`. Not changed. */
  readonly headers: Readonly<IncomingHttpHeaders>
  /** The wire's name, for the log. */
  readonly wire?: string | undefined
}

export interface Call {
  readonly operation: Operation
  /** One flat object of path, query and body properties, fresh for this call: validation may change it. */
  readonly input: Record<string, unknown>
  readonly peer: Peer
  /**
   * Aborts the call: the peer is gone, or its time is over. The handler sees it as `request.signal`. A function is asked
   * for the signal only when the call is not answered at once, as most are.
   */
  readonly signal?: AbortSignal | (() => AbortSignal) | undefined
  /**
   * What is wanted of a success: the JSON text that REST sends, or that text parsed. Both have been through the
   * response schema, so that only declared properties leave, whatever the wire. Or, of an operation that is live, what
   * happens from now on; the signal is that of the call then, not that of the stream.
   */
  readonly as: 'text' | 'value' | 'stream'
}

/** A success. */
export interface Outcome {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<OutgoingHttpHeaders>
  /** JSON of the response, when `as` is `text`; nothing for an empty response. */
  readonly text?: string | undefined
  /** The value of the response, when `as` is `value`; nothing for an empty response. */
  readonly value?: unknown
  /** When `as` is `stream`. */
  readonly stream?: Stream | undefined
}

/**
 * Runs an operation through Fastify's whole life of a request.
 *
 * @throws {Problem} what REST would answer as one, with the `requestId` and the headers of that answer.
 */
export type Dispatch = (call: Call) => Promise<Outcome>
