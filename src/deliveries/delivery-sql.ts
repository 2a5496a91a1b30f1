/** The statements of deliveries, for both engines. */

import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { argument, type Dialect, selected, statement, textArgument } from '../storage/dialect.ts'
import type { Row, Statement } from '../storage/storage.ts'
import type { DeliveryState, Outcome } from './delivery.ts'

/** A row as it is stored; moments are ISO 8601 but `due`, which is in ms. */
export interface DeliveryRow extends Row {
  id: number
  target: string
  eventId: string
  type: string
  state: DeliveryState
  due: number
  tries: number
  attempts: number
  status: number | null
  error: string | null
  createdAt: string
  settledAt: string | null
}

/** What a claim gives. */
export interface ClaimedRow extends Row {
  id: number
  eventId: string
  type: string
  owner: number | null
  body: string
  tries: number
  createdAt: string
}

export interface AttemptRow extends Row {
  at: string
  duration: number
  outcome: Exclude<Outcome['as'], 'held'>
  status: number | null
  error: string | null
  excerpt: string | null
}

const columns: Record<Exclude<keyof DeliveryRow, number>, string> = {
  id: 'id',
  target: 'target',
  eventId: 'event_id',
  type: 'type',
  state: 'state',
  due: 'due',
  tries: 'tries',
  attempts: 'attempts',
  status: 'status',
  error: 'error',
  createdAt: 'created_at',
  settledAt: 'settled_at',
}

const claimed = {
  id: 'id',
  eventId: 'event_id',
  type: 'type',
  owner: 'owner',
  body: 'body',
  tries: 'tries',
  createdAt: 'created_at',
}
const attemptColumns = ['at', 'duration', 'outcome', 'status', 'error', 'excerpt']

const integerArgument = (name: string) => sql<number>`cast(${argument(name)} as bigint)`
const isState = (state: DeliveryState) => sql<boolean>`state = ${sql.lit(state)}`

export class DeliverySql {
  /** How far the log has been read for targets. */
  readonly position: Statement
  readonly advance: Statement
  /** Nothing where the target has the event already. */
  readonly insert: Statement
  /** As {@link insert}; what was settled before waits again. */
  readonly replay: Statement
  readonly replayOne: Statement
  /** Targets that deliveries wait for, and when each has the next one due. */
  readonly due: Statement
  /** Takes what is due of one target for a time. */
  readonly claim: Statement
  readonly settle: Statement
  readonly record: Statement
  readonly release: Statement
  readonly get: Statement
  readonly ofEvent: Statement
  readonly attempts: Statement
  /** Of one target, the newest first, by state or whatever it is. */
  readonly pages: Record<DeliveryState | 'any', Statement>
  readonly backlog: Statement
  readonly drop: Statement
  readonly forget: Statement

