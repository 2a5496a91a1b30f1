/** Requests that carry calls of operations: each of these is counted and logged, so they themselves are not. */

import type { Socket } from 'node:net'

const calls = Symbol('calls')

type Counted = Socket & { [calls]?: number }

/** Takes note of a call that has come in over a connection. */
export function countCall(socket: Counted): void {
  socket[calls] = (socket[calls] ?? 0) + 1
}

export class Carrier {
  readonly #socket: Counted
  readonly #before: number
  #left = false

  constructor(socket: Counted) {
    this.#socket = socket
    this.#before = socket[calls] ?? 0
  }

  /** Says that the answer is that of a call, whatever status the wire gives it. */
  leaveToCalls(): void {
    this.#left = true
  }

  /** Whether all that is to be said of it is said of its calls; a refusal, or what called nothing, is not. */
  isSpokenFor(status: number): boolean {
    return this.#left || (status < 400 && (this.#socket[calls] ?? 0) > this.#before)
  }
}
