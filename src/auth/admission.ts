/** How many connections are open at once, in all and from one network. */

import { Problem } from '../errors.ts'
import { networkOf } from './throttle.ts'

/** After which a refused client may ask again, in s. */
const headers = { 'retry-after': '5' }

export interface AdmissionLimits {
  maxConnections: number
  /** From one IPv4 address, or one /64 of IPv6. */
  maxPerAddress: number
}

export class Admission {
  readonly #limits: AdmissionLimits
  readonly #byNetwork = new Map<string, number>()
  #closed = false

  constructor(limits: AdmissionLimits) {
    this.#limits = limits
  }

  /** Networks that have any. */
  get networks(): number {
    return this.#byNetwork.size
  }

  /** Whether the server stops. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** The server stops: nobody enters any more. */
  close(): void {
    this.#closed = true
  }

  /**
   * Whether another may enter.
   *
   * @param open Connections that are open.
   * @throws {Problem} `rate-limited` and `unavailable` beyond the limits.
   */
  check(ip: string, open: number): void {
    const { maxConnections, maxPerAddress } = this.#limits
    if (this.#closed) throw new Problem('unavailable', 'The server is stopping', { headers })
    if (open >= maxConnections) throw new Problem('unavailable', 'There are too many connections', { headers })
    if ((this.#byNetwork.get(networkOf(ip)) ?? 0) >= maxPerAddress)
      throw new Problem('rate-limited', `An address has at most ${maxPerAddress} connections`, { headers })
  }

  /** Counts one, until the function that it gives is called. */
  enter(ip: string): () => void {
    const network = networkOf(ip)
    this.#byNetwork.set(network, (this.#byNetwork.get(network) ?? 0) + 1)
    return () => {
      const others = (this.#byNetwork.get(network) ?? 1) - 1
      if (others === 0) this.#byNetwork.delete(network)
      else this.#byNetwork.set(network, others)
    }
  }
}