  constructor(dialect: Dialect) {
    const { kysely, name } = dialect
    const compiled = (label: string, text: RawBuilder<unknown>) =>
      statement(label, { compile: () => text.compile(kysely) })
    const rows = () => kysely.selectFrom('deliveries')
    const leased = (values: Record<string, unknown>) =>
      kysely
        .updateTable('deliveries')
        .set({ ...values, lease: null })
        .where('id', '=', argument('id'))
        .where('lease', '=', argument('lease'))
        .where(isState('waiting'))
    this.position = statement('delivery position', kysely.selectFrom('delivery_position').select('last'))
    this.advance = statement(
      'delivery position advance',
      kysely
        .updateTable('delivery_position')
        .set({ last: argument('to') })
        .where('last', '=', argument('from')),
    )
    const insert = kysely.insertInto('deliveries').values({
      target: argument('target'),
      event_id: argument('eventId'),
      type: argument('type'),
      owner: argument('owner'),
      body: argument('body'),
      state: sql.lit('waiting'),
      due: argument('due'),
      tries: 0,
      attempts: 0,
      created_at: argument('now'),
    })
    const again = { state: 'waiting', due: argument('due'), lease: null, tries: 0, settled_at: null }
    this.insert = statement(
      'delivery insert',
      insert.onConflict((conflict) => conflict.columns(['target', 'event_id']).doNothing()),
    )
    this.replay = statement(
      'delivery replay',
      insert.onConflict((conflict) =>
        conflict
          .columns(['target', 'event_id'])
          .doUpdateSet(again)
          .where(sql.ref<string>('deliveries.state'), '<>', sql.lit('waiting')),
      ),
    )
    this.replayOne = statement(
      'delivery replay one',
      kysely
        .updateTable('deliveries')
        .set(again)
        .where('id', '=', argument('id'))
        .where(sql<boolean>`(lease is null or not ${isState('waiting')})`),
    )
    this.due = compiled('deliveries due', dueByTarget)
    this.claim = compiled('deliveries claim', claimOf(name))
    this.settle = statement(
      'delivery settle',
      leased({
        state: argument('state'),
        due: argument('due'),
        tries: sql`tries + 1`,
        attempts: sql`attempts + 1`,
        status: argument('status'),
        error: argument('error'),
        settled_at: argument('settledAt'),
      }),
    )
    this.release = statement('delivery release', leased({ due: argument('due') }))
    const attempt = [
      'id',
      ...['at', 'outcome', 'error', 'excerpt'].map((each) => textArgument(each).as(each)),
      ...['duration', 'status'].map((each) => integerArgument(each).as(each)),
    ]
    this.record = statement(
      'delivery attempt',
      kysely
        .insertInto('delivery_attempts')
        .columns(['delivery_id', 'at', 'outcome', 'error', 'excerpt', 'duration', 'status'])
        .expression(rows().select(attempt).where('id', '=', argument('id'))),
    )
    this.get = statement('delivery', rows().select(selected(columns)).where('id', '=', argument('id')))
    this.ofEvent = statement(
      'delivery of event',
      rows()
        .select(selected(columns))
        .where('target', '=', argument('target'))
        .where('event_id', '=', argument('eventId')),
    )
    this.attempts = statement(
      'delivery attempts',
      kysely
        .selectFrom('delivery_attempts')
        .select(attemptColumns)
        .where('delivery_id', '=', argument('id'))
        .orderBy('id'),
    )
    const page = (condition: RawBuilder<boolean>) =>
      statement(
        'deliveries',
        rows()
          .select(selected(columns))
          .where('target', '=', argument('target'))
          .where('id', '<', argument('before'))
          .where(condition)
          .orderBy('id', 'desc')
          .limit(argument<number>('limit')),
      )
    this.pages = {
      any: page(sql`1 = 1`),
      waiting: page(isState('waiting')),
      delivered: page(isState('delivered')),
      dead: page(isState('dead')),
    }
    this.backlog = statement(
      'deliveries waiting',
      rows()
        .select([sql`count(*)`.as('waiting'), sql`min(created_at)`.as('oldest')])
        .where(isState('waiting')),
    )
    const some = rows().select('id').where('target', '=', argument('target')).limit(argument<number>('limit'))
    this.drop = statement('deliveries drop', kysely.deleteFrom('deliveries').where('id', 'in', some).returning('id'))
    const youngest = sql<number>`(select id from deliveries where created_at >= ${argument('before')} order by id limit 1)`
    const old = rows()
      .select('id')
      .where('id', '<', sql<number>`coalesce(${youngest}, 9007199254740991)`)
      .where(sql<SqlBool>`not ${isState('waiting')}`)
      .orderBy('id')
      .limit(argument<number>('limit'))
    this.forget = statement('deliveries forget', kysely.deleteFrom('deliveries').where('id', 'in', old).returning('id'))
  }
}

/** One step of an index for each target, however many deliveries it has. */
const dueByTarget = sql`with recursive waiting (target) as (
  select min(target) from deliveries where ${isState('waiting')}
  union all
  select (select min(target) from deliveries where ${isState('waiting')} and target > waiting.target)
  from waiting where waiting.target is not null
)
select target, (select min(due) from deliveries where ${isState('waiting')} and deliveries.target = waiting.target) as due
from waiting where target is not null`

/**
 * The subquery is computed once (materialized), and the update looks again at what it found: of two processes that
 * find the same rows, one gets each.
 */
function claimOf(engine: Dialect['name']): RawBuilder<unknown> {
  const isDue = sql`${isState('waiting')} and due <= ${argument('now')}`
  const given = Object.entries(claimed).map(([property, column]) => sql`${sql.ref(column)} as ${sql.ref(property)}`)
  const lock = engine === 'postgres' ? sql`for update skip locked` : sql``
  return sql`with found as materialized (
  select id from deliveries where target = ${argument('target')} and ${isDue} order by due limit ${argument('limit')} ${lock}
)
update deliveries set lease = ${argument('lease')}, due = ${argument('until')}
where id in (select id from found) and ${isDue}
returning ${sql.join(given)}`
}
