/** Credentials that were verified a moment ago: the next request with one costs a look-up, and a revoked one lives a second. */

import { LRUCache } from 'lru-cache'
import type { Principal } from '../contract/principal.ts'

/** Time in ms until a credential is looked at again in the storage: revocation is honoured within a second everywhere. */
const freshFor = 900
const maxEntries = 10_000

interface Entry<Subject> {
  principal: Principal
  subject: Subject
  /** In ms since 1970. */
  checkedAt: number
}

/** `Subject` is what a credential stands for, by which it is found again when that is revoked in this process. */
export class Verified<Subject> {
  readonly #entries = new LRUCache<string, Entry<Subject>>({ max: maxEntries })

  /** The principal of a credential that was checked within the last second. */
  fresh(credential: string): Principal | undefined {
    const entry = this.#entries.get(credential)
    return entry !== undefined && Date.now() - entry.checkedAt < freshFor ? entry.principal : undefined
  }

  /** What a credential stands for that was checked before, however long ago: its signature need not be verified again. */
  subject(credential: string): Subject | undefined {
    return this.#entries.get(credential)?.subject
  }

  /** Keeps what has been checked now. */
  keep(credential: string, subject: Subject, principal: Principal): Principal {
    this.#entries.set(credential, { principal, subject, checkedAt: Date.now() })
    return principal
  }

  /** After a revocation: in this process it holds at once. */
  forget(isRevoked: (subject: Subject) => boolean): void {
    for (const [credential, { subject }] of this.#entries) if (isRevoked(subject)) this.#entries.delete(credential)
  }
}
