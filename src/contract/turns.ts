/** Whose turn it is on one connection: what comes in is answered in any order, and only so much of it at once. */

import type { Conversation } from './conversation.ts'
import { Rate } from './rate.ts'

export interface TurnsSettings {
  conversation: Conversation
  /** Calls that are being answered; more wait. */
  inFlight: number
  /** Those of one message one by one; 0 for no limit. */
  callsPerSecond: number
  /** Whether nothing may begin: the peer leaves too much unread. */
  isHeld: () => boolean
  send: (text: string) => void
  /** Something is answered while the connection is ending. */
  onAnswered: () => void
  /** Nothing waits any more. */
  onCaughtUp: () => void
  /** A conversation answers every message: this one has not. */
  onFailed: () => void
}

export class Turns {
  readonly #settings: TurnsSettings
  readonly #rate: Rate
  readonly #waiting: string[] = []
  #backlog = 0
  /** Messages whose answer is not sent yet. */
  #unanswered = 0
  /** Running while the peer has sent too much. */
  #hasty: NodeJS.Timeout | undefined
  #ending = false

  constructor(settings: TurnsSettings) {
    this.#settings = settings
    this.#rate = new Rate(settings.callsPerSecond)
  }

  /** Whether nothing is to be sent. */
  get isQuiet(): boolean {
    return this.#unanswered === 0 && this.#waiting.length === 0 && this.#settings.conversation.subscribed === 0
  }

  /** Characters that wait; a message counts for some even where it has none. */
  get backlog(): number {
    return this.#backlog
  }

  /** Begins a message when it is its turn, and says whether that is now. `now` in ms. */
  take(text: string, now: number): boolean {
    if (this.#waiting.length === 0 && this.#isFree(now)) {
      this.#answer(text)
      return true
    }
    this.#waiting.push(text)
    this.#backlog += weightOf(text)
    return false
  }

  /** What waits begins, as far as it may. */
  goOn(): void {
    while (this.#waiting.length > 0 && this.#isFree(performance.now())) {
      const text = this.#waiting.shift() as string
      this.#backlog -= weightOf(text)
      this.#answer(text)
    }
    if (this.#waiting.length === 0) this.#settings.onCaughtUp()
  }

  /** From now on nothing waits: what begins is refused. */
  end(): void {
    this.#ending = true
    this.goOn()
  }

  /** What waits is forgotten. */
  drop(): void {
    clearTimeout(this.#hasty)
    this.#waiting.length = 0
    this.#backlog = 0
  }

  /** Whether a message may begin; what stands in its way goes on with those that wait, when it is over. */
  #isFree(now: number): boolean {
    if (this.#ending) return true
    const { conversation, inFlight, isHeld } = this.#settings
    if (conversation.running >= inFlight || isHeld()) return false
    const wait = this.#rate.wait(now)
    if (wait === 0) return true
    this.#hasty ??= setTimeout(() => {
      this.#hasty = undefined
      this.goOn()
    }, wait)
    return false
  }

  #answer(text: string): void {
    const { conversation, send, onAnswered, onFailed } = this.#settings
    const { begun } = conversation
    const answer = conversation.take(text)
    this.#rate.spend(conversation.begun - begun)
    if (!(answer instanceof Promise)) {
      if (answer !== undefined) send(answer)
      return
    }
    this.#unanswered += 1
    answer.then((told) => {
      this.#unanswered -= 1
      if (told !== undefined) send(told)
      if (this.#waiting.length > 0) this.goOn()
      if (this.#ending) onAnswered()
    }, onFailed)
  }
}

function weightOf({ length }: string): number {
  return length + 64
}
