/**
 * API keys proven by a digest (WS-Security UsernameToken Profile 1.1, section 3.1): SHA-1 of a nonce, a moment and a
 * password. Of a key the server keeps a MAC alone, which cannot be turned back into it; so the password of digests is
 * another one, derived from that MAC and the server's secret. It is stored nowhere, is good as long as the key's present
 * secret is, and says nothing of the key.
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import { unauthenticated } from '../contract/access.ts'
import type { Principal } from '../contract/principal.ts'
import { Problem } from '../errors.ts'
import type { Migration } from '../schemas/collection.ts'
import { argument, statement } from '../storage/dialect.ts'
import { type Statement, type Storage, UniqueViolation } from '../storage/storage.ts'
import type { ApiKeys } from './api-keys.ts'
import { refuseReplaced } from './fleeting.ts'
import type { Secrets } from './secrets.ts'

const minute = 60_000
/** How old a digest may be, and how far ahead of this one the clock of its maker, in ms. */
const oldest = 5 * minute
const ahead = minute
/** Bytes of a nonce: fewer are soon used twice. */
const nonceBytes = { least: 8, most: 128 }

const passwordPurpose = 'digest password'
const noncePurpose = 'digest nonce'
const prefix = 'sptd.'

/** What a UsernameToken holds. */
export interface Digest {
  username: string
  nonce: Buffer
  /** As it was sent: it is a part of what is hashed. */
  created: string
  digest: Buffer
}

export const digestMigrations: readonly Migration[] = [
  {
    id: 'digest_nonces-1-create',
    up: ({ schema, text }) => [
      schema
        .createTable('digest_nonces')
        .addColumn('nonce', text, (column) => column.primaryKey())
        .addColumn('used_at', text, (column) => column.notNull()),
      schema.createIndex('digest_nonces_used_at').on('digest_nonces').column('used_at'),
    ],
  },
]

/** A digest as one credential, which is good once. */
export function renderDigest({ username, nonce, created, digest }: Digest): string {
  return prefix + [Buffer.from(username), nonce, Buffer.from(created), digest].map(base64url).join('.')
}

/** Whether a credential is a digest. */
export function looksLikeDigest(credential: string): boolean {
  return credential.startsWith(prefix)
}

/** What proves that its maker knows the password. */
export function digestOf(nonce: Buffer, created: string, password: string): Buffer {
  return createHash('sha1').update(nonce).update(created).update(password).digest()
}

export class Digests {
  readonly #engine: Storage
  readonly #secrets: Secrets
  readonly #keys: ApiKeys
  readonly #use: Statement
  readonly #forget: Statement

  constructor(engine: Storage, secrets: Secrets, keys: ApiKeys) {
    this.#engine = engine
    this.#secrets = secrets
    this.#keys = keys
    const { kysely } = engine.dialect
    this.#use = statement(
      'nonce use',
      kysely.insertInto('digest_nonces').values({ nonce: argument('nonce'), used_at: argument('now') }),
    )
    this.#forget = statement(
      'nonces forget',
      kysely.deleteFrom('digest_nonces').where('used_at', '<', argument('before')),
    )
  }

  /**
   * Name and password that the calling key makes digests with.
   *
   * @throws {Problem} `forbidden` for other principals, and for a secret that was replaced.
   */
  async passwordOf(principal: Principal): Promise<{ username: string; password: string }> {
    const username = /^api-key:(\w+)$/.exec(principal.id)?.[1]
    if (principal.kind !== 'api-key' || username === undefined)
      throw new Problem('forbidden', 'Digests are made with API keys: call this with one')
    refuseReplaced(principal)
    const mac = await this.#keys.macOf(username)
    return { username, password: this.#secrets.mac(passwordPurpose, mac) }
  }

  /** @throws {Problem} `unauthenticated`, also for a digest that was seen before. */
  async authenticate(credential: string): Promise<Principal> {
    const { username, nonce, created, digest } = readDigest(credential)
    const age = Date.now() - momentOf(created)
    if (!(age <= oldest && age >= -ahead)) throw refusal('The digest is too old, or made in the future')
    const proves = (mac: string) =>
      this.#secrets
        .macs(passwordPurpose, mac)
        .some((password) => timingSafeEqual(digestOf(nonce, created, password), digest))
    const principal = await this.#keys.authenticateByMac(username, proves)
    await this.#useOnce(`${username} ${base64url(nonce)}`)
    return principal
  }

  /** Deletes nonces that no digest of today can have. */
  async forget(): Promise<void> {
    const before = new Date(Date.now() - 2 * (oldest + ahead)).toISOString()
    await this.#engine.write([[this.#forget, { before }]])
  }

  /** In the storage, which all processes share and which outlasts them. */
  async #useOnce(nonce: string): Promise<void> {
    const use = { nonce: this.#secrets.mac(noncePurpose, nonce), now: new Date().toISOString() }
    await this.#engine.write([[this.#use, use]]).catch((error: unknown) => {
      throw error instanceof UniqueViolation ? refusal('The nonce was used before') : error
    })
  }
}

function readDigest(credential: string): Digest {
  const parts = credential.slice(prefix.length).split('.')
  const [username, nonce, created, digest] = parts.map((part) => Buffer.from(part, 'base64url'))
  if (!username || !nonce || !created || digest?.length !== 20 || parts.length !== 4 || credential.length > 1000)
    throw refusal('The digest is not well-formed')
  if (nonce.length < nonceBytes.least || nonce.length > nonceBytes.most)
    throw refusal(`The nonce must have ${nonceBytes.least} to ${nonceBytes.most} bytes`)
  return { username: username.toString(), nonce, created: created.toString(), digest }
}

/** A moment in UTC, as the profile wants it. */
function momentOf(created: string): number {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(created) ? Date.parse(created) : Number.NaN
}

function refusal(detail: string): Problem {
  return unauthenticated(detail, 'invalid_token')
}

function base64url(bytes: Buffer): string {
  return bytes.toString('base64url')
}
