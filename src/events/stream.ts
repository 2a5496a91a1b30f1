/** The events that a listener may see and asks for, as they happen. */

import type { Listener, Stream, StreamPart } from '../contract/stream.ts'
import { Problem } from '../errors.ts'
import type { EventFilter, Events } from './events.ts'

export class EventStream implements Stream {
  readonly after: number
  readonly #events: Events
  readonly #listener: Listener
  readonly #filter: EventFilter

  constructor(events: Events, listener: Listener, filter: EventFilter, after: number) {
    this.#events = events
    this.#listener = listener
    this.#filter = filter
    this.after = after
  }

  async *parts(signal: AbortSignal): AsyncGenerator<StreamPart, void> {
    const { feed } = this.#events
    let { principal } = this.#listener
    let selects = this.#events.selects(principal, this.#filter)
    let seen = this.after
    while (true) {
      const events = await feed.next(seen, signal, this.#events.heartbeat)
      if (signal.aborted) return
      if (feed.closed) throw new Problem('unavailable', 'The server is stopping')
      const now = await this.#listener.again()
      if (now !== principal) selects = this.#events.selects(now, this.#filter)
      principal = now
      seen = events.at(-1)?.sequence ?? seen
      yield { items: events.filter(selects), seen }
    }
  }
}
