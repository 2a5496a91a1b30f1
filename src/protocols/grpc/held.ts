/**
 * Bytes of messages that are on their way: a call holds what has come of its message, and the limit of a message is one of
 * each call alone.
 */

import { Problem } from '../../errors.ts'

export class Held {
  readonly #most: number
  readonly #above: Held | undefined
  #bytes = 0

  /** @param above What this is a part of, as a connection is of a server. */
  constructor(most: number, above?: Held) {
    this.#most = most
    this.#above = above
  }

  get bytes(): number {
    return this.#bytes
  }

  /** @throws {Problem} `rate-limited` when it is more than may be held; it is held until it is let go all the same. */
  add(bytes: number): void {
    this.#bytes += bytes
    this.#above?.add(bytes)
    if (this.#bytes <= this.#most) return
    const headers = { 'retry-after': '1' }
    throw new Problem('rate-limited', 'Too many messages are on their way at once', { headers })
  }

  letGo(bytes: number): void {
    this.#bytes -= bytes
    this.#above?.letGo(bytes)
  }
}
