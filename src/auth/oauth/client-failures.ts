/** Clients that could not prove who they are (RFC 6749 section 5.2, `invalid_client`), in the audit trail: bounded. */

import { LRUCache } from 'lru-cache'
import type { Audit, Origin } from '../audit.ts'
import { networkOf } from '../throttle.ts'

/** In ms. */
const hour = 3_600_000
/** Entries within an hour of one client and network, and of all: whoever fails on purpose fills no disk. */
const ofOne = 10
const ofAll = 1000

interface Count {
  count: number
  /** In ms since 1970. */
  since: number
}

export class ClientFailures {
  readonly #audit: Audit
  readonly #counts = new LRUCache<string, Count>({ max: 10_000 })
  #all: Count = { count: 0, since: 0 }

  constructor(audit: Audit) {
    this.#audit = audit
  }

  /** Writes an entry, unless there are enough of its kind. `clientId`: of a client that exists. */
  async record(clientId: string | undefined, reason: string, origin: Origin): Promise<void> {
    const key = `${clientId} ${networkOf(origin.ip)}`
    const own = next(this.#counts.get(key))
    this.#counts.set(key, own)
    if (own.count > ofOne) return
    this.#all = next(this.#all)
    if (this.#all.count > ofAll) return
    const more = own.count === ofOne ? '; more of the next hour are not told' : ''
    await this.#audit.record(
      {
        type: 'client-authentication.failed',
        outcome: 'failure',
        principal: { id: 'anonymous' },
        target: clientId && `client:${clientId}`,
        detail: reason + more,
      },
      origin,
    )
  }
}

function next(count: Count = { count: 0, since: 0 }): Count {
  const now = Date.now()
  return now - count.since < hour ? { ...count, count: count.count + 1 } : { count: 1, since: now }
}
