/** So many a second, and as many at once (token bucket). */
export class Rate {
  readonly #perSecond: number
  #left: number
  #at = 0

  /** @param perSecond 0 for no limit. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#left = perSecond
  }

  /** Ms until something may begin; 0 when it may now. `now` in ms, and never less than before. */
  wait(now: number): number {
    if (this.#perSecond === 0) return 0
    const perMs = this.#perSecond / 1000
    this.#left = Math.min(this.#perSecond, this.#left + (now - this.#at) * perMs)
    this.#at = now
    return this.#left >= 1 ? 0 : Math.ceil((1 - this.#left) / perMs)
  }

  /** May go below nothing, which is then waited for. */
  spend(count: number): void {
    this.#left -= count
  }
}
