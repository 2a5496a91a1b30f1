/** API keys as credentials: each checked against the storage at most once a second. */

import { unauthenticated } from '../contract/access.ts'
import type { ScopesOf } from '../contract/authenticators.ts'
import { type Eventually, whenever } from '../contract/eventually.ts'
import { type Principal, stillHeld } from '../contract/principal.ts'
import type { Problem } from '../errors.ts'
import type { Command, Storage } from '../storage/storage.ts'
import { apiKeyIdOf } from './api-key.ts'
import type { ApiKeyRow, ApiKeySql } from './api-key-sql.ts'
import type { Secrets } from './secrets.ts'
import { type Finding, Verified } from './verified.ts'

/** What the MACs of keys are made for. */
export const apiKeyPurpose = 'api-key'
const never = '9999-12-31T23:59:59.999Z'

/** What a key is found again by when it is revoked. */
export type ApiKeySubject = Pick<ApiKeyRow, 'id' | 'userId'>

interface Settings {
  engine: Storage
  sql: ApiKeySql
  secrets: Secrets
  scopesOf: ScopesOf
}

export class ApiKeyCheck {
  readonly #engine: Storage
  readonly #sql: ApiKeySql
  readonly #secrets: Secrets
  readonly #scopesOf: ScopesOf
  readonly #verified = new Verified<ApiKeySubject>()
  /** When each key was last used, until that is written. */
  readonly #used = new Map<string, string>()

  constructor({ engine, sql, secrets, scopesOf }: Settings) {
    this.#engine = engine
    this.#sql = sql
    this.#secrets = secrets
    this.#scopesOf = scopesOf
  }

  /** The principal of a key that this second has seen already, else what the storage says of it. */
  authenticate(text: string): Eventually<Principal> {
    const fresh = this.#verified.fresh(text)
    if (fresh !== undefined) return fresh
    const id = apiKeyIdOf(text)
    if (id === undefined) throw unauthenticated('The API key has a typing error', 'invalid_token')
    return this.#verified.check(text, () => this.#find(id, (mac) => this.#secrets.hasMac(apiKeyPurpose, text, mac)))
  }

  /** The principal of a key, for what is proven by the MAC that is stored of it. @throws {Problem} `unauthenticated` */
  authenticateByMac(id: string, proves: (mac: string) => boolean): Eventually<Principal> {
    return whenever(this.#find(id, proves), ({ principal }) => principal)
  }

  /** What a key may do now; nothing when it is gone, revoked or expired. */
  scopesOf(id: string): Eventually<readonly string[] | undefined> {
    return whenever(this.#engine.first<ApiKeyRow>(this.#sql.get, { id }), (row) => {
      if (row === undefined || secretOf(row, () => true, new Date().toISOString()) === undefined) return undefined
      const granted = row.scopes.split(' ')
      if (row.userId === null) return granted
      return whenever(this.#scopesOf(row.userId), (held) => held && stillHeld(granted, held))
    })
  }

  /** Writes when keys were last used: some seconds late, so that no request waits for it. */
  async writeUses(): Promise<void> {
    const uses = [...this.#used]
    // In one order: two writes that lock in the same order cannot block each other.
    uses.sort(([one], [other]) => (one < other ? -1 : 1))
    this.#used.clear()
    if (uses.length === 0) return
    try {
      await this.#engine.write(uses.map(([id, now]): Command => [this.#sql.use, { id, now }]))
    } catch (error) {
      for (const [id, now] of uses) if (!this.#used.has(id)) this.#used.set(id, now)
      throw error
    }
  }

  /** Whether a text is a key that opens something now; it is not taken as used. */
  async isGood(text: string): Promise<boolean> {
    const id = apiKeyIdOf(text)
    const row = id === undefined ? undefined : await this.#engine.first<ApiKeyRow>(this.#sql.get, { id })
    const has = (mac: string) => this.#secrets.hasMac(apiKeyPurpose, text, mac)
    return row !== undefined && secretOf(row, has, new Date().toISOString()) !== undefined
  }

  /** After a revocation: in this process it holds at once. */
  forget(isRevoked: (key: ApiKeySubject) => boolean): void {
    this.#verified.forget(isRevoked)
  }

  #find(id: string, proves: (mac: string) => boolean): Eventually<Finding<ApiKeySubject>> {
    return whenever(this.#engine.first<ApiKeyRow>(this.#sql.get, { id }), (row) => {
      const now = new Date().toISOString()
      const secret = row && secretOf(row, proves, now)
      if (row === undefined || secret === undefined) throw invalid()
      const granted = row.scopes.split(' ')
      if (row.userId === null) return this.#accept(row, secret, granted, now)
      return whenever(this.#scopesOf(row.userId), (held) => {
        if (held === undefined) throw invalid()
        return this.#accept(row, secret, stillHeld(granted, held), now)
      })
    })
  }

  #accept(row: ApiKeyRow, secret: 'present' | 'replaced', scopes: readonly string[], now: string) {
    const { id, userId, expiresAt } = row
    this.#used.set(id, now)
    const principal: Principal = {
      kind: 'api-key',
      id: `api-key:${id}`,
      scopes: new Set(scopes),
      userId: userId ?? undefined,
      expiresAt: expiresAt ?? undefined,
      replaced: secret === 'replaced' || undefined,
    }
    const ends = [expiresAt, secret === 'replaced' ? row.previousUntil : null].map((end) => Date.parse(end ?? never))
    return { subject: { id, userId }, principal, expiresAt: Math.min(...ends) }
  }
}

/** Which secret of the key it is that the stored MAC proves, while it is good. */
function secretOf(row: ApiKeyRow, proves: (mac: string) => boolean, now: string): 'present' | 'replaced' | undefined {
  const { mac, previousMac, previousUntil, revokedAt, expiresAt } = row
  if (revokedAt !== null || (expiresAt !== null && expiresAt <= now)) return undefined
  if (proves(mac)) return 'present'
  if (previousMac === null || previousUntil === null || previousUntil <= now) return undefined
  return proves(previousMac) ? 'replaced' : undefined
}

/** One answer for unknown, wrong, expired and revoked keys. */
function invalid(): Problem {
  return unauthenticated('The API key is not valid', 'invalid_token')
}
