/** The requests that the org of Salesforce has for 24 hours: the last of them are left to people. */

/** Of the limit, used before the server holds back. */
const share = 0.9
/** For how long a reading of what is used is believed, in ms: what is used falls again, and only an answer says so. */
const believed = 900_000
/** After an answer that the limit is reached, in ms. */
const exhausted = 3_600_000

export class Limits {
  #until = 0
  #used = ''

  /** What an answer said: `api-usage=18/5000` in `Sforce-Limit-Info`. */
  note(header: string | undefined): void {
    const [, used, limit] = /api-usage=(\d+)\/(\d+)/.exec(header ?? '') ?? []
    if (used === undefined || limit === undefined) return
    this.#used = `${used} of ${limit} requests are used`
    this.#until = Number(used) >= Number(limit) * share ? Date.now() + believed : 0
  }

  reached(): void {
    this.#used = 'it says that it is reached'
    this.#until = Date.now() + exhausted
  }

  /** Until requests may be made again, in ms. */
  get wait(): number {
    return Math.max(0, this.#until - Date.now())
  }

  get reason(): string {
    return `Salesforce's daily limit is near, and the rest is left to people: ${this.#used}`
  }
}
