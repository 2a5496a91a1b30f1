/** What users owe for what they do in rooms, so that none of them floods the others: each call costs time that passes. */

import { sql } from 'kysely'
import { Problem } from '../errors.ts'
import { argument, statement } from '../storage/dialect.ts'
import { type Command, type Statement, type Storage, UnexpectedRows } from '../storage/storage.ts'
import { integerArgument } from './room-sql.ts'

/** What a signal costs its user, in ms: ten a second are paid for in the long run. */
export const signalCost = 100
/** What is told to others in a room, or calls somebody there, costs, in ms. */
export const callingCost = 1000
/** What may be owed, in ms: 1,000 signals at once, as three pages take that each connect to 15 others. */
const credit = 1000 * signalCost

export class Dues {
  readonly #engine: Storage
  /** Where what the user owes is paid for by `latest`: it owes `cost` ms more. */
  readonly #pay: Statement
  /** Users who owe nothing. */
  readonly #forget: Statement

  constructor(engine: Storage) {
    this.#engine = engine
    const { kysely } = engine.dialect
    const clock = integerArgument('clock')
    const pay = sql`insert into room_users (user_id, paid_until) values (${integerArgument('userId')}, ${clock} + ${integerArgument('cost')}) on conflict (user_id) do update set paid_until = case when room_users.paid_until > ${clock} then room_users.paid_until else ${clock} end + ${integerArgument('cost')} where room_users.paid_until <= ${integerArgument('latest')}`
    this.#pay = statement('room pay', { compile: () => pay.compile(kysely) })
    this.#forget = statement(
      'room users forget',
      kysely.deleteFrom('room_users').where('paid_until', '<', argument('clock')),
    )
  }

  /** Part of the write of what it is for. */
  charge(userId: number, cost: number): Command {
    const clock = Date.now()
    return [this.#pay, { userId, clock, cost, latest: clock + credit }, 1]
  }

  /** For `catch`: who owes too much is told to go on more slowly. */
  readonly orLimited = (error: unknown): never => {
    if (!(error instanceof UnexpectedRows && error.statement === this.#pay.name)) throw error
    throw new Problem('rate-limited', 'Too much at once in rooms: go on more slowly', {
      headers: { 'retry-after': '1' },
    })
  }

  /** Forgets what was paid for. */
  async forget(): Promise<void> {
    await this.#engine.write([[this.#forget, { clock: Date.now() }]])
  }
}
