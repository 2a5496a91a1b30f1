/** API keys: made once, shown once, kept as MACs. */

import type { ScopesOf } from '../contract/authenticators.ts'
import type { Eventually } from '../contract/eventually.ts'
import { adminScope, holds, missingScopes, type Principal } from '../contract/principal.ts'
import { Problem } from '../errors.ts'
import { type Command, orConflict, type Storage } from '../storage/storage.ts'
import { newApiKeyId, newApiKeyText } from './api-key.ts'
import { ApiKeyCheck, apiKeyPurpose } from './api-key-check.ts'
import { KeyEmissions } from './api-key-events.ts'
import { type ApiKeyRow, ApiKeySql } from './api-key-sql.ts'
import type { Audit, Origin } from './audit.ts'
import { refuseReplaced } from './fleeting.ts'
import type { Secrets } from './secrets.ts'
import type { Follower } from './sessions.ts'

/** Keys that a user, or a key of no user, may have made that are not revoked; `admin` may make any number. */
const maxKeys = 100

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

export interface ApiKeyQuery {
  limit: number
  cursor?: string | undefined
  /** Id of the principal that made them. */
  createdBy?: string | undefined
}

export interface ApiKeysOptions {
  engine: Storage
  secrets: Secrets
  audit: Audit
  scopesOf: ScopesOf
  /** Every scope that a key can be given. */
  knownScopes: ReadonlySet<string>
}

export class ApiKeys implements Follower {
  readonly #engine: Storage
  readonly #sql: ApiKeySql
  readonly #emissions: KeyEmissions
  readonly #secrets: Secrets
  readonly #audit: Audit
  readonly #knownScopes: ReadonlySet<string>
  readonly #check: ApiKeyCheck

  constructor({ engine, secrets, audit, scopesOf, knownScopes }: ApiKeysOptions) {
    this.#engine = engine
    this.#sql = new ApiKeySql(engine.dialect)
    this.#emissions = new KeyEmissions(engine.dialect)
    this.#secrets = secrets
    this.#audit = audit
    this.#knownScopes = knownScopes
    this.#check = new ApiKeyCheck({ engine, sql: this.#sql, secrets, scopesOf })
  }

