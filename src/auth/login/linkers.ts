/** Who links a further identity: a user as of the session that began it. What ends that session ends the link, too. */

import { sql } from 'kysely'
import { argument, statement } from '../../storage/dialect.ts'
import type { Command, Statement, Storage } from '../../storage/storage.ts'
import { AccountSql, type Person } from '../account-sql.ts'
import type { Secrets } from '../secrets.ts'
import { refused } from './refusal.ts'

const purpose = 'login linker'
const outlived = 'The session that began this has ended, or the password was changed: sign in, and begin again'

/** What a link that was begun holds of its user. */
export interface Linker {
  userId: number
  sessionId: string
  /** Of the hash of the password, as it was: a session outlives the change of its own. */
  passwordMac: string
}

export class Linkers {
  readonly #engine: Storage
  readonly #secrets: Secrets
  readonly #person: Statement
  readonly #session: Statement
  readonly #hold: Statement

  constructor(engine: Storage, secrets: Secrets) {
    this.#engine = engine
    this.#secrets = secrets
    const { kysely } = engine.dialect
    this.#person = new AccountSql(engine.dialect).byId
    const session = kysely
      .selectFrom('sessions')
      .select('sessions.id')
      .where('sessions.id', '=', argument('sessionId'))
      .where('sessions.user_id', '=', argument('userId'))
      .where('sessions.expires_at', '>', argument('now'))
    this.#session = statement('session of linker', session)
    this.#hold = statement(
      'linker hold',
      kysely
        .updateTable('accounts')
        .set({ updated_at: sql.ref('updated_at') })
        .where('user_id', '=', argument('userId'))
        .where('disabled_at', 'is', null)
        .where(sql<boolean>`coalesce(password_hash, '') = ${argument('passwordHash')}`)
        .where(({ exists }) => exists(session)),
    )
  }

  /** The user of a session, to begin a link. @throws {LoginRefusal} when it cannot link now. */
  async of({ userId, sessionId }: Pick<Linker, 'userId' | 'sessionId'>): Promise<Linker> {
    const { passwordHash } = await this.#usable(userId)
    return { userId, sessionId, passwordMac: this.#secrets.mac(purpose, passwordHash ?? '') }
  }

  /**
   * The user as it is now, and a command that meets the account while nothing of that changes: it holds up whoever sets
   * another password.
   *
   * @throws {LoginRefusal} when the session has ended, the password was changed, or the account was disabled.
   */
  async check({ userId, sessionId, passwordMac }: Linker): Promise<{ person: Person; hold: Command }> {
    const args = { userId, sessionId, now: new Date().toISOString() }
    const person = await this.#usable(userId)
    const passwordHash = person.passwordHash ?? ''
    const session = await this.#engine.first(this.#session, args)
    if (session === undefined) throw refused('session of the link ended', outlived, userId)
    if (!this.#secrets.hasMac(purpose, passwordHash, passwordMac))
      throw refused('password changed since the link was begun', outlived, userId)
    return { person, hold: [this.#hold, { ...args, passwordHash }, 1] }
  }

  async #usable(userId: number): Promise<Person> {
    const person = await this.#engine.first<Person>(this.#person, { userId })
    if (person === undefined || person.role === null || person.disabledAt !== null) throw disabled(userId)
    return person
  }
}

export function disabled(userId: number) {
  return refused('account disabled', 'This account cannot be used', userId)
}
