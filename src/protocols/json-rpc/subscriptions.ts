/** Subscriptions of one connection: what operations tell as it happens, as notifications. */

import { maxSubscriptions, type Push } from '../../contract/conversation.ts'
import { problemOf } from '../../contract/problem-of.ts'
import { cursorOf, type Stream, type StreamItem } from '../../contract/stream.ts'
import { Problem } from '../../errors.ts'
import { renderEnd, renderEvent } from './encode.ts'
import { errorOf } from './errors.ts'

export class Subscriptions {
  readonly #push: Push
  readonly #requestId: string
  readonly #open = new Map<string, AbortController>()
  #opening = 0
  #count = 0
  #ended: Problem | undefined

  /** @param requestId Of the connection, for problems that no request has met. */
  constructor(push: Push, requestId: string) {
    this.#push = push
    this.#requestId = requestId
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * Opens the stream of a subscription, and gives its name and where it begins; `begin` sends what it tells.
   *
   * @throws {Problem} `rate-limited` when there are too many; those of the call that opens it.
   */
  async open(stream: () => Promise<Stream>): Promise<{ subscription: string; cursor: string; begin: () => void }> {
    if (this.#open.size + this.#opening >= maxSubscriptions)
      throw new Problem('rate-limited', `A connection has at most ${maxSubscriptions} subscriptions`)
    this.#opening += 1
    try {
      const opened = await stream()
      this.#count += 1
      const subscription = String(this.#count)
      const abort = new AbortController()
      this.#open.set(subscription, abort)
      if (this.#ended !== undefined) abort.abort(this.#ended)
      const begin = () => void this.#tell(subscription, opened, abort.signal)
      return { subscription, cursor: cursorOf(opened.after), begin }
    } finally {
      this.#opening -= 1
    }
  }

  /** Whether there was such a subscription. */
  close(subscription: string): boolean {
    this.#open.get(subscription)?.abort()
    return this.#open.delete(subscription)
  }

  /** Ends all, those to come too, and says why. What they have not told, whoever comes back with the cursor is told. */
  end(reason: Problem): void {
    this.#ended = reason
    for (const abort of this.#open.values()) abort.abort(reason)
  }

  async #tell(subscription: string, stream: Stream, signal: AbortSignal): Promise<void> {
    let seen = stream.after
    let reason: unknown
    try {
      for await (const part of stream.parts(signal)) {
        for (const items of inPushes(part.items)) {
          if (signal.aborted) break
          seen = items.at(-1)?.sequence ?? seen
          await this.#push(items.map(({ text }) => renderEvent(subscription, text)))
        }
        if (signal.aborted) break
        seen = part.seen
      }
      reason = signal.reason
    } catch (error) {
      reason = error
    }
    if (!this.#open.delete(subscription)) return
    this.#push([renderEnd(subscription, cursorOf(seen), errorOf(problemOf(reason), this.#requestId))])
  }
}

/** Characters that are pushed at once: of what is longer, a peer that reads slowly could not have read enough in its time. */
const pushed = 65_536

function* inPushes(items: readonly StreamItem[]): Generator<readonly StreamItem[], void> {
  let from = 0
  let length = 0
  for (const [index, { text }] of items.entries()) {
    length += text.length
    if (length < pushed && index < items.length - 1) continue
    yield items.slice(from, index + 1)
    from = index + 1
    length = 0
  }
}
