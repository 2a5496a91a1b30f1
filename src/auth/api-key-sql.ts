/** The table of API keys and its statements. */

import { type SelectQueryBuilder, sql } from 'kysely'
import type { Migration } from '../schemas/collection.ts'
import { argument, type Dialect, selected, statement, type Tables } from '../storage/dialect.ts'
import type { Statement } from '../storage/storage.ts'

/** A row as it is stored; moments are ISO 8601, scopes one text with spaces. */
export interface ApiKeyRow {
  id: string
  name: string
  mac: string
  previousMac: string | null
  previousUntil: string | null
  scopes: string
  userId: number | null
  createdBy: string
  createdAt: string
  expiresAt: string | null
  lastUsedAt: string | null
  revokedAt: string | null
}

const columns: Record<keyof ApiKeyRow, string> = {
  id: 'id',
  name: 'name',
  mac: 'mac',
  previousMac: 'previous_mac',
  previousUntil: 'previous_until',
  scopes: 'scopes',
  userId: 'user_id',
  createdBy: 'created_by',
  createdAt: 'created_at',
  expiresAt: 'expires_at',
  lastUsedAt: 'last_used_at',
  revokedAt: 'revoked_at',
}

export const apiKeyMigrations: readonly Migration[] = [
  {
    id: 'api_keys-1-create',
    up: ({ schema, text, integer }) => [
      schema
        .createTable('api_keys')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('name', text, (column) => column.notNull())
        .addColumn('mac', text, (column) => column.notNull())
        .addColumn('previous_mac', text)
        .addColumn('previous_until', text)
        .addColumn('scopes', text, (column) => column.notNull())
        .addColumn('user_id', integer, (column) => column.references('users.id').onDelete('cascade'))
        .addColumn('created_by', text, (column) => column.notNull())
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('expires_at', text)
        .addColumn('last_used_at', text)
        .addColumn('revoked_at', text),
      schema.createIndex('api_keys_user_id').on('api_keys').columns(['user_id', 'id']),
      schema.createIndex('api_keys_created_by').on('api_keys').columns(['created_by', 'id']),
    ],
  },
]

export class ApiKeySql {
  readonly get: Statement
  /** One key that the principal (`all`, `userId`, `by`) may see. */
  readonly visible: Statement
  /** Those that it may see, behind the id `after`; with `createdBy`, those of one maker. */
  readonly page: Statement
  /** Only while its user, or its maker where there is none, has fewer than `most` that are not revoked. */
  readonly insert: Statement
  readonly rename: Statement
  /** Only while the key still has the secret that it is to replace. */
  readonly rotate: Statement
  readonly revoke: Statement
  readonly revokeOfUser: Statement
  /** Never back to an older moment. */
  readonly use: Statement

  constructor({ kysely }: Dialect) {
    const select = () => kysely.selectFrom('api_keys').select(selected(columns))
    const visible = (query: SelectQueryBuilder<Tables, string, unknown>) =>
      query.where(
        sql<boolean>`(cast(${argument('all')} as integer) = 1 or user_id = ${argument('userId')} or created_by = ${argument('by')})`,
      )
    const update = (values: Record<string, unknown>) =>
      kysely.updateTable('api_keys').set(values).where('id', '=', argument('id'))

    this.get = statement('key', select().where('id', '=', argument('id')))
    this.visible = statement('key visible', visible(select()).where('id', '=', argument('id')))
    this.page = statement(
      'keys',
      visible(select())
        .where(sql<boolean>`(cast(${argument('createdBy')} as text) is null or created_by = ${argument('createdBy')})`)
        .where('id', '>', argument('after'))
        .orderBy('id')
        .limit(argument<number>('limit')),
    )
    const userId = sql`cast(${argument('userId')} as integer)`
    const counted = sql<boolean>`(user_id = ${userId} or (${userId} is null and created_by = ${argument('createdBy')}))`
    const good = kysely.selectFrom('api_keys').select(sql`count(*)`.as('good')).where('revoked_at', 'is', null)
    const values = Object.entries(columns).map(([property, column]) =>
      (property === 'userId' ? userId : argument(property)).as(column),
    )
    this.insert = statement(
      'key insert',
      kysely
        .insertInto('api_keys')
        .columns(Object.values(columns))
        .expression(kysely.selectNoFrom(values).where(good.where(counted), '<', argument('most'))),
    )
    this.rename = statement('key rename', update({ name: argument('name') }))
    this.rotate = statement(
      'key rotate',
      update({ mac: argument('mac'), previous_mac: argument('previousMac'), previous_until: argument('previousUntil') })
        .where('mac', '=', argument('previousMac'))
        .where('revoked_at', 'is', null),
    )
    this.revoke = statement('key revoke', update({ revoked_at: argument('now') }).where('revoked_at', 'is', null))
    this.revokeOfUser = statement(
      'keys revoke',
      kysely
        .updateTable('api_keys')
        .set({ revoked_at: argument('now') })
        .where('user_id', '=', argument('userId'))
        .where('revoked_at', 'is', null),
    )
    this.use = statement(
      'key use',
      update({ last_used_at: argument('now') }).where(
        sql<boolean>`(last_used_at is null or last_used_at < ${argument('now')})`,
      ),
    )
  }
}
