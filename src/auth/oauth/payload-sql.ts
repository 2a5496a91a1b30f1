/** The table of what the authorization server keeps besides its clients, and every statement over it. */

import { sql } from 'kysely'
import type { Migration } from '../../schemas/collection.ts'
import { argument, type Dialect, statement } from '../../storage/dialect.ts'
import type { Statement } from '../../storage/storage.ts'

/**
 * Ids are bearer tokens, codes and cookies: only their hashes are kept. A grant takes with it what was given for it, a
 * client or a user everything.
 */
export const payloadMigrations: readonly Migration[] = [
  {
    id: 'oauth_payloads-1-create',
    up: ({ schema, text, integer }) => [
      schema
        .createTable('oauth_payloads')
        .addColumn('id_hash', text, (column) => column.notNull())
        .addColumn('model', text, (column) => column.notNull())
        .addColumn('sealed', text, (column) => column.notNull())
        .addColumn('grant_hash', text)
        .addColumn('uid_hash', text)
        .addColumn('client_id', text, (column) => column.references('oauth_clients.id').onDelete('cascade'))
        .addColumn('user_id', integer, (column) => column.references('users.id').onDelete('cascade'))
        .addColumn('consumed_at', text)
        .addColumn('expires_at', text, (column) => column.notNull())
        .addPrimaryKeyConstraint('oauth_payloads_id_hash_unique', ['id_hash']),
      schema.createIndex('oauth_payloads_grant_hash').on('oauth_payloads').column('grant_hash'),
      schema.createIndex('oauth_payloads_uid_hash').on('oauth_payloads').column('uid_hash'),
      schema.createIndex('oauth_payloads_client_id').on('oauth_payloads').column('client_id'),
      schema.createIndex('oauth_payloads_user_id').on('oauth_payloads').column('user_id'),
      schema.createIndex('oauth_payloads_expires_at').on('oauth_payloads').column('expires_at'),
    ],
  },
]

/** A row as it is stored; moments are ISO 8601. */
export interface PayloadRow {
  idHash: string
  sealed: string
  grantHash: string | null
  consumedAt: string | null
}

export class PayloadSql {
  readonly upsert: Statement
  readonly insert: Statement
  /** Saves a grant again, if it has not ended. */
  readonly renewGrant: Statement
  readonly find: Statement
  readonly findByUid: Statement
  /** An access token that has not expired, and whose grant, where it has one, is in force. */
  readonly findAccess: Statement
  /** Only what was not consumed before. */
  readonly consume: Statement
  readonly remove: Statement
  readonly removeOfGrant: Statement
  readonly removeAllOfGrant: Statement
  readonly removeOfUser: Statement
  /** What a user has consented to, and that is in force. */
  readonly grantsOfUser: Statement
  readonly removeGrantOfUser: Statement
  /** Everything that a client was given for a user. */
  readonly removeOfUserAndClient: Statement
  readonly forgetExpired: Statement

  constructor({ kysely }: Dialect) {
    const columns = ['id_hash as idHash', 'sealed', 'grant_hash as grantHash', 'consumed_at as consumedAt'] as const
    const ofModel = kysely.selectFrom('oauth_payloads').select(columns).where('model', '=', argument('model'))
    const changing = {
      sealed: argument('sealed'),
      grant_hash: argument('grantHash'),
      uid_hash: argument('uidHash'),
      client_id: argument('clientId'),
      user_id: argument('userId'),
      expires_at: argument('expiresAt'),
    }
    const insertion = kysely
      .insertInto('oauth_payloads')
      .values({ id_hash: argument('idHash'), model: argument('model'), ...changing })
    this.insert = statement('oauth insert', insertion)
    this.upsert = statement(
      'oauth upsert',
      insertion.onConflict((conflict) =>
        conflict
          .column('id_hash')
          .doUpdateSet((row) =>
            Object.fromEntries(Object.keys(changing).map((name) => [name, row.ref(`excluded.${name}`)])),
          ),
      ),
    )
    this.renewGrant = statement(
      'oauth renew grant',
      kysely
        .updateTable('oauth_payloads')
        .set(changing)
        .where('model', '=', argument('model'))
        .where('id_hash', '=', argument('idHash')),
    )
    this.find = statement('oauth find', ofModel.where('id_hash', '=', argument('idHash')))
    this.findByUid = statement('oauth find by uid', ofModel.where('uid_hash', '=', argument('uidHash')))
    this.findAccess = statement(
      'oauth access',
      kysely
        .selectFrom('oauth_payloads as token')
        .leftJoin('oauth_payloads as granted', (join) =>
          join.onRef('granted.id_hash', '=', 'token.grant_hash').on('granted.model', '=', 'Grant'),
        )
        .select(['token.id_hash as idHash', 'token.sealed', 'token.grant_hash as grantHash'])
        .where('token.id_hash', '=', argument('idHash'))
        .where('token.model', 'in', ['AccessToken', 'ClientCredentials'])
        .where('token.expires_at', '>', argument('now'))
        .where((where) =>
          where.or([where('token.grant_hash', 'is', null), where('granted.expires_at', '>', argument<string>('now'))]),
        ),
    )
    this.consume = statement(
      'oauth consume',
      kysely
        .updateTable('oauth_payloads')
        .set({ consumed_at: argument('now') })
        .where('id_hash', '=', argument('idHash'))
        .where('consumed_at', 'is', null),
    )
    const remove = kysely.deleteFrom('oauth_payloads')
    this.remove = statement('oauth remove', remove.where('id_hash', '=', argument('idHash')))
    const ofGrant = remove.where('grant_hash', '=', argument('grantHash'))
    this.removeOfGrant = statement('oauth remove of grant', ofGrant.where('model', '=', argument('model')))
    this.removeAllOfGrant = statement('oauth remove all of grant', ofGrant)
    const ofUser = remove.where('user_id', '=', argument('userId'))
    this.removeOfUser = statement('oauth remove of user', ofUser)
    this.removeOfUserAndClient = statement(
      'oauth remove of user and client',
      ofUser.where('client_id', '=', argument('clientId')),
    )
    this.grantsOfUser = statement(
      'oauth grants of user',
      kysely
        .selectFrom('oauth_payloads')
        .select(columns)
        .where('model', '=', sql.lit('Grant'))
        .where('user_id', '=', argument('userId'))
        .where('expires_at', '>', argument('now'))
        .orderBy('id_hash'),
    )
    this.removeGrantOfUser = statement(
      'oauth remove grant of user',
      remove
        .where('model', '=', sql.lit('Grant'))
        .where('id_hash', '=', argument('idHash'))
        .where('user_id', '=', argument('userId')),
    )
    this.forgetExpired = statement('oauth forget', remove.where('expires_at', '<=', argument('now')))
  }
}
