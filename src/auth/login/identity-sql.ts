/** Statements over identities, and over the accounts that they open. */

import { type RawBuilder, sql } from 'kysely'
import { argument, type Dialect, statement, textArgument } from '../../storage/dialect.ts'
import type { Statement } from '../../storage/storage.ts'
import { AccountSql } from '../account-sql.ts'

/** Whom a provider's user is here. */
export interface Known {
  userId: number
  /** Null where the user has no account. */
  role: string | null
  disabledAt: string | null
}

/** An identity as its user sees it. Times are ISO 8601. */
export interface Identity {
  id: string
  provider: string
  /** What the provider said when it was linked; the user may have another by now. */
  email: string
  createdAt: string
  lastUsedAt: string | null
}

export class IdentitySql {
  readonly find: Statement
  readonly personByAddress: Statement
  /** Gives a new user with this address an account, the address verified, without a password. */
  readonly createAccount: Statement
  /**
   * Takes the account of a user whose present address was never verified, or makes one: without its password, the
   * address verified. Not one that is disabled, nor an administrator's.
   */
  readonly claimAccount: Statement
  /** Unlinks all identities of a user. */
  readonly forgetAll: Statement
  /** Links to the user with this address, whose account has it verified. */
  readonly link: Statement
  /** Meets the account of a user unless it is disabled, and holds up others that write it. */
  readonly hold: Statement
  readonly use: Statement
  readonly list: Statement
  /** Deletes an identity of the user, if there is another way to sign in. */
  readonly unlink: Statement
  readonly exists: Statement
  /** Keeps who unlinked an identity; before it is deleted. */
  readonly keepUnlinked: Statement
  /** Who unlinked an identity. */
  readonly unlinked: Statement
  readonly forgetUnlinked: Statement
  readonly personById: Statement
  /** Links to a user whose account can be used, whatever its address. */
  readonly linkTo: Statement

  /** `issuers`: those whose users can sign in now. */
  constructor(dialect: Dialect, issuers: readonly string[]) {
    const { kysely } = dialect
    const { byAddress, byId, forgetIdentities } = new AccountSql(dialect)
    this.personByAddress = byAddress
    this.personById = byId
    this.forgetAll = forgetIdentities
    this.find = statement(
      'identity',
      kysely
        .selectFrom('identities as identity')
        .leftJoin('accounts as account', 'account.user_id', 'identity.user_id')
        .select(['identity.user_id as userId', 'account.role', 'account.disabled_at as disabledAt'])
        .where('identity.issuer', '=', argument('issuer'))
        .where('identity.subject', '=', argument('subject')),
    )

    const now = textArgument('now')
    const account: Record<string, RawBuilder<unknown>> = {
      user_id: sql.ref('id'),
      password_hash: sql`cast(null as text)`,
      role: sql`'member'`,
      verified_email_key: sql.ref('email_key'),
      email_verified_at: now,
      created_at: now,
      updated_at: now,
    }
    const user = () =>
      kysely
        .selectFrom('users')
        .select(Object.entries(account).map(([name, value]) => value.as(`new_${name}`)))
        .where('email_key', '=', argument('emailKey'))
    const insert = () => kysely.insertInto('accounts').columns(Object.keys(account))
    this.createAccount = statement('account of login', insert().expression(user()))
    const taken = ['password_hash', 'verified_email_key', 'email_verified_at', 'updated_at']
    this.claimAccount = statement(
      'account claim',
      insert()
        .expression(user().where('id', '=', argument('userId')))
        .onConflict((conflict) =>
          conflict
            .column('user_id')
            .doUpdateSet(Object.fromEntries(taken.map((name) => [name, sql.ref(`excluded.${name}`)])))
            .where('accounts.disabled_at', 'is', null)
            .where('accounts.role', '<>', 'admin')
            .where('accounts.verified_email_key', 'is', null),
        ),
    )
    const identity = {
      id: 'id',
      provider: 'provider',
      issuer: 'issuer',
      subject: 'subject',
      email: 'email',
      now: 'created_at',
    }
    this.link = statement(
      'identity link',
      kysely
        .insertInto('identities')
        .columns([...Object.values(identity), 'user_id'])
        .expression(
          kysely
            .selectFrom('users')
            .innerJoin('accounts', 'accounts.user_id', 'users.id')
            .select([...Object.keys(identity).map((name) => textArgument(name).as(`new_${name}`)), 'users.id'])
            .where('users.email_key', '=', argument('emailKey'))
            .whereRef('accounts.verified_email_key', '=', 'users.email_key')
            .where('accounts.disabled_at', 'is', null),
        ),
    )
    this.linkTo = statement(
      'identity link to',
      kysely
        .insertInto('identities')
        .columns([...Object.values(identity), 'user_id'])
        .expression(
          kysely
            .selectFrom('accounts')
            .select([...Object.keys(identity).map((name) => textArgument(name).as(`new_${name}`)), 'user_id'])
            .where('user_id', '=', argument('userId'))
            .where('disabled_at', 'is', null),
        ),
    )
    this.hold = statement(
      'account hold for login',
      kysely
        .updateTable('accounts')
        .set({ updated_at: sql.ref('updated_at') })
        .where('user_id', '=', argument('userId'))
        .where('disabled_at', 'is', null),
    )
    this.use = statement(
      'identity use',
      kysely
        .updateTable('identities')
        .set({ last_used_at: argument('now') })
        .where('id', '=', argument('id')),
    )
    this.list = statement(
      'identities',
      kysely
        .selectFrom('identities')
        .select(['id', 'provider', 'email', 'created_at as createdAt', 'last_used_at as lastUsedAt'])
        .where('user_id', '=', argument('userId'))
        .orderBy('created_at')
        .orderBy('id'),
    )
    this.exists = statement(
      'identity of user',
      kysely
        .selectFrom('identities')
        .select('id')
        .where('id', '=', argument('id'))
        .where('user_id', '=', argument('userId')),
    )
    this.keepUnlinked = statement(
      'identity keep unlinked',
      kysely
        .insertInto('unlinked_identities')
        .columns(['issuer', 'subject', 'user_id'])
        .expression(
          kysely
            .selectFrom('identities')
            .select(['issuer', 'subject', 'user_id'])
            .where('id', '=', argument('id'))
            .where('user_id', '=', argument('userId')),
        ),
    )
    const bySubject = [argument('issuer'), argument('subject')] as const
    this.unlinked = statement(
      'identity unlinked',
      kysely
        .selectFrom('unlinked_identities')
        .select('user_id as userId')
        .where('issuer', '=', bySubject[0])
        .where('subject', '=', bySubject[1]),
    )
    this.forgetUnlinked = statement(
      'identity forget unlinked',
      kysely.deleteFrom('unlinked_identities').where('issuer', '=', bySubject[0]).where('subject', '=', bySubject[1]),
    )
    this.unlink = statement(
      'identity unlink',
      kysely
        .deleteFrom('identities')
        .where('id', '=', argument('id'))
        .where('user_id', '=', argument('userId'))
        .where(({ or, exists, selectFrom }) =>
          or([
            exists(
              selectFrom('accounts')
                .select('accounts.user_id')
                .where('accounts.user_id', '=', argument('userId'))
                .where('accounts.password_hash', 'is not', null),
            ),
            exists(
              selectFrom('identities as other')
                .select('other.id')
                .where('other.user_id', '=', argument('userId'))
                .where('other.id', '<>', argument('id'))
                .where(
                  'other.issuer',
                  'in',
                  ['', ...issuers].map((id) => sql.lit(id)),
                ),
            ),
          ]),
        ),
    )
  }
}
