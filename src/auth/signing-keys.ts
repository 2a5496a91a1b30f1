/** The keys that sign tokens: of each kind one after the other, agreed on by every process of a database. */

import type { CryptoKey, JWK } from 'jose'
import type { Migration } from '../schemas/collection.ts'
import { argument, statement } from '../storage/dialect.ts'
import { type Statement, type Storage, UniqueViolation } from '../storage/storage.ts'
import type { Secrets } from './secrets.ts'
import {
  accessTokenKeys,
  idTokenKeys,
  type KeyKind,
  newPrivateJwk,
  openKey,
  type PublicJwk,
  type SigningKey,
} from './signing-key.ts'

/** The longest life that an access token can be given, in ms. */
export const longestTokenLife = 3_600_000
/** How far the clocks of two processes may be apart, in ms. */
const clockSkew = 300_000
/** How often the keys are read again, and the next one is made, in ms. */
const readEvery = 60_000
/** Least time between two readings that unknown key ids ask for, in ms: forged ones cost no more than this. */
const askEvery = 1000

const day = 86_400_000
/** A SHA-256 thumbprint (RFC 7638) in base64url. */
const kidForm = /^[\w-]{43}$/

export const signingKeyMigrations = [accessTokenKeys, idTokenKeys].map(
  ({ table }): Migration => ({
    id: `${table}-1-create`,
    up: ({ schema, text, integer }) => [
      schema
        .createTable(table)
        .addColumn('number', integer, (column) => column.notNull())
        .addColumn('sealed', text, (column) => column.notNull())
        .addColumn('signs_from', text, (column) => column.notNull())
        .addColumn('signs_until', text, (column) => column.notNull())
        .addPrimaryKeyConstraint(`${table}_number_unique`, ['number']),
    ],
  }),
)

interface KeyRow {
  number: number
  sealed: string
  signsFrom: string
  signsUntil: string
}

export interface SigningKeySettings {
  /** How long a key signs, in days. */
  days: number
  /** Told once of each key that cannot be opened, and of a reading in the background that failed. */
  warn: (message: string, error?: unknown) => void
  /** Of access tokens unless said. */
  kind?: KeyKind
}

/**
 * A key is made a whole turn before it signs, and published at once: whoever keeps a copy of the key set knows it in
 * time. It stays published until the last token that it signed has expired. Only the private key is stored, sealed:
 * who can write to the database but has no `SECRET` cannot add a key that is trusted.
 */
