/** When a call is to be given up: its caller has cancelled it or is gone, or its deadline is over. */

import type { ServerHttp2Stream } from 'node:http2'
import { isOver } from './responses.ts'
import { timeIsOver } from './timeout.ts'

export class Cancellation {
  readonly #controller = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #settled = false

  /** @param deadline By `performance.now()`. */
  constructor(stream: ServerHttp2Stream, deadline: number) {
    if (isOver(stream)) this.#controller.abort()
    stream.once('close', () => this.abort())
    if (deadline === Number.POSITIVE_INFINITY) return
    const left = Math.max(0, deadline - performance.now())
    this.#timer = setTimeout(() => this.abort(timeIsOver()), left)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  abort(reason?: Error): void {
    if (this.#settled) return
    this.settle()
    this.#controller.abort(reason)
  }

  /** The call has its answer: nothing can give it up any more. */
  settle(): void {
    this.#settled = true
    clearTimeout(this.#timer)
  }
}
