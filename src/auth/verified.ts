/** Credentials that were verified a moment ago: the next request with one costs a look-up, and a revoked one lives a second. */

import { LRUCache } from 'lru-cache'
import { type Eventually, whenever } from '../contract/eventually.ts'
import type { Principal } from '../contract/principal.ts'

/** Time in ms until a credential is looked at again in the storage: revocation is honoured within a second everywhere. */
const freshFor = 900
const maxEntries = 10_000

/** What a credential was found to be. */
export interface Finding<Subject> {
  subject: Subject
  principal: Principal
  /** When it stops to be good, in ms since 1970; absent when that is not known beforehand. */
  expiresAt?: number | undefined
}

interface Entry<Subject> {
  principal: Principal
  subject: Subject
  /** On the clock that nobody sets back. */
  until: number
}

interface Running {
  since: number
  principal: Promise<Principal>
}

/** `Subject` is what a credential stands for, by which it is found again when that is revoked in this process. */
export class Verified<Subject> {
  readonly #entries = new LRUCache<string, Entry<Subject>>({ max: maxEntries })
  readonly #running = new Map<string, Running>()
  /** Raised by each revocation in this process. */
  #generation = 0

  /** The principal of a credential that was checked within the last second. */
  fresh(credential: string): Principal | undefined {
    const entry = this.#entries.get(credential)
    return entry !== undefined && performance.now() < entry.until ? entry.principal : undefined
  }

  /** What a credential stands for that was checked before, however long ago: its signature need not be verified again. */
  subject(credential: string): Subject | undefined {
    return this.#entries.get(credential)?.subject
  }

  /**
   * The principal that `find` reads from the storage, kept from the moment before the reading on. Requests that come
   * while it reads wait for the same answer. What was read before a revocation is not kept after it.
   */
  check(credential: string, find: () => Eventually<Finding<Subject>>): Eventually<Principal> {
    const since = performance.now()
    const running = this.#running.get(credential)
    if (running !== undefined && since < running.since + freshFor) return running.principal
    const generation = this.#generation
    const principal = whenever(find(), (finding) => {
      if (generation === this.#generation) this.#keep(credential, finding, since)
      return finding.principal
    })
    if (principal instanceof Promise) this.#share(credential, { since, principal })
    return principal
  }

  /** After a revocation: in this process it holds at once. */
  forget(isRevoked: (subject: Subject) => boolean): void {
    this.#generation += 1
    this.#running.clear()
    for (const [credential, { subject }] of this.#entries) if (isRevoked(subject)) this.#entries.delete(credential)
  }

  #keep(credential: string, { subject, principal, expiresAt }: Finding<Subject>, since: number): void {
    const left = expiresAt === undefined ? freshFor : expiresAt - Date.now()
    this.#entries.set(credential, { principal, subject, until: since + Math.min(freshFor, left) })
  }

  #share(credential: string, running: Running): void {
    this.#running.set(credential, running)
    const end = () => {
      if (this.#running.get(credential) === running) this.#running.delete(credential)
    }
    running.principal.then(end, end)
  }
}