export class SigningKeys {
  readonly #engine: Storage
  readonly #secrets: Secrets
  readonly #settings: SigningKeySettings
  readonly #kind: KeyKind
  readonly #select: Statement
  readonly #insert: Statement
  readonly #remove: Statement
  /** By what is sealed; nothing for what cannot be opened. */
  readonly #opened = new Map<string, SigningKey | undefined>()
  /** By `kid`, the oldest first. */
  #keys: ReadonlyMap<string, SigningKey> = new Map()
  #lastNumber = 0
  readonly #readings = { begun: 0, applied: 0 }
  #asked: { at: number; reading: Promise<void> } | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(engine: Storage, secrets: Secrets, settings: SigningKeySettings) {
    const { kysely } = engine.dialect
    this.#engine = engine
    this.#secrets = secrets
    this.#settings = settings
    this.#kind = settings.kind ?? accessTokenKeys
    const { table } = this.#kind
    const columns = ['number', 'sealed', 'signs_from as signsFrom', 'signs_until as signsUntil'] as const
    this.#select = statement('signing keys', kysely.selectFrom(table).select(columns).orderBy('number'))
    this.#insert = statement(
      'insert signing key',
      kysely.insertInto(table).values({
        number: argument('number'),
        sealed: argument('sealed'),
        signs_from: argument('signsFrom'),
        signs_until: argument('signsUntil'),
      }),
    )
    this.#remove = statement(
      'remove signing keys',
      kysely.deleteFrom(table).where('signs_until', '<', argument('before')),
    )
  }

  /** Reads the keys, makes those that are missing, deletes those that have served; now and every minute. */
  async start(): Promise<void> {
    await this.maintain()
    const again = () => this.maintain().catch((error: unknown) => this.#settings.warn('signing keys stay', error))
    this.#timer = setInterval(again, readEvery).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** `asked`: for a key that signs, by somebody who waits for it. */
  async maintain(asked = false): Promise<void> {
    await this.#read()
    // Of processes that find the same key missing, the first to write its number has made it for all.
    for (let from = this.#missing(asked); from !== undefined; from = this.#missing(asked)) {
      await this.#create(from).catch((error: unknown) => {
        if (!(error instanceof UniqueViolation)) throw error
      })
      await this.#read()
    }
    const before = Date.now() - longestTokenLife - clockSkew
    if ([...this.#keys.values()].some(({ signsUntil }) => signsUntil < before)) {
      await this.#engine.write([[this.#remove, { before: new Date(before).toISOString() }]])
      await this.#read()
    }
  }

  /** The key that signs now. */
  async signer(): Promise<SigningKey> {
    const signer = this.#signerAt(Date.now())
    if (signer !== undefined) return signer
    await this.maintain(true)
    return this.#signerAt(Date.now()) as SigningKey
  }

  /** The public key with this id; an unknown one is looked for in the database, at most once a second. */
  async find(kid: string): Promise<CryptoKey | undefined> {
    const known = this.#keys.get(kid)
    if (known !== undefined || !kidForm.test(kid)) return known?.publicKey
    await this.#readAgain()
    return this.#keys.get(kid)?.publicKey
  }

  /** The keys of {@link keySet}, also when another process has made the first of them a moment ago. */
  async published(): Promise<PublicJwk[]> {
    if (this.#keys.size === 0) await this.#readAgain()
    return this.keySet().keys
  }

  /** The JSON Web Key Set (RFC 7517 section 5): what has signed lately, what signs, and what will. */
  keySet(): { keys: PublicJwk[] } {
    return { keys: [...this.#keys.values()].map(({ publicJwk }) => publicJwk) }
  }

  #signerAt(now: number): SigningKey | undefined {
    return [...this.#keys.values()].findLast(({ signsFrom, signsUntil }) => signsFrom <= now && now < signsUntil)
  }

  /** From when on a key is missing: the one that signs, or the one after it, which nobody waits for. */
  #missing(asked: boolean): number | undefined {
    const now = Date.now()
    const { onDemand } = this.#kind
    if (onDemand && !asked && this.#keys.size === 0) return undefined
    if (this.#signerAt(now) === undefined) return now - clockSkew
    if (onDemand && asked) return undefined
    const keys = [...this.#keys.values()]
    if (keys.some(({ signsFrom }) => signsFrom > now)) return undefined
    return Math.max(...keys.map(({ signsUntil }) => signsUntil))
  }

  async #create(from: number): Promise<void> {
    const { algorithm, purpose } = this.#kind
    const jwk = await newPrivateJwk(algorithm)
    const until = Math.max(from, Date.now()) + this.#settings.days * day
    const args = {
      number: this.#lastNumber + 1,
      sealed: this.#secrets.seal(purpose, JSON.stringify(jwk)),
      signsFrom: new Date(from).toISOString(),
      signsUntil: new Date(until).toISOString(),
    }
    await this.#engine.write([[this.#insert, args]])
  }

  /** At most once a second. */
  async #readAgain(): Promise<void> {
    if (this.#asked === undefined || Math.abs(Date.now() - this.#asked.at) >= askEvery) {
      this.#asked = { at: Date.now(), reading: this.#read() }
    }
    await this.#asked.reading
  }

  async #read(): Promise<void> {
    this.#readings.begun += 1
    const reading = this.#readings.begun
    const rows = await this.#engine.all<KeyRow>(this.#select, {})
    for (const row of rows) {
      if (!this.#opened.has(row.sealed)) this.#opened.set(row.sealed, await this.#open(row))
    }
    // Opening takes its time: a later reading may be through already.
    if (reading < this.#readings.applied) return
    this.#readings.applied = reading
    const current = new Set(rows.map(({ sealed }) => sealed))
    for (const sealed of this.#opened.keys()) if (!current.has(sealed)) this.#opened.delete(sealed)
    const keys = rows.flatMap(({ sealed }) => this.#opened.get(sealed) ?? [])
    this.#lastNumber = rows.at(-1)?.number ?? 0
    this.#keys = new Map(keys.map((key) => [key.kid, key]))
  }

  async #open({ number, sealed, signsFrom, signsUntil }: KeyRow): Promise<SigningKey | undefined> {
    const { algorithm, purpose } = this.#kind
    let jwk: JWK
    try {
      jwk = JSON.parse(this.#secrets.open(purpose, sealed)) as JWK
    } catch (error) {
      this.#settings.warn(`signing key ${number} is left out: SECRET does not open it`, error)
      return undefined
    }
    return {
      ...(await openKey(jwk, algorithm)),
      signsFrom: Date.parse(signsFrom),
      signsUntil: Date.parse(signsUntil),
    }
  }
}
