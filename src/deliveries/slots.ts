/** How many attempts may be under way: few for each target, so that one which is slow or dead holds back no other. */

/** For all targets together. */
const mostAtOnce = 1024
/** For a target whose last attempts have all failed: a dead one takes its time-out each time. */
const mostOfFailing = 2
/** So many failures in a row. */
const failing = 5

/** The longest that one answer silences a target, in ms: what it asks for beyond that holds for its own delivery. */
const longestPause = 3_600_000

export class Slots {
  readonly #mostOf: (target: string) => number
  readonly #taken = new Map<string, number>()
  readonly #failures = new Map<string, number>()
  /** Until when nothing is taken, in ms since 1970. */
  readonly #pauses = new Map<string, number>()
  #total = 0

  /** `mostOf`: for one target. */
  constructor(mostOf: (target: string) => number) {
    this.#mostOf = mostOf
  }

  /** How many each of these targets may take now: in turns, as long as there are any. */
  share(targets: readonly string[]): { target: string; limit: number }[] {
    let left = mostAtOnce - this.#total
    const shares: { target: string; limit: number }[] = []
    for (const [index, target] of targets.entries()) {
      const fair = Math.ceil(left / (targets.length - index))
      // The last ones go to nobody alone: targets that are slow, and fail not, would leave none to others.
      const limit = Math.min(fair, Math.ceil(left / 4), this.#limitOf(target) - (this.#taken.get(target) ?? 0))
      if (limit <= 0) continue
      left -= limit
      shares.push({ target, limit })
    }
    return shares
  }

  take(target: string): void {
    this.#total += 1
    this.#taken.set(target, (this.#taken.get(target) ?? 0) + 1)
  }

  free(target: string): void {
    this.#total -= 1
    const left = (this.#taken.get(target) ?? 0) - 1
    if (left > 0) this.#taken.set(target, left)
    else this.#taken.delete(target)
  }

  /** Remembers how an attempt ended. */
  note(target: string, failed: boolean): void {
    if (failed) this.#failures.set(target, (this.#failures.get(target) ?? 0) + 1)
    else this.#failures.delete(target)
  }

  /** Takes nothing for a target for this time (ms): it has said so. */
  pause(target: string, milliseconds: number): void {
    this.#pauses.set(target, Date.now() + Math.min(milliseconds, longestPause))
  }

  #limitOf(target: string): number {
    const until = this.#pauses.get(target)
    if (until !== undefined && until > Date.now()) return 0
    this.#pauses.delete(target)
    const most = this.#mostOf(target)
    return (this.#failures.get(target) ?? 0) >= failing ? Math.min(mostOfFailing, most) : most
  }
}