  /**
   * Makes a key whose scopes are among those of its creator, and which does not outlive it.
   *
   * @throws {Problem} `forbidden` for a scope that the creator lacks, or a secret that was replaced; `validation-failed`
   * for a scope that no operation asks for and for an expiry that is past or too late; `conflict` beyond 100 keys.
   */
  async create(input: ApiKeyInput, creator: Principal, origin: Origin): Promise<NewApiKey> {
    const unknown = input.scopes.findIndex((scope) => !this.#knownScopes.has(scope))
    if (unknown !== -1) throw wrong(`/scopes/${unknown}`, 'is asked for by no operation')
    refuseReplaced(creator)
    refuseWider(creator, input.scopes)
    const { commands, created } = this.creation(input, creator, origin)
    const detail = `There are ${maxKeys} keys that are not revoked: revoke one to make another`
    await this.#engine.write([...commands, this.#emissions.told('created', created.id)]).catch(orConflict(detail))
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
    const expiry = expiresAt === undefined ? (creator.expiresAt ?? null) : new Date(expiresAt).toISOString()
    if (outlives(expiry, creator)) throw wrong('/expiresAt', 'must not be later than that of the key that asks')
    const id = newApiKeyId()
    const key = newApiKeyText(id)
    const row: ApiKeyRow = {
      id,
      name,
      mac: this.#secrets.mac(apiKeyPurpose, key),
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
    const most = holds(creator, adminScope) ? Number.MAX_SAFE_INTEGER : maxKeys
    return { commands: [[this.#sql.insert, { ...row, most }, 1], audit], created: { ...shown(row), key } }
  }

  /** Those keys that a principal may see, by id from a cursor on: all for `admin`, else those of its user or of its own making. */
  async page(
    principal: Principal,
    { limit, cursor = '', createdBy }: ApiKeyQuery,
  ): Promise<{ items: ApiKey[]; next: string | undefined }> {
    const args = { ...visibleTo(principal), after: cursor, createdBy: createdBy ?? null, limit: limit + 1 }
    const rows = await this.#engine.all<ApiKeyRow>(this.#sql.page, args)
    const items = rows.slice(0, limit).map(shown)
    return { items, next: rows.length > limit ? items.at(-1)?.id : undefined }
  }

  /** @throws {Problem} `not-found`, also for a key that the principal may not see. */
  async get(id: string, principal: Principal): Promise<ApiKey> {
    return shown(await this.#visible(id, principal))
  }

  /** @throws {Problem} `not-found`; `conflict` when the key went at the same moment. */
  async rename(id: string, name: string, principal: Principal, origin: Origin): Promise<ApiKey> {
    const row = await this.#visible(id, principal)
    await this.#change(this.#sql.rename, { id, name }, 'renamed', principal, origin)
    return shown({ ...row, name })
  }

  /**
   * Gives the key a new secret; the one that it replaces stays good for `overlap` seconds.
   *
   * @throws {Problem} `not-found`; `forbidden` when the key is wider than the principal or outlives it, or for a secret
   * that was replaced; `conflict` when it is revoked, or rotated at the same moment.
   */
  async rotate(id: string, overlap: number, principal: Principal, origin: Origin): Promise<NewApiKey> {
    refuseReplaced(principal)
    const row = await this.#visible(id, principal)
    refuseWider(principal, row.scopes.split(' '))
    if (outlives(row.expiresAt, principal)) throw new Problem('forbidden', 'The key is good for longer than yours')
    if (row.revokedAt !== null) throw new Problem('conflict', 'The key is revoked')
    const key = newApiKeyText(id)
    const previousUntil = new Date(Date.now() + overlap * 1000).toISOString()
    const mac = this.#secrets.mac(apiKeyPurpose, key)
    await this.#change(this.#sql.rotate, { id, mac, previousMac: row.mac, previousUntil }, 'rotated', principal, origin)
    return { ...shown({ ...row, previousUntil }), key }
  }

  /**
   * From now on, and within a second in other processes, the key opens nothing. May be repeated.
   *
   * @throws {Problem} `not-found`; `forbidden` for a secret that was replaced.
   */
  async revoke(id: string, principal: Principal, origin: Origin): Promise<void> {
    refuseReplaced(principal)
    const row = await this.#visible(id, principal)
    if (row.revokedAt !== null) return
    const now = new Date().toISOString()
    await this.#change(this.#sql.revoke, { id, now }, 'revoked', principal, origin).catch((error: unknown) => {
      // Whoever asked at the same moment was first.
      if (!(error instanceof Problem && error.code === 'conflict')) throw error
    })
  }

  /** Revokes all keys of a user, as commands for the write of the change that is its reason. */
  revocation(userId: number): Command[] {
    const now = new Date().toISOString()
    return [[this.#sql.revokeOfUser, { userId, now }], this.#emissions.toldOfAll(userId, now)]
  }

  /** After a write with {@link revocation}, or a change of what a user may do: in this process it holds at once. */
  forgetVerified(userId: number): void {
    this.#check.forget((key) => key.userId === userId)
  }

  /** The principal of a key. @throws {Problem} `unauthenticated` */
  authenticate(text: string): Eventually<Principal> {
    return this.#check.authenticate(text)
  }

  /** The principal of a key, for what is proven by the MAC that is stored of it. @throws {Problem} `unauthenticated` */
  authenticateByMac(id: string, proves: (mac: string) => boolean): Eventually<Principal> {
    return this.#check.authenticateByMac(id, proves)
  }

  /** What a key may do now; nothing when it is gone, revoked or expired. */
  scopesOf(id: string): Eventually<readonly string[] | undefined> {
    return this.#check.scopesOf(id)
  }

  /** What is stored of a key's secret. @throws {Problem} `not-found` */
  async macOf(id: string): Promise<string> {
    const row = await this.#engine.first<ApiKeyRow>(this.#sql.get, { id })
    if (row === undefined) throw new Problem('not-found', 'Key not found')
    return row.mac
  }

  /** Whether a text is a key that opens something now; it is not taken as used. */
  isGood(text: string): Promise<boolean> {
    return this.#check.isGood(text)
  }

  /** Writes when keys were last used: some seconds late, so that no request waits for it. */
  writeUses(): Promise<void> {
    return this.#check.writeUses()
  }

  async #visible(id: string, principal: Principal): Promise<ApiKeyRow> {
    const row = await this.#engine.first<ApiKeyRow>(this.#sql.visible, { ...visibleTo(principal), id })
    if (row === undefined) throw new Problem('not-found', 'Key not found')
    return row
  }

  async #change(
    statement: Command[0],
    args: Command[1] & { id: string },
    happening: 'renamed' | 'rotated' | 'revoked',
    principal: Principal,
    origin: Origin,
  ): Promise<void> {
    const target = targetOf(args.id)
    const type = `key.${happening}`
    const audit = this.#audit.command({ type, outcome: 'success', principal, target }, origin)
    const commands = [[statement, args, 1] as const, audit, this.#emissions.told(happening, args.id)]
    await this.#engine.write(commands).catch(orConflict('The key was changed at the same moment'))
    this.#check.forget(({ id }) => id === args.id)
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

/** Whether a key would be good for longer than the one that asks. */
function outlives(expiresAt: string | null, { expiresAt: end }: Principal): boolean {
  return end !== undefined && (expiresAt === null || expiresAt > end)
}

function targetOf(id: string): string {
  return `api-key:${id}`
}

function wrong(pointer: string, detail: string): Problem {
  return new Problem('validation-failed', 'The body does not match its schema', {
    errors: [{ in: 'body', pointer, detail }],
  })
}
