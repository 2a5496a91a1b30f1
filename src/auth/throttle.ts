/** Guessing made slow: failures are counted by address and by caller, and lock both out for ever longer. */

import { isIPv6 } from 'node:net'
import { sql } from 'kysely'
import { Problem } from '../errors.ts'
import type { Migration } from '../schemas/collection.ts'
import { argument, statement } from '../storage/dialect.ts'
import type { Command, Statement, Storage } from '../storage/storage.ts'
import type { Secrets } from './secrets.ts'

/** How a subject is locked: from which failure on, and after how long without one (ms) its count starts anew. */
interface Rule {
  purpose: string
  threshold: number
  forgetAfter: number
}

const minute = 60_000
const byAddress: Rule = { purpose: 'failures by address', threshold: 5, forgetAfter: 24 * 60 * minute }
/** Many people may share an address of the network. */
const byCaller: Rule = { purpose: 'failures by caller', threshold: 50, forgetAfter: 60 * minute }

const firstLock = 1000
const longestLock = 15 * minute

/** How long the failure with this number locks, in ms: a second, then twice as long each time. */
export function lockAfter(failures: number, threshold: number): number {
  if (failures < threshold) return 0
  return Math.min(firstLock * 2 ** (failures - threshold), longestLock)
}

/** Who guesses, and at whose password. */
export interface Attempt {
  /** The address in the form in which addresses are compared; known or not. */
  emailKey: string
  /** The caller's network address. */
  ip: string
}

/** Kept as MACs: the table names nobody, and tells known addresses from unknown ones to no reader. */
export const throttleMigrations: readonly Migration[] = [
  {
    id: 'sign_in_failures-1-create',
    up: ({ schema, text, integer }) => [
      schema
        .createTable('sign_in_failures')
        .addColumn('subject', text, (column) => column.primaryKey())
        .addColumn('failures', integer, (column) => column.notNull())
        .addColumn('last_failed_at', text, (column) => column.notNull()),
      schema.createIndex('sign_in_failures_last_failed_at').on('sign_in_failures').column('last_failed_at'),
    ],
  },
]

interface FailureRow {
  subject: string
  failures: number
  lastFailedAt: string
}

export class Throttle {
  readonly #engine: Storage
  readonly #secrets: Secrets
  readonly #read: Statement
  readonly #count: Statement
  readonly #clear: Statement
  readonly #forget: Statement

  constructor(engine: Storage, secrets: Secrets) {
    this.#engine = engine
    this.#secrets = secrets
    const { kysely } = engine.dialect
    this.#read = statement(
      'failures',
      kysely
        .selectFrom('sign_in_failures')
        .select(['subject', 'failures', sql.ref('last_failed_at').as('lastFailedAt')])
        .where('subject', 'in', [argument('address'), argument('caller')]),
    )
    // One statement that reads and writes: guesses that arrive together are all counted.
    this.#count = statement(
      'failure',
      kysely
        .insertInto('sign_in_failures')
        .values({ subject: argument('subject'), failures: 1, last_failed_at: argument('now') })
        .onConflict((conflict) =>
          conflict.column('subject').doUpdateSet({
            failures: sql`case when sign_in_failures.last_failed_at < ${argument('stale')} then 1 else sign_in_failures.failures + 1 end`,
            last_failed_at: sql.ref('excluded.last_failed_at'),
          }),
        )
        .returning('failures'),
    )
    this.#clear = statement(
      'failures clear',
      kysely.deleteFrom('sign_in_failures').where('subject', '=', argument('subject')),
    )
    this.#forget = statement(
      'failures forget',
      kysely.deleteFrom('sign_in_failures').where('last_failed_at', '<', argument('before')),
    )
  }

  /**
   * Lets an attempt go on; gives how often the address has failed.
   *
   * @throws {Problem} `rate-limited` while address or caller is locked, whether the address is known or not.
   */
  async check(attempt: Attempt): Promise<number> {
    const [address, caller] = [this.#addressOf(attempt), this.#callerOf(attempt)]
    const rows = await this.#engine.all<FailureRow>(this.#read, { address, caller })
    let rest = 0
    let failed = 0
    for (const { subject, failures, lastFailedAt } of rows) {
      const { threshold } = subject === address ? byAddress : byCaller
      if (subject === address) failed = failures
      rest = Math.max(rest, Date.parse(lastFailedAt) + lockAfter(failures, threshold) - Date.now())
    }
    if (rest > 0) throw locked(rest)
    return failed
  }

  /** Counts a failure of both, each giving its new number: {@link locks} reads them. */
  failure(attempt: Attempt): Command[] {
    return [this.#counting(this.#addressOf(attempt), byAddress), this.#counting(this.#callerOf(attempt), byCaller)]
  }

  /** Whether the failure that these rows count is the first that locks its address. */
  locks([row]: readonly object[] = []): boolean {
    return Number((row as Partial<FailureRow> | undefined)?.failures) === byAddress.threshold
  }

  /** Forgets the failures of an address. Those of a caller stay: its owner may have an account of his own here. */
  clear({ emailKey }: Pick<Attempt, 'emailKey'>): Command {
    return [this.#clear, { subject: this.#addressOf({ emailKey }) }]
  }

  /** Deletes what no longer counts. */
  forget(): Command {
    return [this.#forget, { before: ago(Math.max(byAddress.forgetAfter, byCaller.forgetAfter)) }]
  }

  #counting(subject: string, { forgetAfter }: Rule): Command {
    return [this.#count, { subject, now: ago(0), stale: ago(forgetAfter) }]
  }

  #addressOf({ emailKey }: Pick<Attempt, 'emailKey'>): string {
    return this.#secrets.mac(byAddress.purpose, emailKey)
  }

  #callerOf({ ip }: Attempt): string {
    return this.#secrets.mac(byCaller.purpose, networkOf(ip))
  }
}

function ago(milliseconds: number): string {
  return new Date(Date.now() - milliseconds).toISOString()
}

/** One text for known and unknown addresses, and for either reason. */
export function locked(milliseconds: number): Problem {
  return new Problem('rate-limited', 'Too many attempts; try again later', {
    headers: { 'retry-after': String(Math.ceil(milliseconds / 1000)) },
  })
}

/** What one caller has of the network: an IPv4 address, or the /64 that an IPv6 subscriber gets (RFC 6177). */
export function networkOf(ip: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(ip)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(ip)) return ip
  const [head = '', tail] = ip.split('%', 1).join().split('::')
  const groupsOf = (text = '') => text.split(':').filter(Boolean)
  const before = groupsOf(head)
  const after = groupsOf(tail)
  const zeros = new Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  const groups = tail === undefined ? before : [...before, ...zeros, ...after]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
