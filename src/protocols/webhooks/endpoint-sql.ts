/** The table of WebHook endpoints and its statements. */

import { type SelectQueryBuilder, sql } from 'kysely'
import type { EventFilter } from '../../events/events.ts'
import type { Migration } from '../../schemas/collection.ts'
import { argument, type Dialect, selected, statement, type Tables } from '../../storage/dialect.ts'
import type { Row, Statement } from '../../storage/storage.ts'
import type { Signing } from './signature.ts'

export type DisabledReason = 'owner' | 'gone' | 'failing'

/** A row as it is stored; moments are ISO 8601, lists one text with spaces, secrets sealed. */
export interface EndpointRow extends Row {
  id: number
  url: string
  description: string
  /** Types of events, or with `.*` behind them; `*` for all. */
  types: string
  signing: Signing
  secret: string
  previousSecret: string | null
  previousUntil: string | null
  /** What its creator could see when it was made. */
  scopes: string
  userId: number | null
  createdBy: string
  createdAt: string
  updatedAt: string
  /** Sequence of the event behind which it follows. */
  after: number
  disabledAt: string | null
  disabledReason: DisabledReason | null
  /** Of the first of the failures that no success has followed. */
  failingSince: string | null
}

const columns = {
  id: 'id',
  url: 'url',
  description: 'description',
  types: 'types',
  signing: 'signing',
  secret: 'secret',
  previousSecret: 'previous_secret',
  previousUntil: 'previous_until',
  scopes: 'scopes',
  userId: 'user_id',
  createdBy: 'created_by',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  after: 'follows_after',
  disabledAt: 'disabled_at',
  disabledReason: 'disabled_reason',
  failingSince: 'failing_since',
}

/** Among the types of an endpoint: all of them. */
export const everyType = '*'

/** The types of an endpoint, as events are asked for. */
export function filterOf(types: readonly string[]): EventFilter {
  return types.includes(everyType) ? {} : { types }
}

export const endpointTable = 'webhook_endpoints'

/** Who may hear of what happens to an endpoint; of one without a user, administrators alone: there is no user 0. */
export const ownerOfEndpoint = sql<number>`coalesce(user_id, 0)`

export const endpointMigrations: readonly Migration[] = [
  {
    id: 'webhook_endpoints-1-create',
    up: ({ schema, createNumbered, text, integer }) => [
      createNumbered(endpointTable)
        .addColumn('url', text, (column) => column.notNull())
        .addColumn('description', text, (column) => column.notNull())
        .addColumn('types', text, (column) => column.notNull())
        .addColumn('signing', text, (column) => column.notNull())
        .addColumn('secret', text, (column) => column.notNull())
        .addColumn('previous_secret', text)
        .addColumn('previous_until', text)
        .addColumn('scopes', text, (column) => column.notNull())
        .addColumn('user_id', integer, (column) => column.references('users.id').onDelete('cascade'))
        .addColumn('created_by', text, (column) => column.notNull())
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('updated_at', text, (column) => column.notNull())
        .addColumn('follows_after', integer, (column) => column.notNull())
        .addColumn('disabled_at', text)
        .addColumn('disabled_reason', text)
        .addColumn('failing_since', text),
      schema.createIndex('webhook_endpoints_user').on(endpointTable).columns(['user_id', 'id']),
      schema.createIndex('webhook_endpoints_maker').on(endpointTable).columns(['created_by', 'id']),
    ],
  },
]

export class EndpointSql {
  readonly get: Statement
  /** One that the principal (`all`, `userId`, `by`) may see. */
  readonly visible: Statement
  /** Those that it may see, behind the id `after`. */
  readonly page: Statement
  /** Those that are not disabled. */
  readonly open: Statement
  readonly disabled: Statement
  /** Only while its user, or its maker where there is none, has fewer than `most`. */
  readonly insert: Statement
  /** Only while the row is as it was read. */
  readonly update: Statement
  readonly rotate: Statement
  readonly disable: Statement
  readonly failing: Statement
  readonly recovered: Statement
  readonly remove: Statement

  constructor(dialect: Dialect) {
    const { kysely } = dialect
    const select = () => kysely.selectFrom(endpointTable).select(selected(columns))
    const visible = (query: SelectQueryBuilder<Tables, string, unknown>) =>
      query.where(
        sql<boolean>`(cast(${argument('all')} as integer) = 1 or user_id = ${argument('userId')} or created_by = ${argument('by')})`,
      )
    const update = (values: Record<string, unknown>) =>
      kysely.updateTable(endpointTable).set(values).where('id', '=', argument('id'))
    this.get = statement('endpoint', select().where('id', '=', argument('id')))
    this.visible = statement('endpoint visible', visible(select()).where('id', '=', argument('id')))
    this.page = statement(
      'endpoints',
      visible(select()).where('id', '>', argument('after')).orderBy('id').limit(argument<number>('limit')),
    )
    this.open = statement('endpoints open', select().where('disabled_at', 'is', null).orderBy('id'))
    this.disabled = statement(
      'endpoints disabled',
      kysely.selectFrom(endpointTable).select('id').where('disabled_at', 'is not', null),
    )
    const userId = sql`cast(${argument('userId')} as bigint)`
    const values = Object.entries(columns).flatMap(([property, column]) => {
      if (property === 'id') return []
      const value =
        property === 'userId'
          ? userId
          : property === 'after'
            ? sql`cast(${argument('after')} as bigint)`
            : sql`cast(${argument(property)} as text)`
      return [value.as(column)]
    })
    const { id: _id, ...inserted } = columns
    const others = kysely
      .selectFrom(endpointTable)
      .select(sql`count(*)`.as('others'))
      .where(sql<boolean>`(user_id = ${userId} or (${userId} is null and created_by = ${argument('createdBy')}))`)
    this.insert = statement(
      'endpoint insert',
      kysely
        .insertInto(endpointTable)
        .columns(Object.values(inserted))
        .expression(kysely.selectNoFrom(values).where(others, '<', argument('most')))
        .returning('id'),
    )
    this.update = statement(
      'endpoint update',
      update({
        url: argument('url'),
        description: argument('description'),
        types: argument('types'),
        follows_after: argument('after'),
        disabled_at: argument('disabledAt'),
        disabled_reason: argument('disabledReason'),
        failing_since: argument('failingSince'),
        updated_at: argument('updatedAt'),
      }).where('updated_at', '=', argument('before')),
    )
    this.rotate = statement(
      'endpoint rotate',
      update({
        secret: argument('secret'),
        previous_secret: argument('previousSecret'),
        previous_until: argument('previousUntil'),
        updated_at: argument('updatedAt'),
      }).where('secret', '=', argument('previousSecret')),
    )
    this.disable = statement(
      'endpoint disable',
      update({
        disabled_at: argument('now'),
        disabled_reason: argument('reason'),
        updated_at: argument('now'),
      }).where('disabled_at', 'is', null),
    )
    this.failing = statement(
      'endpoint failing',
      update({ failing_since: argument('now') }).where('failing_since', 'is', null),
    )
    this.recovered = statement('endpoint recovered', update({ failing_since: null }))
    this.remove = statement('endpoint remove', kysely.deleteFrom(endpointTable).where('id', '=', argument('id')))
  }
}
