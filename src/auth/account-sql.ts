/** The tables of accounts and of their tokens, and their statements. An account is a row of `users` that may sign in. */

import { type RawBuilder, sql } from 'kysely'
import type { Migration } from '../schemas/collection.ts'
import { argument, type Dialect, selected, statement, textArgument } from '../storage/dialect.ts'
import type { Statement } from '../storage/storage.ts'

export type Role = 'member' | 'admin'

/** A user, and its account where it has one; moments are ISO 8601. */
export interface Person {
  userId: number
  name: string
  email: string
  /** The address in the form in which addresses are compared. */
  emailKey: string
  /** Null where the user has no account. */
  role: Role | null
  passwordHash: string | null
  /** The address that was verified, in the form of `emailKey`: it may not be the present one. */
  verifiedEmailKey: string | null
  emailVerifiedAt: string | null
  disabledAt: string | null
  createdAt: string | null
  updatedAt: string | null
}

export const accountMigrations: readonly Migration[] = [
  {
    id: 'accounts-1-create',
    up: ({ schema, text, integer }) => [
      schema
        .createTable('accounts')
        .addColumn('user_id', integer, (column) => column.primaryKey().references('users.id').onDelete('cascade'))
        .addColumn('password_hash', text)
        .addColumn('role', text, (column) => column.notNull())
        .addColumn('verified_email_key', text)
        .addColumn('email_verified_at', text)
        .addColumn('disabled_at', text)
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('updated_at', text, (column) => column.notNull()),
    ],
  },
  {
    id: 'account_tokens-1-create',
    up: ({ schema, text, integer }) => [
      schema
        .createTable('account_tokens')
        .addColumn('mac', text, (column) => column.primaryKey())
        .addColumn('user_id', integer, (column) => column.notNull().references('users.id').onDelete('cascade'))
        .addColumn('email_key', text, (column) => column.notNull())
        .addColumn('password_hash', text)
        .addColumn('expires_at', text, (column) => column.notNull())
        .addColumn('created_at', text, (column) => column.notNull()),
      schema.createIndex('account_tokens_user_id').on('account_tokens').column('user_id'),
      schema.createIndex('account_tokens_expires_at').on('account_tokens').column('expires_at'),
    ],
  },
]

const columns: Record<keyof Person, string> = {
  userId: 'users.id',
  name: 'users.name',
  email: 'users.email',
  emailKey: 'users.email_key',
  role: 'accounts.role',
  passwordHash: 'accounts.password_hash',
  verifiedEmailKey: 'accounts.verified_email_key',
  emailVerifiedAt: 'accounts.email_verified_at',
  disabledAt: 'accounts.disabled_at',
  createdAt: 'accounts.created_at',
  updatedAt: 'accounts.updated_at',
}

export class AccountSql {
  readonly byAddress: Statement
  readonly byId: Statement
  readonly access: Statement
  /** Gives the user with this address an account that is not verified, unless it has one; `signedUpAt` where it made the user, too. */
  readonly create: Statement
  /**
   * Sets the password of a user and takes the address as verified; only while it is the user's, and not if disabled or
   * once another address was verified.
   */
  readonly adopt: Statement
  /**
   * The same, only while the address is not verified: a password that somebody chose for it before is not let in later.
   * Once another address was verified, only with the present password.
   */
  readonly verify: Statement
  /** Sets the password in place of the one that was checked. */
  readonly replaceHash: Statement
  /** Sets the hash of the same password, and holds up whoever sets another one until this write is done. */
  readonly holdHash: Statement
  /** Holds up whoever changes the account until this write is done; only while it is as it was read, and not disabled. */
  readonly hold: Statement
  /** Whoever held the account may have linked their own: a reset leaves none, nor codes of logins with them. */
  readonly forgetIdentities: Statement
  /** Sets role and lock in place of those that were read. */
  readonly update: Statement

