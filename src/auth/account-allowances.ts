/** How often something may be done for one subject: so many times in the hour that begins with the first. */

import { type RawBuilder, sql } from 'kysely'
import type { Migration } from '../schemas/collection.ts'
import { argument, statement, textArgument } from '../storage/dialect.ts'
import type { Command, Statement, Storage } from '../storage/storage.ts'
import type { Secrets } from './secrets.ts'
import { locked } from './throttle.ts'

/** In ms. */
const hour = 3_600_000

/** Subjects are kept as MACs, like those of failures. */
export const allowanceMigrations: readonly Migration[] = [
  {
    id: 'allowances-1-create',
    up: ({ schema, text, integer }) => [
      schema
        .createTable('allowances')
        .addColumn('subject', text, (column) => column.primaryKey())
        .addColumn('used', integer, (column) => column.notNull())
        .addColumn('since', text, (column) => column.notNull()),
      schema.createIndex('allowances_since').on('allowances').column('since'),
    ],
  },
]

/** So many uses of a subject within an hour. */
export interface Allowance {
  allowance: string
  limit: number
}

/** Whether a subject has been used at most so many times, for a statement of the write that counts it. */
export function withinAllowance(allowance = 'allowance', limit = 'limit'): RawBuilder<boolean> {
  const used = sql`(select used from allowances where subject = ${argument(allowance)})`
  return sql<boolean>`coalesce(${used}, 0) <= ${argument(limit)}`
}

export class Allowances {
  readonly #engine: Storage
  readonly #secrets: Secrets
  readonly #use: Statement
  readonly #useWithin: Statement
  readonly #forget: Statement

  constructor(engine: Storage, secrets: Secrets) {
    this.#engine = engine
    this.#secrets = secrets
    const { kysely } = engine.dialect
    const renewed = (inNextHour: RawBuilder<unknown>, inThisHour: RawBuilder<unknown>) =>
      sql`case when allowances.since < ${argument('stale')} then ${inNextHour} else ${inThisHour} end`
    const first = kysely.selectNoFrom([
      textArgument('subject').as('subject'),
      sql<number>`1`.as('used'),
      textArgument('now').as('since'),
    ])
    const counting = (from: typeof first) =>
      kysely
        .insertInto('allowances')
        .columns(['subject', 'used', 'since'])
        .expression(from)
        .onConflict((conflict) =>
          conflict.column('subject').doUpdateSet({
            used: renewed(sql`1`, sql`allowances.used + 1`),
            since: renewed(sql`excluded.since`, sql`allowances.since`),
          }),
        )
        .returning(['used', 'since'])
    // SQLite needs a `where` between `select` and `on conflict`.
    this.#use = statement('allowance', counting(first.where(sql<boolean>`1 = 1`)))
    this.#useWithin = statement('allowance within', counting(first.where(withinAllowance())))
    this.#forget = statement(
      'allowances forget',
      kysely.deleteFrom('allowances').where('since', '<', argument('before')),
    )
  }

  /** The name under which a subject's uses of this kind are counted. */
  subject(kind: string, of: string): string {
    return this.#secrets.mac(`allowance ${kind}`, of)
  }

  /** Counts a use. It holds up whoever counts for the same subject until this write is done. */
  use(subject: string): Command {
    return [this.#use, { subject, now: ago(0), stale: ago(hour) }]
  }

  /** Counts a use of `subject`, if another one that was counted before in the same write is within its limit. */
  useWithin({ allowance, limit }: Allowance, subject: string): Command {
    return [this.#useWithin, { subject, allowance, limit, now: ago(0), stale: ago(hour) }]
  }

  /** Counts a use. @throws {Problem} `rate-limited` when it is one too many. */
  async spend(subject: string, limit: number): Promise<void> {
    const written = (await this.#engine.write([this.use(subject)])) as [[{ used: number; since: string }]]
    const [{ used, since }] = written[0]
    if (used > limit) throw locked(Math.max(1, Date.parse(since) + hour - Date.now()))
  }

  /** Deletes what no longer counts. */
  forget(): Command {
    return [this.#forget, { before: ago(hour) }]
  }
}

function ago(milliseconds: number): string {
  return new Date(Date.now() - milliseconds).toISOString()
}
