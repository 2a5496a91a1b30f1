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

/** How often calls are looked at while one may be late, in ms. */
const interval = 1000
/** Looks in the time of a message. */
const leastLooks = 4

export class Arrivals {
  /** Looks after which a message is late. */
  readonly #looks: number
  /** During which look each call was begun whose message has not come: a clock costs more than the rest. */
  readonly #begun = new Map<Expected, number>()
  readonly #timer: NodeJS.Timeout
  #look = 0

  /** @param time In ms. */
  constructor(time: number) {
    const each = Math.min(interval, time / leastLooks)
    this.#looks = Math.ceil(time / each)
    this.#timer = setInterval(() => this.#refuseLate(), each).unref()
  }

  expect(call: Expected): void {
    this.#begun.set(call, this.#look)
  }

  /** The message has come, or need not. */
  forget(call: Expected): void {
    this.#begun.delete(call)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #refuseLate(): void {
    this.#look += 1
    const now = performance.now()
    for (const [call, begun] of this.#begun) {
      const isLate = this.#look - begun > this.#looks
      if (!isLate && call.deadline > now && !call.isOver) continue
      this.#begun.delete(call)
      if (call.isOver) continue
      call.refuse(isLate ? new Problem('request-timeout', 'The request took too long to arrive') : timeIsOver())
    }
  }
}
