/** The events that were written, in an order that no reader can miss one in. */

import { sql } from 'kysely'
import { argument, type Dialect, selected, statement } from '../storage/dialect.ts'
import { runInPortions } from '../storage/portions.ts'
import type { Row, Statement, Storage } from '../storage/storage.ts'

/** An event as every wire carries it. */
export interface LoggedEvent {
  /** Grows by one with each event. */
  sequence: number
  /** Names it, on every wire and at each repeat. */
  eventId: string
  type: string
  subject: string
  /** The user whom it concerns, where others must not see it; 0 where that is nobody, and administrators alone may. */
  owner: number | null
  /** When it happened, ISO 8601. */
  time: string
  /** CloudEvents 1.0 in JSON. */
  text: string
}

/** Of how many events a reader may say that it has seen them. */
export interface Bounds {
  /** Everything behind this sequence is still kept. */
  oldest: number
  /** The sequence of the newest event; 0 when there has been none. */
  newest: number
}

/** Events deleted in one write. */
const forgottenAtOnce = 5000
/** At most as many events are given a sequence at once. */
const sequencedAtOnce = 5000

/**
 * One SQLite writer commits at a time, so that ids are in the order of commits, without a gap. PostgreSQL's commits
 * overtake each other: there a sequence is given after the commit, by one process at a time, to what all can see.
 */
export class EventLog {
  readonly #engine: Storage
  readonly #source: () => string
  readonly #sql: EventSql
  /** Sequence of the newest event that may be forgotten; to be set by who must have read what is. */
  mayForget: () => number = () => Number.MAX_SAFE_INTEGER

  /** `source`: URI of this server, for CloudEvents' attribute of that name. */
  constructor(engine: Storage, source: () => string) {
    this.#engine = engine
    this.#source = source
    this.#sql = new EventSql(engine.dialect)
  }

  /** Events behind a sequence, the oldest first. */
  async read(after: number, limit: number): Promise<LoggedEvent[]> {
    const rows = await this.#engine.all<EventRow>(this.#sql.read, { after, limit })
    const source = JSON.stringify(this.#source())
    return rows.map((row) => ({ ...row, text: render(row, source) }))
  }

  async bounds(): Promise<Bounds> {
    const row = await this.#engine.first<{ oldest: number | null; newest: number | null }>(this.#sql.bounds, {})
    const newest = row?.newest ?? 0
    return { oldest: row?.oldest == null ? newest : row.oldest - 1, newest }
  }

  /** Gives a sequence to what has none yet; whether there may be more. */
  async order(): Promise<boolean> {
    const { relay } = this.#sql
    if (relay === undefined || (await this.#engine.first(relay.waiting, {})) === undefined) return false
    const [, given = []] = await this.#engine.write([
      [relay.lock, {}],
      [relay.give, { limit: sequencedAtOnce }],
      [relay.advance, {}],
    ])
    return given.length === sequencedAtOnce
  }

  /** Deletes events of this age (ms). */
  async forgetAfter(age: number): Promise<void> {
    const before = new Date(Date.now() - age).toISOString()
    const args = () => ({ before, last: this.mayForget() })
    await runInPortions(this.#engine, this.#sql.forget, forgottenAtOnce, args)
  }
}

interface EventRow extends Row {
  sequence: number
  eventId: string
  type: string
  subject: string
  time: string
  data: string
  owner: number | null
}

/** CloudEvents 1.0.2 JSON format, with the extension `sequence`, whose texts sort as the events do. */
function render({ sequence, eventId, type, subject, time, data }: EventRow, source: string): string {
  const order = String(sequence).padStart(16, '0')
  return `{"specversion":"1.0","id":"${eventId}","source":${source},"type":"${type}","subject":${JSON.stringify(subject)},"time":"${time}","datacontenttype":"application/json","sequence":"${order}","data":${data}}`
}

const columns = { eventId: 'event_id', type: 'type', subject: 'subject', time: 'time', data: 'data', owner: 'owner' }

class EventSql {
  readonly read: Statement
  readonly bounds: Statement
  readonly forget: Statement
  readonly relay: { waiting: Statement; lock: Statement; give: Statement; advance: Statement } | undefined

  constructor({ name, kysely }: Dialect) {
    const relayed = name === 'postgres'
    const order = relayed ? 'sequence' : 'id'
    const events = kysely.selectFrom('events')
    this.read = statement(
      'events',
      events
        .select([...selected(columns), sql.ref(order).as('sequence')])
        .where(order, '>', argument('after'))
        .orderBy(order)
        .limit(argument<number>('limit')),
    )
    const newest = relayed
      ? sql`(select last from event_sequence)`
      : sql`(select seq from sqlite_sequence where name = 'events')`
    const oldest = sql`(select min(${sql.ref(order)}) from events)`
    this.bounds = statement('event bounds', kysely.selectNoFrom([oldest.as('oldest'), newest.as('newest')]))
    const youngest = sql`(select id from events where time >= ${argument('before')} order by id limit 1)`
    const old = events
      .select('id')
      .where('id', '<', sql<number>`coalesce(${youngest}, 9007199254740991)`)
      .where(order, '<=', argument('last'))
      .orderBy('id')
      .limit(argument<number>('limit'))
    this.forget = statement('events forget', kysely.deleteFrom('events').where('id', 'in', old).returning('id'))
    if (relayed) this.relay = relayOf(kysely)
  }
}

/** The lock of the only row of `event_sequence` lets one process give sequences at a time. */
function relayOf(kysely: Dialect['kysely']): NonNullable<EventSql['relay']> {
  const compiled = (label: string, text: ReturnType<typeof sql>) =>
    statement(label, { compile: () => text.compile(kysely) })
  const fresh = sql`select id, row_number() over (order by id) as place from events where sequence is null order by id limit ${argument('limit')}`
  return {
    waiting: compiled('events unsequenced', sql`select 1 as waiting from events where sequence is null limit 1`),
    lock: compiled('event sequence lock', sql`update event_sequence set last = last`),
    give: compiled(
      'events sequence',
      sql`update events set sequence = event_sequence.last + fresh.place from (${fresh}) as fresh, event_sequence where events.id = fresh.id returning 1 as given`,
    ),
    advance: compiled(
      'event sequence advance',
      sql`update event_sequence set last = greatest(last, coalesce((select max(sequence) from events), 0))`,
    ),
  }
}
