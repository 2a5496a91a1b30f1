/** Texts over a connection that stays: what those who carry them and those who understand them know of each other. */

import type { Problem } from '../errors.ts'
import type { Peer } from './call.ts'
import type { Eventually } from './eventually.ts'

/**
 * Sends texts that answer no request. A promise asks to wait with the next ones: the peer has not read enough. What it is
 * to be told is not read from the storage either until then.
 */
export type Push = (texts: readonly string[]) => Promise<void> | undefined

/** Subscriptions that a connection may have. */
export const maxSubscriptions = 32

/** A connection, for those who understand what comes over it. */
export interface Line {
  /** As the connection was opened. */
  readonly peer: Peer
  /** Of the request that has opened the connection. */
  readonly requestId: string
  /** Aborts when the connection is gone. */
  readonly signal: AbortSignal
  readonly push: Push
  /** Closes it, behind all that was sent. */
  readonly close: (code: number, reason: string) => void
}

/** What is said on one connection, for those who carry it. */
export interface Conversation {
  /** Calls that are being answered. */
  readonly running: number
  /** Calls that have come, those of one message one by one. */
  readonly begun: number
  /** Subscriptions that are open. */
  readonly subscribed: number
  /** The answer to a message; nothing where it has none, or that is pushed. Resolves when the next may begin in its place. */
  take(text: string): Eventually<string | undefined>
  /** Ends subscriptions, those to come too, and says why: the server stops. */
  end(reason: Problem): void
  /** The connection is gone. */
  gone(): void
}

/** A subprotocol of WebSocket (RFC 6455 section 1.9). */
export interface Subprotocol {
  readonly name: string
  /** Whether clients have to ask for it. */
  readonly required: boolean
  /** The wire's name, for the log. */
  readonly wire: string
  readonly open: (line: Line) => Conversation
}
