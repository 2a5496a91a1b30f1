/** How late the event loop runs: the sign of a process that is asked for more than it can do. */

import { monitorEventLoopDelay } from 'node:perf_hooks'

const resolution = 20
const sampleInterval = 250

/**
 * Measures on its own timer, so that a request only reads one field: the usual plugin builds an object for each
 * request, at 2 µs.
 */
export class EventLoopDelay {
  /** Delay in ms that lasted for two samples, half a second: one long garbage collection is no overload. */
  current = 0
  readonly #histogram = monitorEventLoopDelay({ resolution })
  #last = 0
  #timer: NodeJS.Timeout | undefined

  /** To be called when the start is over: it blocks the loop, and says nothing about load. */
  start(): void {
    this.#histogram.enable()
    this.#timer = setInterval(() => {
      // Empty when the loop stood still for the whole sample.
      const mean = this.#histogram.count === 0 ? Number.POSITIVE_INFINITY : this.#histogram.mean / 1e6 - resolution
      this.current = Math.max(0, Math.min(mean, this.#last))
      this.#last = mean
      this.#histogram.reset()
    }, sampleInterval).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#histogram.disable()
  }
}
