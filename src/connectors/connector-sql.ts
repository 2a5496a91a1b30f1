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
  /** Those that it follows, in one text with spaces: a process that does not know the connector writes for it too. */
  types: string
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

const following = { name: 'name', after: 'follows_after', since: 'since', types: 'types', seenAt: 'seen_at' }
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
        .addColumn('types', text, (column) => column.notNull())
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
  /** Begins to follow, or goes on where it was. */
  readonly follow: Statement
  readonly seen: Statement
  readonly backFill: Statement
  /** Nothing where one is running, and something still waits for it. */
  readonly start: Statement
  readonly advance: Statement
  readonly trouble: Statement
  /** Gives up some of what waits for a target. */
  readonly giveUp: Statement
  /** Of a target and a state: how many, since when, and what the last failure was. */
  readonly counted: Record<'waiting' | 'dead', Statement>
  readonly lastError: Record<'waiting' | 'dead', Statement>

  constructor({ kysely }: Dialect) {
    this.following = statement('connectors following', kysely.selectFrom('connectors').select(selected(following)))
    const now = { types: argument('types'), seen_at: argument('now') }
    this.follow = statement(
      'connector follow',
      kysely
        .insertInto('connectors')
        .values({ name: argument('name'), follows_after: argument('after'), since: argument('now'), ...now })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(now)),
    )
    this.seen = statement(
      'connector seen',
      kysely
        .updateTable('connectors')
        .set({ seen_at: argument('now') })
        .where('name', '=', argument('name')),
    )
    const ofName = kysely.selectFrom('connector_back_fills').where('name', '=', argument('name'))
    this.backFill = statement('back-fill', ofName.select(selected(backFill)))
    const begun = {
      ...{ run: argument('run'), state: sql.lit('running'), total: argument('total'), started_at: argument('now') },
      ...{ position: argument('position'), done: argument('done'), failed: argument('failed') },
      ...{ failures: argument('failures'), error: null, ended_at: null },
    }
    // Whose last page was given up without a word is over, whatever its row says.
    const isOver = sql<boolean>`(connector_back_fills.state <> 'running' or not exists
      (select 1 from deliveries where target = ${argument('target')} and state = 'waiting'))`
    this.start = statement(
      'back-fill start',
      kysely
        .insertInto('connector_back_fills')
        .values({ name: argument('name'), ...begun })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(begun).where(isOver)),
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
      running
        .where('position', '=', argument('from'))
        .set({ error: argument('error'), state: argument('state'), ended_at: argument('endedAt') }),
    )
    const waiting = kysely
      .selectFrom('deliveries')
      .select('id')
      .where('target', '=', argument('target'))
      .where('state', '=', sql.lit('waiting'))
      .limit(argument<number>('limit'))
    this.giveUp = statement(
      'deliveries give up',
      kysely
        .updateTable('deliveries')
        .set({
          state: sql.lit('dead'),
          lease: null,
          error: sql.lit('The connector is off'),
          settled_at: argument('now'),
        })
        .where('id', 'in', waiting)
        .where('state', '=', sql.lit('waiting'))
        .returning('id'),
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
    this.lastError = {
      waiting: statement(
        'deliveries error of a target',
        kysely
          .selectFrom(some('waiting', 'due').as('some'))
          .select('error')
          .where('error', 'is not', null)
          .orderBy('due', 'desc')
          .limit(sql.lit(1)),
      ),
      dead: statement(
        'deliveries dead error of a target',
        kysely
          .selectFrom('deliveries')
          .select('error')
          .where('target', '=', argument('target'))
          .where('state', '=', sql.lit('dead'))
          .where('error', 'is not', null)
          .orderBy('id', 'desc')
          .limit(sql.lit(1)),
      ),
    }
  }
}
