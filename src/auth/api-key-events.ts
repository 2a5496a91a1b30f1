/** What happens to API keys, as events: of a user's keys it hears itself, of those of nobody administrators alone. */

import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { EventType } from '../schemas/event.ts'
import { Key } from '../schemas/key.ts'
import { argument, type Dialect, statement, textArgument } from '../storage/dialect.ts'
import { columnOf } from '../storage/outbox.ts'
import type { Command, Statement } from '../storage/storage.ts'

const seenBy = { data: Key, scope: 'keys:read' }

export const keyEvents = {
  created: { type: 'key.created', description: 'An API key was made.', ...seenBy },
  renamed: { type: 'key.renamed', description: 'An API key was renamed; as it is now.', ...seenBy },
  rotated: { type: 'key.rotated', description: 'An API key was given a new secret; as it is now.', ...seenBy },
  revoked: { type: 'key.revoked', description: 'An API key was revoked; as it is now.', ...seenBy },
} as const satisfies Record<string, EventType>

type Happening = keyof typeof keyEvents

/** The owner of what nobody owns, who is no user: 0. */
const nobody = sql.lit(0)

export class KeyEmissions {
  readonly #statements: Readonly<Record<Happening | 'allRevoked', Statement>>

  constructor(dialect: Dialect) {
    const of = (happening: Happening, all = false) => emissionOf(dialect, keyEvents[happening], all)
    this.#statements = {
      created: of('created'),
      renamed: of('renamed'),
      rotated: of('rotated'),
      revoked: of('revoked'),
      allRevoked: of('revoked', true),
    }
  }

  /** Tells what has happened to a key, behind the command that has done it. */
  told(happening: Happening, id: string): Command {
    return [this.#statements[happening], { id, eventId: randomUUID(), now: new Date().toISOString() }]
  }

  /** Tells of all keys of a user that were revoked at this moment, ISO 8601. */
  toldOfAll(userId: number, now: string): Command {
    return [this.#statements.allRevoked, { userId, now, eventId: randomUUID() }]
  }
}

/** Of a key by its `id`; or of those of the user `userId` that were revoked `now`, whose events have its id too. */
function emissionOf(dialect: Dialect, { type, data }: EventType, all: boolean): Statement {
  const { scopes: _, ...others } = data.properties
  const shown = dialect.json(Object.fromEntries(Object.keys(others).map((property) => [property, columnOf(property)])))
  // Scopes are words without quotes, kept as one text.
  const scopes = sql`',"scopes":["' || replace(scopes, ' ', '","') || '"]}'`
  const eventId = textArgument('eventId')
  const { kysely } = dialect
  const rows = kysely
    .selectFrom('api_keys')
    .select([
      (all ? sql`${eventId} || '-' || id` : eventId).as('event_id'),
      sql.lit(type).as('type'),
      sql`'/keys/' || id`.as('subject'),
      textArgument('now').as('time'),
      sql`rtrim(${shown}, '}') || ${scopes}`.as('data'),
      sql`coalesce(user_id, ${nobody})`.as('owner'),
    ])
  const chosen = all
    ? rows.where('user_id', '=', argument('userId')).where('revoked_at', '=', argument('now'))
    : rows.where('id', '=', argument('id'))
  const columns = ['event_id', 'type', 'subject', 'time', 'data', 'owner']
  return { ...statement(`emit ${type}`, kysely.insertInto('events').columns(columns).expression(chosen)), emits: true }
}
