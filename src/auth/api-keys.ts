/** API keys: made once, shown once, kept as MACs; each checked against the storage at most once a second. */

import { unauthenticated } from '../contract/access.ts'
import type { ScopesOf } from '../contract/authenticators.ts'
import { type Eventually, whenever } from '../contract/eventually.ts'
import { adminScope, holds, missingScopes, type Principal, stillHeld } from '../contract/principal.ts'
import { Problem } from '../errors.ts'
import { type Command, type Storage, UnexpectedRows } from '../storage/storage.ts'
import { apiKeyIdOf, newApiKeyId, newApiKeyText } from './api-key.ts'
import { type ApiKeyRow, ApiKeySql } from './api-key-sql.ts'
import type { Audit, Origin } from './audit.ts'
import type { Secrets } from './secrets.ts'
import { Verified } from './verified.ts'

const purpose = 'api-key'

/** An API key as its owner sees it; without its secret. */
export interface ApiKey {
  id: string
  name: string
  scopes: string[]
  createdBy: string
  createdAt: string
  expiresAt: string | null
  lastUsedAt: string | null
  revokedAt: string | null
  /** Until when the secret that a rotation replaced is accepted. */
  previousUntil: string | null
}

/** With the one text that opens it; never shown again. */
export type NewApiKey = ApiKey & { key: string }

export interface ApiKeyInput {
  name: string
  scopes: readonly string[]
  expiresAt?: string | undefined
}

export interface ApiKeysOptions {
  engine: Storage
  secrets: Secrets
  audit: Audit
  scopesOf: ScopesOf
  /** Every scope that a key can be given. */
  knownScopes: ReadonlySet<string>
}

export class ApiKeys {
  readonly #engine: Storage
  readonly #sql: ApiKeySql
  readonly #secrets: Secrets
  readonly #audit: Audit
  readonly #scopesOf: ScopesOf
  readonly #knownScopes: ReadonlySet<string>
  readonly #verified = new Verified<string>()
  /** When each key was last used, until that is written. */
  readonly #used = new Map<string, string>()

  constructor({ engine, secrets, audit, scopesOf, knownScopes }: ApiKeysOptions) {
    this.#engine = engine
    this.#sql = new ApiKeySql(engine.dialect)
    this.#secrets = secrets
    this.#audit = audit
    this.#scopesOf = scopesOf
    this.#knownScopes = knownScopes
  }

