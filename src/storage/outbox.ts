/** What a change tells, as a command of the write that makes the change: nobody hears of what was not kept. */

import { randomUUID } from 'node:crypto'
import { type AliasedExpression, type RawBuilder, sql } from 'kysely'
import type { EventType } from '../schemas/event.ts'
import { argument, type Dialect, statement, type Tables, textArgument } from './dialect.ts'
import type { Command, Statement } from './storage.ts'

const columns = ['event_id', 'type', 'subject', 'time', 'data', 'owner']

/** A statement whose write wakes those who watch. */
type Emitting = Statement & { readonly emits: true }

/**
 * Emits an event about one row: the one that the write has just made, or the one with the `id` of the arguments.
 * `owner`: the user whom it concerns, as SQL over the row, where others must not see it. `rows`: a query in place of the table.
 */
export function emission(
  dialect: Dialect,
  table: string,
  path: string,
  event: EventType,
  which: 'last' | 'given',
  owner: RawBuilder<number | null> = sql`cast(null as integer)`,
  rows: AliasedExpression<Tables, string> = sql.table(table).as(table),
): Emitting {
  const { kysely } = dialect
  const properties = Object.keys(event.data.properties)
  const row = kysely
    .selectFrom(rows)
    .select([
      textArgument('eventId').as('event_id'),
      sql.lit(event.type).as('type'),
      sql`${sql.lit(`${path}/`)} || id`.as('subject'),
      textArgument('now').as('time'),
      dialect.json(Object.fromEntries(properties.map((property) => [property, columnOf(property)]))).as('data'),
      owner.as('owner'),
    ])
    .where('id', '=', which === 'last' ? dialect.lastId(table) : argument('id'))
  return {
    ...statement(`emit ${event.type}`, kysely.insertInto('events').columns(columns).expression(row)),
    emits: true,
  }
}

/** Arguments that an emission needs beside those that name its row. */
export function emitted(now: string): { eventId: string; now: string } {
  return { eventId: randomUUID(), now }
}

/** `createdAt` → `created_at` */
export function columnOf(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Whether a write has something to tell. */
export function emits(commands: readonly Command[]): boolean {
  return commands.some(([{ emits }]) => emits)
}
