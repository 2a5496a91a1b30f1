/** What an operation tells as it happens, in the place of a page of what has happened: the same on every wire. */

import type { Call, Dispatch } from './call.ts'
import type { Eventually } from './eventually.ts'
import type { Principal } from './principal.ts'

/** What is told: an item of the operation's page. */
export interface StreamItem {
  /** Grows with each item; a stream goes on behind that of the last one that was seen. */
  readonly sequence: number
  /** JSON. */
  readonly text: string
}

export interface StreamPart {
  /** None in a sign of life. */
  readonly items: readonly StreamItem[]
  /** How far the stream has come, whether or not what it has looked at was asked for. */
  readonly seen: number
}

export interface Stream {
  /** The sequence that it begins behind. */
  readonly after: number
  /**
   * Its parts, each when it is asked for: at the pace of the reader. Ends with the signal.
   *
   * @throws {Problem} why it ends: what a call would be answered now, `unavailable` when the server stops, `gone` when
   * the reader is so slow that what comes next is no longer kept.
   */
  parts(signal: AbortSignal): AsyncGenerator<StreamPart, void>
}

/** Who listens. */
export interface Listener {
  readonly principal: Principal
  /** Who it is by now. @throws {Problem} when it may no longer listen. */
  again(): Eventually<Principal>
}

/** The stream of an operation that is live. @throws {Problem} as {@link Dispatch} does. */
export async function openStream(dispatch: Dispatch, call: Omit<Call, 'as'>): Promise<Stream> {
  const { live, operationId } = call.operation
  const { stream } = live ? await dispatch({ ...call, as: 'stream' }) : {}
  if (stream === undefined) throw new Error(`${operationId} gives no stream`)
  return stream
}

/** A sequence as a text that sorts as numbers do: the `cursor` of an operation. */
export function cursorOf(sequence: number): string {
  return String(sequence).padStart(16, '0')
}

const values = new WeakMap<StreamItem, unknown>()

/** The item's value, parsed once for all who read it; not to be changed. */
export function parsedOf(item: StreamItem): unknown {
  if (!values.has(item)) values.set(item, JSON.parse(item.text))
  return values.get(item)
}
