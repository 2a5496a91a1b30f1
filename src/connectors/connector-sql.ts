/** What is kept of connectors, for both engines: since when each follows, and how its back-fill goes. */

import { sql } from 'kysely'
import type { Migration } from '../schemas/collection.ts'
import { argument, type Dialect, selected, statement } from '../storage/dialect.ts'
import type { Row, Statement } from '../storage/storage.ts'

/** Where each connector that is on, or was not long ago, follows from; moments are ISO 8601. */
export interface FollowingRow extends Row {
  name: string
  /** Sequence of the event behind which it follows. */
  after: number
  since: string
  /** When a process last said that it has it on. */
  seenAt: string
}

export type BackFillState = 'running' | 'done' | 'failed'

export interface BackFillRow extends Row {
  name: string
  /** Names the run: pages of an earlier one do nothing. */
  run: string
  state: BackFillState
  /** Id of the last user that was brought over. */
  position: number
  total: number
  done: number
  failed: number
  /** JSON: the last users that could not be brought over, and why. */
  failures: string
  /** Why the page that is next has failed. */
  error: string | null
  startedAt: string
  endedAt: string | null
}

const following = { name: 'name', after: 'follows_after', since: 'since', seenAt: 'seen_at' }
const backFill = {
  name: 'name',
  run: 'run',
  state: 'state',
  position: 'position',
  total: 'total',
  done: 'done',
  failed: 'failed',
  failures: 'failures',
  error: 'error',
  startedAt: 'started_at',
  endedAt: 'ended_at',
}

export const connectorMigrations: readonly Migration[] = [
  {
    id: 'connectors-1-create',
    up: ({ schema, text, integer }) => [
      schema
        .createTable('connectors')
        .addColumn('name', text, (column) => column.primaryKey())
        .addColumn('follows_after', integer, (column) => column.notNull())
        .addColumn('since', text, (column) => column.notNull())
        .addColumn('seen_at', text, (column) => column.notNull()),
      schema
        .createTable('connector_back_fills')
        .addColumn('name', text, (column) => column.primaryKey())
        .addColumn('run', text, (column) => column.notNull())
        .addColumn('state', text, (column) => column.notNull())
        .addColumn('position', integer, (column) => column.notNull())
        .addColumn('total', integer, (column) => column.notNull())
        .addColumn('done', integer, (column) => column.notNull())
        .addColumn('failed', integer, (column) => column.notNull())
        .addColumn('failures', text, (column) => column.notNull())
        .addColumn('error', text)
        .addColumn('started_at', text, (column) => column.notNull())
        .addColumn('ended_at', text),
    ],
  },
]

/** Rows that a count looks at: what waits may be millions. */
export const mostCounted = 10_000

export class ConnectorSql {
  readonly following: Statement
  /** Begins to follow, or says that it still does; one that nobody has had on since `before` begins anew. */
  readonly follow: Statement
  readonly backFill: Statement
  /** Nothing where one is running. */
  readonly start: Statement
  readonly advance: Statement
  readonly trouble: Statement
  /** Of a target and a state: how many, since when, and what the last failure was. */
  readonly counted: Record<'waiting' | 'dead', Statement>
  readonly lastError: Statement

  constructor({ kysely }: Dialect) {
    this.following = statement(
      'connectors following',
      kysely.selectFrom('connectors').select(selected(following)).where('seen_at', '>=', argument('before')),
    )
    const anew = (column: string) =>
      sql`case when connectors.seen_at < ${argument('before')} then excluded.${sql.ref(column)} else connectors.${sql.ref(column)} end`
    this.follow = statement(
      'connector follow',
      kysely
        .insertInto('connectors')
        .values({
          name: argument('name'),
          follows_after: argument('after'),
          since: argument('now'),
          seen_at: argument('now'),
        })
        .onConflict((conflict) =>
          conflict.column('name').doUpdateSet({
            follows_after: anew('follows_after'),
            since: anew('since'),
            seen_at: argument('now'),
          }),
        ),
    )
    const ofName = kysely.selectFrom('connector_back_fills').where('name', '=', argument('name'))
    this.backFill = statement('back-fill', ofName.select(selected(backFill)))
    const begun = {
      run: argument('run'),
      state: sql.lit('running'),
      total: argument('total'),
      started_at: argument('now'),
    }
    const empty = { position: 0, done: 0, failed: 0, failures: '[]', error: null, ended_at: null }
    this.start = statement(
      'back-fill start',
      kysely
        .insertInto('connector_back_fills')
        .values({ name: argument('name'), ...begun, ...empty })
        .onConflict((conflict) =>
          conflict
            .column('name')
            .doUpdateSet({ ...begun, ...empty })
            .where(sql.ref('connector_back_fills.state'), '<>', sql.lit('running')),
        ),
    )
    const running = kysely
      .updateTable('connector_back_fills')
      .where('name', '=', argument('name'))
      .where('run', '=', argument('run'))
      .where('state', '=', sql.lit('running'))
    this.advance = statement(
      'back-fill advance',
      running.where('position', '=', argument('from')).set({
        position: argument('to'),
        state: argument('state'),
        done: sql`done + ${argument('done')}`,
        failed: sql`failed + ${argument('failed')}`,
        failures: argument('failures'),
        error: null,
        ended_at: argument('endedAt'),
      }),
    )
    this.trouble = statement(
      'back-fill trouble',
      running.set({ error: argument('error'), state: argument('state'), ended_at: argument('endedAt') }),
    )
    const some = (state: string, order: string) =>
      kysely
        .selectFrom('deliveries')
        .select(['created_at', 'error', 'due'])
        .where('target', '=', argument('target'))
        .where('state', '=', sql.lit(state))
        .orderBy(order)
        .limit(sql.lit(mostCounted))
    const counted = (state: string, order: string) =>
      statement(
        `deliveries ${state} of a target`,
        kysely
          .selectFrom(some(state, order).as('some'))
          .select([sql`count(*)`.as('count'), sql`min(created_at)`.as('oldest')]),
      )
    this.counted = { waiting: counted('waiting', 'due'), dead: counted('dead', 'id') }
    this.lastError = statement(
      'deliveries error of a target',
      kysely
        .selectFrom(some('waiting', 'due').as('some'))
        .select('error')
        .where('error', 'is not', null)
        .orderBy('due', 'desc')
        .limit(sql.lit(1)),
    )
  }
}
