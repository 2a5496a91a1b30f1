/**
 * What a server waits for its clients to do: send the message of a call, and take its answer. REST has a time for a
 * request, and a deadline is the caller's to set.
 */

import { Problem } from '../../errors.ts'
import { timeIsOver } from './timeout.ts'

/** A call that waits for its client. */
export interface Waiting {
  /** When it is to be answered at the latest, by `performance.now()`. */
  readonly deadline: number
  readonly isOver: boolean
  /** Answers without having asked the method. */
  refuse: (problem: Problem) => void
  /** Gives up an answer that is not taken. */
  cutOff: () => void
  /** Holds no more of a message that nobody waits for. */
  letGo: () => void
}

/** How often calls are looked at while one may be late, in ms. */
const interval = 1000
/** Looks in the time of a message, at least. */
const leastLooks = 4
/** Times of a message that a client has to take an answer. */
const patience = 10

interface Since {
  /** During which look: a clock costs more than the rest. */
  look: number
  isAnswered: boolean
}

export class Waits {
  /** Looks after which a message is late. */
  readonly #looks: number
  readonly #calls = new Map<Waiting, Since>()
  readonly #timer: NodeJS.Timeout
  #look = 0

  /** @param time Of a message to arrive, in ms. */
  constructor(time: number) {
    const each = Math.min(interval, time / leastLooks)
    this.#looks = Math.ceil(time / each)
    this.#timer = setInterval(() => this.#endLate(), each).unref()
  }

  forMessage(call: Waiting): void {
    this.#calls.set(call, { look: this.#look, isAnswered: false })
  }

  forTaking(call: Waiting): void {
    this.#calls.set(call, { look: this.#look, isAnswered: true })
  }

  /** What was waited for has come, or need not. */
  forget(call: Waiting): void {
    this.#calls.delete(call)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #endLate(): void {
    this.#look += 1
    const now = performance.now()
    for (const [call, { look, isAnswered }] of this.#calls) {
      const time = isAnswered ? this.#looks * patience : this.#looks
      const isLate = this.#look - look > time
      if (!isLate && !call.isOver && (isAnswered || call.deadline > now)) continue
      this.#calls.delete(call)
      if (call.isOver) call.letGo()
      else if (isAnswered) call.cutOff()
      else call.refuse(isLate ? new Problem('request-timeout', 'The request took too long to arrive') : timeIsOver())
    }
  }
}
