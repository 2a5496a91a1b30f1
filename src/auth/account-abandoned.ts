/** Users that a sign-up made and nobody verified: after a time they go, and their addresses are free again. */

import { sql } from 'kysely'
import { Problem } from '../errors.ts'
import type { Migration } from '../schemas/collection.ts'
import { argument, statement } from '../storage/dialect.ts'
import type { Command, Statement } from '../storage/storage.ts'
import { type AccountParts, targetOf } from './account-parts.ts'

/** How many are removed at once. */
const atOnce = 100

export const abandonedMigrations: readonly Migration[] = [
  {
    id: 'accounts-2-signed-up',
    up: ({ schema, text }) => [
      // Null where the user was there before its account: such a user never goes by itself.
      schema.alterTable('accounts').addColumn('signed_up_at', text),
      schema.createIndex('accounts_signed_up_at').on('accounts').columns(['signed_up_at', 'user_id']),
    ],
  },
]

interface Found {
  userId: number
}

export class Abandoned {
  readonly #parts: AccountParts
  readonly #find: Statement
  readonly #hold: Statement

  constructor(parts: AccountParts) {
    this.#parts = parts
    const { kysely } = parts.engine.dialect
    const isAbandoned = sql<boolean>`signed_up_at < ${argument('before')} and email_verified_at is null
      and disabled_at is null and role = 'member'
      and not exists (select 1 from account_tokens
        where account_tokens.user_id = accounts.user_id and account_tokens.expires_at > ${argument('now')})`
    this.#find = statement(
      'accounts abandoned',
      kysely
        .selectFrom('accounts')
        .innerJoin('users', 'users.id', 'accounts.user_id')
        .select('accounts.user_id as userId')
        .where(isAbandoned)
        // Whatever else was changed of a user since, somebody has looked after it.
        .where('users.version', '=', 1)
        .where('accounts.user_id', '>', argument('after'))
        .orderBy('accounts.user_id')
        .limit(atOnce),
    )
    this.#hold = statement(
      'account abandoned hold',
      kysely
        .updateTable('accounts')
        .set({ updated_at: sql.ref('updated_at') })
        .where('user_id', '=', argument('userId'))
        .where(isAbandoned),
    )
  }

  /**
   * Removes those that signed up so long ago (ms). Those that other resources refer to stay.
   *
   * @throws what the removal of one of them has failed with; the others are removed.
   */
  async forgetAfter(age: number): Promise<void> {
    const now = Date.now()
    const args = { before: new Date(now - age).toISOString(), now: new Date(now).toISOString() }
    const failures: unknown[] = []
    for (let after = 0, found: Found[] = []; ; after = found.at(-1)?.userId ?? after) {
      found = await this.#parts.engine.all<Found>(this.#find, { ...args, after })
      if (found.length === 0) break
      const removed = await Promise.allSettled(found.map(({ userId }) => this.#remove(userId, args)))
      failures.push(...removed.flatMap((each) => (each.status === 'rejected' ? [each.reason] : [])))
    }
    if (failures.length > 0) throw failures[0]
  }

  /** In the write that finds it abandoned still: whoever verifies it at that moment comes before, or finds nothing. */
  async #remove(userId: number, args: { before: string; now: string }): Promise<void> {
    const { users, audit } = this.#parts
    const origin = { id: '', ip: '' }
    const about = { outcome: 'success', principal: { id: 'server' }, target: targetOf({ userId }) } as const
    const entry = audit.command({ ...about, type: 'account.deleted', detail: 'its address was never verified' }, origin)
    const hold: Command = [this.#hold, { ...args, userId }, 1]
    try {
      await users.remove(userId, [1], { before: [hold], behind: [entry] })
    } catch (error) {
      // It was verified, changed or removed meanwhile.
      if (!(error instanceof Problem) || error.code === 'unavailable') throw error
    }
  }
}
