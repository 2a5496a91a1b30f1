/**
 * From the log to deliveries: for each event one row a target that selects it, in the write that moves on the position.
 * What was read before a crash is read again and meets its own rows: nothing is lost and nothing doubles.
 */

import type { Feed } from '../events/feed.ts'
import type { EventLog, LoggedEvent } from '../events/log.ts'
import { type Command, type Storage, UnexpectedRows } from '../storage/storage.ts'
import type { Deliveries } from './deliveries.ts'
import type { Follower } from './delivery.ts'

/** Rows written at once, about. */
const rowsAtOnce = 2000
const readAtOnce = 500
/** After a failure, in ms. */
const retryAfter = 1000

export interface FanOutSettings {
  engine: Storage
  log: EventLog
  /** Says when there are events to read. */
  feed: Feed
  deliveries: Deliveries
  onError: (error: unknown) => void
}

export class FanOut {
  readonly #settings: FanOutSettings
  readonly #abort = new AbortController()
  #running: Promise<void> | undefined
  #seen = 0

  constructor(settings: FanOutSettings) {
    this.#settings = settings
  }

  /** Sequence of the newest event that needs not be read again. */
  get seen(): number {
    return this.#seen
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { feed, onError } = this.#settings
    const { signal } = this.#abort
    while (!signal.aborted && !feed.closed) {
      try {
        const seen = await this.step()
        if (seen === undefined) continue
        this.#seen = seen
        await feed.next(seen, signal)
      } catch (error) {
        onError(error)
        await new Promise((resolve) => setTimeout(resolve, retryAfter).unref())
      }
    }
  }

  /**
   * Writes the deliveries of the next events. Gives the sequence to wait behind for more; nothing when another process
   * has written them at the same moment, so that the position is to be read again.
   */
  async step(): Promise<number | undefined> {
    // The newest one first: whoever follows from here on does so behind it.
    const { engine, log, feed, deliveries } = this.#settings
    const { newest } = feed
    const before = await deliveries.followers()
    if (before.length === 0) return newest
    const position = (await engine.first<{ last: number }>(deliveries.sql.position, {}))?.last ?? 0
    // Where nobody followed, nobody wrote the position.
    const from = Math.max(position, Math.min(...before.map(({ after }) => after)))
    if (newest <= from) return from
    const read = await log.read(from, readAtOnce)
    // Once more, after the events: a target that was added before an event is among them.
    const followers = await deliveries.followers()
    const events = read.slice(0, Math.max(1, Math.floor(rowsAtOnce / Math.max(1, followers.length))))
    const last = events.at(-1)?.sequence
    return last === undefined ? newest : await this.#write(position, last, events, followers)
  }

  async #write(
    from: number,
    to: number,
    events: readonly LoggedEvent[],
    followers: readonly Follower[],
  ): Promise<number | undefined> {
    const { engine, deliveries } = this.#settings
    const targets = new Set<string>()
    const rows = events.flatMap((event) => {
      const selecting = followers.filter(({ after, selects }) => event.sequence > after && selects(event))
      return selecting.map(({ target }): Command => {
        targets.add(target)
        return deliveries.insertion(target, event)
      })
    })
    try {
      await engine.write([[deliveries.sql.advance, { from, to }, 1], ...rows])
    } catch (error) {
      if (!(error instanceof UnexpectedRows)) throw error
      // Another process has written the same; both send it.
      deliveries.wake(targets)
      return undefined
    }
    deliveries.wake(targets)
    return to
  }
}
