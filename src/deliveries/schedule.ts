/** When a failed attempt is made again. */

/** A fifth of each wait is left to chance: what failed together does not come back together. */
const jitter = 0.2

export class Schedule {
  readonly #waits: readonly number[]

  /** `waits`: before each attempt, in ms; the first is that before the first one. */
  constructor(waits: readonly number[]) {
    this.#waits = waits
  }

  /** From the first attempt to the last, in ms. */
  get total(): number {
    return this.#waits.reduce((sum, wait) => sum + wait, 0)
  }

  /** Whether no attempt follows the one after so many. */
  isLast(tries: number): boolean {
    return tries + 1 >= this.#waits.length
  }

  /** The wait after so many attempts, in ms; nothing when none is to follow. */
  wait(tries: number): number | undefined {
    const wait = this.#waits[tries]
    return wait === undefined ? undefined : Math.round(wait * (1 + jitter * (Math.random() - 0.5)))
  }
}