  /**
   * Makes a key whose scopes are among those of its creator.
   *
   * @throws {Problem} `forbidden` for a scope that the creator lacks; `validation-failed` for a scope that no operation
   * asks for and for an expiry that is past.
   */
  async create(input: ApiKeyInput, creator: Principal, origin: Origin): Promise<NewApiKey> {
    const unknown = input.scopes.findIndex((scope) => !this.#knownScopes.has(scope))
    if (unknown !== -1) throw wrong(`/scopes/${unknown}`, 'is asked for by no operation')
    refuseWider(creator, input.scopes)
    const { commands, created } = this.creation(input, creator, origin)
    await this.#engine.write(commands)
    return created
  }

  /** A new key, and the commands that keep it. */
  creation(
    { name, scopes, expiresAt }: ApiKeyInput,
    creator: Principal,
    origin: Origin,
  ): { commands: Command[]; created: NewApiKey } {
    const now = new Date().toISOString()
    if (expiresAt !== undefined && !(Date.parse(expiresAt) > Date.parse(now)))
      throw wrong('/expiresAt', 'must be in the future')
    const expiry = expiresAt === undefined ? null : new Date(expiresAt).toISOString()
    const id = newApiKeyId()
    const key = newApiKeyText(id)
    const row: ApiKeyRow = {
      id,
      name,
      mac: this.#secrets.mac(purpose, key),
      previousMac: null,
      previousUntil: null,
      scopes: [...new Set(scopes)].join(' '),
      userId: creator.userId ?? null,
      createdBy: creator.id,
      createdAt: now,
      expiresAt: expiry,
      lastUsedAt: null,
      revokedAt: null,
    }
    const detail = `scopes: ${row.scopes}`
    const audit = this.#audit.command(
      { type: 'key.created', outcome: 'success', principal: creator, target: targetOf(id), detail },
      origin,
    )
    return { commands: [[this.#sql.insert, { ...row }, 1], audit], created: { ...shown(row), key } }
  }

  /** Those keys that a principal may see, by id from a cursor on: all for `admin`, else those of its user or of its own making. */
  async page(principal: Principal, limit: number, after = ''): Promise<{ items: ApiKey[]; next: string | undefined }> {
    const rows = await this.#engine.all<ApiKeyRow>(this.#sql.page, { ...visibleTo(principal), after, limit: limit + 1 })
    const items = rows.slice(0, limit).map(shown)
    return { items, next: rows.length > limit ? items.at(-1)?.id : undefined }
  }

  /** @throws {Problem} `not-found`, also for a key that the principal may not see. */
  async get(id: string, principal: Principal): Promise<ApiKey> {
    return shown(await this.#visible(id, principal))
  }

  /** @throws {Problem} `not-found` */
  async rename(id: string, name: string, principal: Principal, origin: Origin): Promise<ApiKey> {
    const row = await this.#visible(id, principal)
    await this.#change(this.#sql.rename, { id, name }, 'key.renamed', principal, origin)
    return shown({ ...row, name })
  }

  /**
   * Gives the key a new secret; the one that it replaces stays good for `overlap` seconds.
   *
   * @throws {Problem} `not-found`; `forbidden` when the key is wider than the principal; `conflict` when it is revoked.
   */
  async rotate(id: string, overlap: number, principal: Principal, origin: Origin): Promise<NewApiKey> {
    const row = await this.#visible(id, principal)
    refuseWider(principal, row.scopes.split(' '))
    if (row.revokedAt !== null) throw new Problem('conflict', 'The key is revoked')
    const key = newApiKeyText(id)
    const previousUntil = new Date(Date.now() + overlap * 1000).toISOString()
    const mac = this.#secrets.mac(purpose, key)
    await this.#change(
      this.#sql.rotate,
      { id, mac, previousMac: row.mac, previousUntil },
      'key.rotated',
      principal,
      origin,
    )
    return { ...shown({ ...row, previousUntil }), key }
  }

  /** From now on, and within a second in other processes, the key opens nothing. May be repeated. @throws {Problem} `not-found` */
  async revoke(id: string, principal: Principal, origin: Origin): Promise<void> {
    const row = await this.#visible(id, principal)
    if (row.revokedAt !== null) return
    await this.#change(this.#sql.revoke, { id, now: new Date().toISOString() }, 'key.revoked', principal, origin)
  }

  /** The principal of a key that this second has seen already, else what the storage says of it. */
  authenticate(text: string): Eventually<Principal> {
    const fresh = this.#verified.fresh(text)
    if (fresh !== undefined) return fresh
    const id = apiKeyIdOf(text)
    if (id === undefined) throw unauthenticated('The API key has a typing error', 'invalid_token')
    return whenever(this.#engine.first<ApiKeyRow>(this.#sql.get, { id }), (row) => {
      const now = new Date().toISOString()
      if (row === undefined || !this.#opens(row, text, now)) throw invalid()
      if (row.userId === null) return this.#accept(text, row, row.scopes.split(' '), now)
      return whenever(this.#scopesOf(row.userId), (held) => {
        if (held === undefined) throw invalid()
        return this.#accept(text, row, stillHeld(row.scopes.split(' '), held), now)
      })
    })
  }

  /** Writes when keys were last used: some seconds late, so that no request waits for it. */
  async writeUses(): Promise<void> {
    const commands = [...this.#used].map(([id, now]): Command => [this.#sql.use, { id, now }])
    this.#used.clear()
    if (commands.length > 0) await this.#engine.write(commands)
  }

  #opens({ mac, previousMac, previousUntil, revokedAt, expiresAt }: ApiKeyRow, text: string, now: string): boolean {
    if (revokedAt !== null || (expiresAt !== null && expiresAt <= now)) return false
    if (this.#secrets.hasMac(purpose, text, mac)) return true
    if (previousMac === null || previousUntil === null || previousUntil <= now) return false
    return this.#secrets.hasMac(purpose, text, previousMac)
  }

  #accept(text: string, { id, userId }: ApiKeyRow, scopes: readonly string[], now: string): Principal {
    this.#used.set(id, now)
    return this.#verified.keep(text, id, {
      kind: 'api-key',
      id: `api-key:${id}`,
      scopes: new Set(scopes),
      userId: userId ?? undefined,
    })
  }

  async #visible(id: string, principal: Principal): Promise<ApiKeyRow> {
    const row = await this.#engine.first<ApiKeyRow>(this.#sql.visible, { ...visibleTo(principal), id })
    if (row === undefined) throw new Problem('not-found', 'Key not found')
    return row
  }

  async #change(
    statement: Command[0],
    args: Command[1] & { id: string },
    type: string,
    principal: Principal,
    origin: Origin,
  ): Promise<void> {
    const target = targetOf(args.id)
    const audit = this.#audit.command({ type, outcome: 'success', principal, target }, origin)
    await this.#engine.write([[statement, args, 1], audit]).catch((error: unknown) => {
      throw error instanceof UnexpectedRows
        ? new Problem('conflict', 'The key was changed at the same moment', { cause: error })
        : error
    })
    this.#verified.forget((id) => id === args.id)
  }
}

function shown({ mac, previousMac, userId, scopes, ...rest }: ApiKeyRow): ApiKey {
  return { ...rest, scopes: scopes.split(' ') }
}

function visibleTo(principal: Principal): { all: number; userId: number | null; by: string } {
  return { all: holds(principal, adminScope) ? 1 : 0, userId: principal.userId ?? null, by: principal.id }
}

/** @throws {Problem} `forbidden` naming the scopes that the principal would hand out without holding them. */
function refuseWider(principal: Principal, scopes: Iterable<string>): void {
  const wider = missingScopes(principal, scopes)
  if (wider.length > 0)
    throw new Problem('forbidden', `You cannot give scopes that you do not hold: ${wider.join(', ')}`)
}

function targetOf(id: string): string {
  return `api-key:${id}`
}

/** One answer for unknown, wrong, expired and revoked keys. */
function invalid(): Problem {
  return unauthenticated('The API key is not valid', 'invalid_token')
}

function wrong(pointer: string, detail: string): Problem {
  return new Problem('validation-failed', 'The body does not match its schema', {
    errors: [{ in: 'body', pointer, detail }],
  })
}
