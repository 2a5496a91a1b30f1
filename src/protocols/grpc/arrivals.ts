/** The time that the message of a call has to arrive: REST has one for a request, and a deadline is the caller's to set. */

import { Problem } from '../../errors.ts'
import { timeIsOver } from './timeout.ts'

/** A call whose message is on its way. */
export interface Expected {
  /** When it is to be answered at the latest, by `performance.now()`. */
  readonly deadline: number
  readonly isOver: boolean
  refuse: (problem: Problem) => void
}

export class Arrivals {
  readonly #time: number
  /** When each call was begun whose message has not come. */
  readonly #begun = new Map<Expected, number>()
  readonly #timer: NodeJS.Timeout

  /** @param time In ms. */
  constructor(time: number) {
    this.#time = time
    this.#timer = setInterval(() => this.refuseLate(), Math.min(1000, time / 4)).unref()
  }

  expect(call: Expected): void {
    this.#begun.set(call, performance.now())
  }

  /** The message has come, or need not. */
  forget(call: Expected): void {
    this.#begun.delete(call)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Ends the calls that were to have their message by now. */
  refuseLate(now: number = performance.now()): void {
    for (const [call, begun] of this.#begun) {
      const isLate = begun + this.#time < now
      if (!isLate && call.deadline > now && !call.isOver) continue
      this.#begun.delete(call)
      if (call.isOver) continue
      call.refuse(isLate ? new Problem('request-timeout', 'The request took too long to arrive') : timeIsOver())
    }
  }
}