  constructor({ kysely }: Dialect) {
    const person = () =>
      kysely.selectFrom('users').leftJoin('accounts', 'accounts.user_id', 'users.id').select(selected(columns))
    this.byAddress = statement('person by address', person().where('users.email_key', '=', argument('emailKey')))
    this.byId = statement('person by id', person().where('users.id', '=', argument('userId')))
    this.access = statement(
      'account access',
      kysely
        .selectFrom('accounts')
        .select(['role', sql.ref('disabled_at').as('disabledAt')])
        .where('user_id', '=', argument('userId')),
    )
    const user = () => kysely.selectFrom('users').where('email_key', '=', argument('emailKey'))
    const now = textArgument('now')
    const account = { id: 'user_id', hash: 'password_hash', role: 'role', created: 'created_at', updated: 'updated_at' }
    const given = [
      sql.ref('id').as('id'),
      textArgument('passwordHash').as('hash'),
      sql<string>`'member'`.as('role'),
      now.as('created'),
      now.as('updated'),
    ]
    this.create = statement(
      'account create',
      kysely
        .insertInto('accounts')
        .columns([...Object.values(account), 'signed_up_at'])
        .expression(user().select([...given, textArgument('signedUpAt').as('signed')]))
        .onConflict((conflict) => conflict.column('user_id').doNothing()),
    )
    const adoption = kysely
      .insertInto('accounts')
      .columns([...Object.values(account), 'verified_email_key', 'email_verified_at'])
      .expression(
        user()
          .where('id', '=', argument('userId'))
          .select([...given, sql.ref('email_key').as('verified'), now.as('moment')]),
      )
    const adopted = {
      password_hash: sql.ref('excluded.password_hash'),
      verified_email_key: sql.ref('excluded.verified_email_key'),
      email_verified_at: sql.ref('excluded.email_verified_at'),
      updated_at: sql.ref('excluded.updated_at'),
    }
    const adopting = (allowed: RawBuilder<boolean>) =>
      adoption.onConflict((conflict) =>
        conflict.column('user_id').doUpdateSet(adopted).where('accounts.disabled_at', 'is', null).where(allowed),
      )
    this.adopt = statement(
      'account adopt',
      adopting(sql`(accounts.verified_email_key is null or accounts.verified_email_key = excluded.verified_email_key)`),
    )
    this.verify = statement(
      'account verify',
      adopting(
        sql`(accounts.verified_email_key is null or (accounts.verified_email_key <> excluded.verified_email_key and accounts.password_hash = excluded.password_hash))`,
      ),
    )
    const update = (values: Record<string, unknown>) =>
      kysely
        .updateTable('accounts')
        .set({ ...values, updated_at: argument('now') })
        .where('user_id', '=', argument('userId'))
    this.replaceHash = statement(
      'account hash',
      update({ password_hash: argument('passwordHash') }).where('password_hash', '=', argument('replaced')),
    )
    this.holdHash = statement(
      'account hold',
      kysely
        .updateTable('accounts')
        .set({ password_hash: argument('passwordHash') })
        .where('user_id', '=', argument('userId'))
        .where('password_hash', '=', argument('replaced'))
        .where('disabled_at', 'is', null),
    )
    this.hold = statement(
      'account unchanged',
      kysely
        .updateTable('accounts')
        .set({ updated_at: argument('updatedAt') })
        .where('user_id', '=', argument('userId'))
        .where('updated_at', '=', argument('updatedAt'))
        .where('disabled_at', 'is', null),
    )
    this.forgetIdentities = statement(
      'account identities',
      kysely.deleteFrom('identities').where('user_id', '=', argument('userId')),
    )
    this.update = statement(
      'account update',
      update({ role: argument('role'), disabled_at: argument('disabledAt') })
        .where('role', '=', argument('wasRole'))
        .where(sql<boolean>`coalesce(disabled_at, '') = ${argument('wasDisabledAt')}`),
    )
  }
}
