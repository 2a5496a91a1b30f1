/** Tokens that prove who reads an address: sent there, kept as MACs, good once and for a time. */

import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { argument, statement, textArgument } from '../storage/dialect.ts'
import type { Command, Statement, Storage } from '../storage/storage.ts'
import type { Secrets } from './secrets.ts'

export type TokenPurpose = 'verify-email' | 'reset-password'

const hour = 3_600_000
/** How long a token is good for, in ms. */
const lifetimes: Record<TokenPurpose, number> = { 'verify-email': 24 * hour, 'reset-password': hour }

/** What a token that was found stands for. */
export interface TokenRow {
  mac: string
  userId: number
  /** The address that it was sent to, in the form in which addresses are compared. */
  emailKey: string
  /** The password that was chosen when the token was asked for: it becomes the account's when the token is used. */
  passwordHash: string | null
}

export interface NewToken {
  text: string
  expiresAt: string
  purpose: TokenPurpose
}

export class AccountTokens {
  readonly #engine: Storage
  readonly #secrets: Secrets
  readonly #find: Statement
  readonly #insert: Statement
  readonly #use: Statement
  readonly #forgetUser: Statement
  readonly #forgetOld: Statement

  constructor(engine: Storage, secrets: Secrets) {
    this.#engine = engine
    this.#secrets = secrets
    const { kysely } = engine.dialect
    this.#find = statement(
      'account token',
      kysely
        .selectFrom('account_tokens')
        .select([
          'mac',
          sql.ref('user_id').as('userId'),
          sql.ref('email_key').as('emailKey'),
          sql.ref('password_hash').as('passwordHash'),
        ])
        .where('mac', '=', argument('mac'))
        .where('expires_at', '>', argument('now')),
    )
    const given = ['mac', 'passwordHash', 'expiresAt', 'now'].map((name) => textArgument(name).as(name))
    this.#insert = statement(
      'account token insert',
      kysely
        .insertInto('account_tokens')
        .columns(['mac', 'password_hash', 'expires_at', 'created_at', 'user_id', 'email_key'])
        .expression(
          kysely
            .selectFrom('users')
            .select([...given, 'id', 'email_key'])
            .where('email_key', '=', argument('emailKey'))
            .where(({ exists, selectFrom }) =>
              exists(selectFrom('notices').select('notices.id').where('notices.id', '=', argument('notice'))),
            ),
        ),
    )
    const remove = () => kysely.deleteFrom('account_tokens')
    this.#use = statement('account token use', remove().where('mac', '=', argument('mac')))
    this.#forgetUser = statement('account tokens of user', remove().where('user_id', '=', argument('userId')))
    this.#forgetOld = statement('account tokens forget', remove().where('expires_at', '<', argument('now')))
  }

  create(purpose: TokenPurpose): NewToken {
    const expiresAt = new Date(Date.now() + lifetimes[purpose]).toISOString()
    return { text: randomBytes(32).toString('base64url'), expiresAt, purpose }
  }

  /** Keeps a token for the user with this address, if the notice that carries it is kept in the same write. */
  keep({ text, expiresAt, purpose }: NewToken, emailKey: string, notice: string, passwordHash?: string): Command {
    const now = new Date().toISOString()
    const mac = this.#secrets.mac(macPurpose(purpose), text)
    return [this.#insert, { mac, emailKey, notice, passwordHash: passwordHash ?? null, expiresAt, now }]
  }

  /** A token that is good for this purpose now; one of another purpose has another MAC. */
  async find(purpose: TokenPurpose, text: string): Promise<TokenRow | undefined> {
    const now = new Date().toISOString()
    for (const mac of this.#secrets.macs(macPurpose(purpose), text)) {
      const row = await this.#engine.first<TokenRow>(this.#find, { mac, now })
      if (row !== undefined) return row
    }
    return undefined
  }

  /** Uses a token up, and with it all others of its user: of two requests with the same one, the second fails. */
  use({ mac, userId }: TokenRow): Command[] {
    return [[this.#use, { mac }, 1], this.forgetAllOf(userId)]
  }

  forgetAllOf(userId: number): Command {
    return [this.#forgetUser, { userId }]
  }

  /** Deletes what is no longer good. */
  forget(): Command {
    return [this.#forgetOld, { now: new Date().toISOString() }]
  }
}

function macPurpose(purpose: TokenPurpose): string {
  return `account token ${purpose}`
}
