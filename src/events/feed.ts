/** Events as they happen, for any number of readers; each goes at its own pace, and misses none. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import { Problem } from '../errors.ts'
import type { EventLog, LoggedEvent } from './log.ts'

/** Events kept in memory for readers that keep up; the others read from the storage. */
const mostRecent = 1000
/** Events that a reader gets at once, at most. */
const batchSize = 200
/** After a failed look, in ms. */
const retryAfter = 1000

export class Feed {
  readonly #log: EventLog
  readonly #onError: (error: unknown) => void
  /** The newest events, without a gap. */
  #recent: LoggedEvent[] = []
  #newest = 0
  #due = false
  #running: Promise<void> | undefined
  #started = false
  #closed = false
  readonly #waiting = new Set<() => void>()

  constructor(log: EventLog, onError: (error: unknown) => void) {
    this.#log = log
    this.#onError = onError
  }

  /** The sequence of the newest event that readers can get. */
  get newest(): number {
    return this.#newest
  }

  get closed(): boolean {
    return this.#closed
  }

  /** How many readers wait for the next event. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Begins behind what was written before. */
  async start(): Promise<void> {
    while (await this.#log.order()) {}
    this.#newest = (await this.#log.bounds()).newest
    this.#started = true
    if (this.#due) setImmediate(() => this.#run())
  }

  /** Says that something may have been written. What one turn of the event loop has written is looked for once. */
  wake(): void {
    if (this.#due || this.#closed) return
    this.#due = true
    if (this.#started && this.#running === undefined) setImmediate(() => this.#run())
  }

  /** Ends every reader. */
  async close(): Promise<void> {
    this.#closed = true
    this.#release()
    await this.#running
  }

  /**
   * Events behind a sequence, once there are some; none when the signal aborts, the feed closes, or within `patience`
   * (ms). Asked for when the last ones were taken, so that a slow reader holds back nobody, and costs no memory.
   *
   * @throws {Problem} `gone` when the reader was so slow that the next event is no longer kept.
   */
  async next(seen: number, signal: AbortSignal, patience?: number): Promise<readonly LoggedEvent[]> {
    if (this.#newest <= seen) await this.#wait(signal, patience)
    return this.#newest > seen && !signal.aborted && !this.#closed ? this.#behind(seen) : []
  }

  /** Batches of the events behind a sequence, as long as the signal does not abort. */
  async *follow(after: number, signal: AbortSignal): AsyncGenerator<readonly LoggedEvent[], void> {
    let seen = after
    while (!signal.aborted && !this.#closed) {
      const events = await this.next(seen, signal)
      seen = events.at(-1)?.sequence ?? seen
      if (events.length > 0) yield events
    }
  }

  async #behind(seen: number): Promise<readonly LoggedEvent[]> {
    const [first] = this.#recent
    if (first === undefined || seen < first.sequence - 1) {
      // An engine may answer at once: who has much to read would keep the event loop.
      await nextTurn()
      const events = await this.#log.read(seen, batchSize)
      if (events[0]?.sequence === seen + 1) return events
      throw new Problem('gone', 'The events that come next are no longer kept')
    }
    const start = seen - first.sequence + 1
    return this.#recent.slice(start, start + batchSize)
  }

  /** Resolves with the next event, or when none is wanted any more. */
  #wait(signal: AbortSignal, patience: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || this.#closed) return resolve()
      const done = () => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = patience === undefined ? undefined : setTimeout(done, patience).unref()
      this.#waiting.add(done)
      signal.addEventListener('abort', done)
    })
  }

  #run(): void {
    this.#running = this.#look()
      .catch((error: unknown) => {
        this.#onError(error)
        setTimeout(() => this.wake(), retryAfter).unref()
      })
      .finally(() => {
        this.#running = undefined
        if (this.#due && !this.#closed) setImmediate(() => this.#run())
      })
  }

  async #look(): Promise<void> {
    this.#due = false
    while (await this.#log.order()) {}
    for (let full = true; full; ) {
      const events = await this.#log.read(this.#newest, mostRecent)
      full = events.length === mostRecent
      const last = events.at(-1)
      if (last === undefined) return
      this.#recent = [...this.#recent, ...events].slice(-mostRecent)
      this.#newest = last.sequence
      this.#release()
    }
  }

  #release(): void {
    for (const done of [...this.#waiting]) done()
  }
}
