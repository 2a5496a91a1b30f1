/**
 * Who has signed in on the pages of the authorization server. The library's own session counts only while its sign-in
 * stands here: it is saved again by any request that is under way, and would come back after it was ended.
 */

import { sql } from 'kysely'
import type { Migration } from '../../schemas/collection.ts'
import { argument, statement } from '../../storage/dialect.ts'
import type { Command, Statement, Storage } from '../../storage/storage.ts'

/** In s, however much it is used. */
export const signInLasts = 12 * 3600

export const signInMigrations: readonly Migration[] = [
  {
    id: 'oauth_sign_ins-1-create',
    up: ({ schema, text, integer }) => [
      schema
        .createTable('oauth_sign_ins')
        .addColumn('user_id', integer, (column) => column.notNull().references('users.id').onDelete('cascade'))
        .addColumn('signed_in_at', integer, (column) => column.notNull())
        .addColumn('expires_at', text, (column) => column.notNull())
        .addPrimaryKeyConstraint('oauth_sign_ins_unique', ['user_id', 'signed_in_at']),
      schema.createIndex('oauth_sign_ins_expires_at').on('oauth_sign_ins').column('expires_at'),
    ],
  },
]

/** A sign-in: two of one user within a second are one, and end together. */
export interface SignIn {
  userId: number
  /** In s since 1970. */
  at: number
}

export class SignIns {
  readonly #engine: Storage
  readonly #begin: Statement
  readonly #find: Statement
  readonly #hold: Statement
  readonly #end: Statement
  readonly #endAll: Statement
  readonly #forget: Statement

  constructor(engine: Storage) {
    this.#engine = engine
    const { kysely } = engine.dialect
    this.#begin = statement(
      'oauth sign-in',
      kysely
        .insertInto('oauth_sign_ins')
        .values({ user_id: argument('userId'), signed_in_at: argument('at'), expires_at: argument('expiresAt') })
        .onConflict((conflict) => conflict.columns(['user_id', 'signed_in_at']).doNothing()),
    )
    this.#find = statement(
      'oauth sign-in find',
      kysely
        .selectFrom('oauth_sign_ins')
        .select('expires_at')
        .where('user_id', '=', argument('userId'))
        .where('signed_in_at', '=', argument('at'))
        .where('expires_at', '>', argument('now')),
    )
    this.#hold = statement(
      'oauth sign-in hold',
      kysely
        .updateTable('oauth_sign_ins')
        .set({ expires_at: sql.ref('expires_at') })
        .where('user_id', '=', argument('userId'))
        .where('signed_in_at', '=', argument('at'))
        .where('expires_at', '>', argument('now')),
    )
    const ofUser = kysely.deleteFrom('oauth_sign_ins').where('user_id', '=', argument('userId'))
    this.#end = statement('oauth sign-out', ofUser.where('signed_in_at', '=', argument('at')))
    this.#endAll = statement('oauth sign-out everywhere', ofUser)
    this.#forget = statement(
      'oauth sign-ins forget',
      kysely.deleteFrom('oauth_sign_ins').where('expires_at', '<=', argument('now')),
    )
  }

  /** Begins a sign-in, as a command for the write that holds its proof. */
  begin({ userId, at }: SignIn): Command {
    return [this.#begin, { userId, at, expiresAt: new Date((at + signInLasts) * 1000).toISOString() }]
  }

  async stands({ userId, at }: SignIn): Promise<boolean> {
    return (await this.#engine.first(this.#find, { userId, at, now: new Date().toISOString() })) !== undefined
  }

  /** For a write that rests on a sign-in: it meets one row while that stands. */
  hold({ userId, at }: SignIn): Command {
    return [this.#hold, { userId, at, now: new Date().toISOString() }, 1]
  }

  /** Ends one. */
  end({ userId, at }: SignIn): Command {
    return [this.#end, { userId, at }]
  }

  /** Ends all of a user. */
  endAll(userId: number): Command {
    return [this.#endAll, { userId }]
  }

  /** Deletes those that have expired. */
  forgetExpired(): Command {
    return [this.#forget, { now: new Date().toISOString() }]
  }
}
