/** Events as a stream of `text/event-stream` (HTML Living Standard section 9.2). */

import { Readable } from 'node:stream'
import { cursorOf } from './events.ts'
import type { Feed } from './feed.ts'
import type { LoggedEvent } from './log.ts'

export const eventStreamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Proxies that gather an answer before they pass it on would keep events back.
  'x-accel-buffering': 'no',
}

/** How long nothing is sent before a sign of life, in ms: shorter than the 60 s of common proxies. */
const heartbeat = 15_000
/** After what time a client comes back that was cut off, in ms. */
const retry = 1000

export interface Subscription {
  /** Sequence of the last event that was seen. */
  after: number
  selects: (event: LoggedEvent) => boolean
  /** Rejects when the subscriber may no longer listen; asked before each batch and each sign of life. */
  check: () => Promise<void>
}

/**
 * The stream of a subscription. It goes at the pace of its reader; it ends when {@link Subscription.check} rejects, so that the client comes back and is told why. Each part
 * names how far it has come, whether or not its events were selected.
 */
export class EventStream extends Readable {
  readonly #feed: Feed
  readonly #subscription: Subscription
  readonly #abort = new AbortController()
  #seen: number
  #begun = false

  constructor(feed: Feed, subscription: Subscription) {
    super({ highWaterMark: 16_384 })
    this.#feed = feed
    this.#subscription = subscription
    this.#seen = subscription.after
  }

  override _read(): void {
    if (this.#begun) {
      this.#next().then(
        (part) => this.push(part),
        (error: Error) => this.destroy(error),
      )
      return
    }
    this.#begun = true
    this.push(`retry: ${retry}\nid: ${cursorOf(this.#seen)}\n\n`)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#abort.abort()
    done(error)
  }

  /** What comes next; nothing at the end. */
  async #next(): Promise<string | null> {
    const events = await this.#feed.next(this.#seen, this.#abort.signal, heartbeat)
    if (this.#feed.closed) return null
    try {
      await this.#subscription.check()
    } catch {
      return null
    }
    this.#seen = events.at(-1)?.sequence ?? this.#seen
    return textOf(events.filter(this.#subscription.selects), this.#seen)
  }
}

function textOf(events: readonly LoggedEvent[], seen: number): string {
  const text = events.map((event) => `id: ${cursorOf(event.sequence)}\ndata: ${event.text}\n\n`).join('')
  return events.at(-1)?.sequence === seen ? text : `${text}id: ${cursorOf(seen)}\n\n`
}
