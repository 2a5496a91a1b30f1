/** The table of OAuth clients and its statements. */

import { sql } from 'kysely'
import type { Migration } from '../../schemas/collection.ts'
import { argument, type Dialect, selected, statement } from '../../storage/dialect.ts'
import type { Statement } from '../../storage/storage.ts'

/** A row as it is stored; moments are ISO 8601, lists one text with spaces, addresses JSON. */
export interface ClientRow {
  id: string
  name: string
  clientType: 'confidential' | 'public'
  /** Null for a public client. */
  mac: string | null
  previousMac: string | null
  previousUntil: string | null
  redirectUris: string
  grantTypes: string
  scopes: string
  createdBy: string
  createdAt: string
}

const columns: Record<keyof ClientRow, string> = {
  id: 'id',
  name: 'name',
  clientType: 'client_type',
  mac: 'mac',
  previousMac: 'previous_mac',
  previousUntil: 'previous_until',
  redirectUris: 'redirect_uris',
  grantTypes: 'grant_types',
  scopes: 'scopes',
  createdBy: 'created_by',
  createdAt: 'created_at',
}

export const clientMigrations: readonly Migration[] = [
  {
    id: 'oauth_clients-1-create',
    up: ({ schema, text }) => [
      schema
        .createTable('oauth_clients')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('name', text, (column) => column.notNull())
        .addColumn('client_type', text, (column) => column.notNull())
        .addColumn('mac', text)
        .addColumn('previous_mac', text)
        .addColumn('previous_until', text)
        .addColumn('redirect_uris', text, (column) => column.notNull())
        .addColumn('grant_types', text, (column) => column.notNull())
        .addColumn('scopes', text, (column) => column.notNull())
        .addColumn('created_by', text, (column) => column.notNull())
        .addColumn('created_at', text, (column) => column.notNull()),
    ],
  },
]

export class ClientSql {
  readonly get: Statement
  /** Those behind the id `after`; with `createdBy`, those of one maker. */
  readonly page: Statement
  readonly insert: Statement
  /** Only while the client still has the secret that it is to replace. */
  readonly rotate: Statement
  readonly remove: Statement

  constructor({ kysely }: Dialect) {
    const select = () => kysely.selectFrom('oauth_clients').select(selected(columns))
    this.get = statement('oauth client', select().where('id', '=', argument('id')))
    this.page = statement(
      'oauth clients',
      select()
        .where(sql<boolean>`(cast(${argument('createdBy')} as text) is null or created_by = ${argument('createdBy')})`)
        .where('id', '>', argument('after'))
        .orderBy('id')
        .limit(argument<number>('limit')),
    )
    const values = Object.entries(columns).map(([property, column]) => [column, argument(property)])
    this.insert = statement(
      'oauth client insert',
      kysely.insertInto('oauth_clients').values(Object.fromEntries(values)),
    )
    this.rotate = statement(
      'oauth client rotate',
      kysely
        .updateTable('oauth_clients')
        .set({
          mac: argument('mac'),
          previous_mac: argument('previousMac'),
          previous_until: argument('previousUntil'),
        })
        .where('id', '=', argument('id'))
        .where('mac', '=', argument('previousMac')),
    )
    this.remove = statement('oauth client remove', kysely.deleteFrom('oauth_clients').where('id', '=', argument('id')))
  }
}
