/** The tables of sessions and their refresh tokens, and every statement over them. */

import type { Migration } from '../schemas/collection.ts'
import { argument, type Dialect, statement } from '../storage/dialect.ts'
import type { Statement } from '../storage/storage.ts'

/** Sessions that a user may have at once; a further one ends the one that was used least lately. */
export const maxSessions = 100

export const sessionMigrations: readonly Migration[] = [
  {
    id: 'sessions-1-create',
    up: ({ schema, text, integer }) => [
      schema
        .createTable('sessions')
        .addColumn('id', text, (column) => column.notNull())
        .addColumn('user_id', integer, (column) => column.notNull().references('users.id').onDelete('cascade'))
        .addColumn('scopes', text, (column) => column.notNull())
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('last_used_at', text, (column) => column.notNull())
        .addColumn('expires_at', text, (column) => column.notNull())
        .addColumn('ends_at', text, (column) => column.notNull())
        .addColumn('address', text, (column) => column.notNull())
        .addColumn('user_agent', text, (column) => column.notNull())
        .addPrimaryKeyConstraint('sessions_id_unique', ['id']),
      schema.createIndex('sessions_user_id').on('sessions').columns(['user_id', 'last_used_at', 'id']),
      schema.createIndex('sessions_expires_at').on('sessions').column('expires_at'),
      schema
        .createTable('refresh_tokens')
        .addColumn('mac', text, (column) => column.notNull())
        .addColumn('session_id', text, (column) => column.notNull().references('sessions.id').onDelete('cascade'))
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('spent_at', text)
        .addPrimaryKeyConstraint('refresh_tokens_mac_unique', ['mac']),
      schema.createIndex('refresh_tokens_session_id').on('refresh_tokens').column('session_id'),
      schema.createIndex('refresh_tokens_spent_at').on('refresh_tokens').column('spent_at'),
    ],
  },
]

/** A session as its user sees it. Times are ISO 8601. */
export interface Session {
  id: string
  createdAt: string
  lastUsedAt: string
  /** Where it was last used from. */
  address: string
  /** Empty when the client sent none. */
  userAgent: string
}

/** What an access token's session is checked by. */
export interface SessionState {
  userId: number
  expiresAt: string
}

/** A refresh token and its session. */
export interface RefreshRow extends SessionState {
  mac: string
  /** When it was used; nothing while it is good. */
  spentAt: string | null
  sessionId: string
  /** What the session was started with. */
  scopes: string
  /** When it ends however much it is used. */
  endsAt: string
}

export class SessionSql {
  readonly start: Statement
  readonly endBeyondMax: Statement
  readonly addToken: Statement
  readonly findToken: Statement
  readonly spendToken: Statement
  readonly use: Statement
  readonly state: Statement
  readonly list: Statement
  readonly end: Statement
  readonly endAllBut: Statement
  readonly forgetExpired: Statement
  readonly forgetSpent: Statement

  /** `secrets`: under how many a refresh token may be stored. */
  constructor({ kysely }: Dialect, secrets: number) {
    const sessions = kysely.selectFrom('sessions')
    const ofUser = sessions.where('user_id', '=', argument('userId'))

    // From the user's row: without it there is no session, rather than an error of the driver.
    const session = {
      id: argument('id'),
      scopes: argument('scopes'),
      created_at: argument('now'),
      last_used_at: argument('now'),
      expires_at: argument('expiresAt'),
      ends_at: argument('endsAt'),
      address: argument('address'),
      user_agent: argument('userAgent'),
    }
    this.start = statement(
      'start session',
      kysely
        .insertInto('sessions')
        .columns(['user_id', ...Object.keys(session)])
        .expression(
          kysely
            .selectFrom('users')
            .select(['users.id as user_id', ...Object.entries(session).map(([name, value]) => value.as(name))])
            .where('users.id', '=', argument('userId')),
        ),
    )
    this.endBeyondMax = statement(
      'end sessions beyond the most',
      kysely
        .deleteFrom('sessions')
        .where('user_id', '=', argument('userId'))
        .where(
          'id',
          'not in',
          ofUser.select('id').orderBy('last_used_at', 'desc').orderBy('created_at', 'desc').limit(maxSessions),
        ),
    )
    this.addToken = statement(
      'add refresh token',
      kysely
        .insertInto('refresh_tokens')
        .values({ mac: argument('mac'), session_id: argument('id'), created_at: argument('now') }),
    )
    this.findToken = statement(
      'find refresh token',
      kysely
        .selectFrom('refresh_tokens as token')
        .innerJoin('sessions as session', 'session.id', 'token.session_id')
        .select(['token.mac', 'token.spent_at as spentAt', 'session.id as sessionId', 'session.user_id as userId'])
        .select(['session.scopes', 'session.expires_at as expiresAt', 'session.ends_at as endsAt'])
        .where(
          'token.mac',
          'in',
          Array.from({ length: secrets }, (_, index) => argument(`mac${index}`)),
        ),
    )
    this.spendToken = statement(
      'spend refresh token',
      kysely
        .updateTable('refresh_tokens')
        .set({ spent_at: argument('now') })
        .where('mac', '=', argument('mac'))
        .where('spent_at', 'is', null),
    )
    this.use = statement(
      'use session',
      kysely
        .updateTable('sessions')
        .set({ last_used_at: argument('now'), expires_at: argument('expiresAt') })
        .set({ address: argument('address'), user_agent: argument('userAgent') })
        .where('id', '=', argument('id')),
    )
    this.state = statement(
      'session',
      sessions.select(['user_id as userId', 'expires_at as expiresAt']).where('id', '=', argument('id')),
    )
    this.list = statement(
      'sessions',
      ofUser
        .select(['id', 'created_at as createdAt', 'last_used_at as lastUsedAt', 'address', 'user_agent as userAgent'])
        .where('expires_at', '>', argument('now'))
        .orderBy('last_used_at', 'desc')
        .orderBy('id')
        .limit(maxSessions),
    )
    const remove = kysely.deleteFrom('sessions')
    this.end = statement(
      'end session',
      remove.where('id', '=', argument('id')).where('user_id', '=', argument('userId')),
    )
    this.endAllBut = statement(
      'end sessions',
      remove.where('user_id', '=', argument('userId')).where('id', '<>', argument('id')),
    )
    this.forgetExpired = statement('forget sessions', remove.where('expires_at', '<=', argument('now')))
    this.forgetSpent = statement(
      'forget refresh tokens',
      kysely.deleteFrom('refresh_tokens').where('spent_at', '<', argument('before')),
    )
  }
}
