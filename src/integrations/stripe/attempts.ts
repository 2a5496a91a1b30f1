/** How many methods of payment a user may try: whoever tests stolen cards tries many. */

import { Problem } from '../../errors.ts'
import { type Command, UnexpectedRows } from '../../storage/storage.ts'
import type { PaymentSql } from './payment-sql.ts'

/** Payments of a user that may be declined within an hour. */
const mostDeclined = 10
/** Those that may be under way at once. */
const mostUnderWay = 20
const hour = 3_600_000

export class Attempts {
  readonly #sql: PaymentSql

  constructor(sql: PaymentSql) {
    this.#sql = sql
  }

  /** Part of the write of a payment that is to be paid at once, behind it. */
  within(userId: number): Command[] {
    const since = new Date(Date.now() - hour).toISOString()
    return [
      [this.#sql.lockUser, { userId }, 1],
      [this.#sql.fewDeclined, { userId, since, most: mostDeclined }, 1],
      [this.#sql.fewUnderWay, { userId, since, most: mostUnderWay }, 1],
    ]
  }

  /** For `catch`: what {@link within} has found. @throws {Problem} `rate-limited`; `not-found` for a user who is gone. */
  readonly orLimited = (error: unknown): never => {
    if (!(error instanceof UnexpectedRows)) throw error
    const limited = (detail: string, wait: number) =>
      new Problem('rate-limited', detail, { headers: { 'retry-after': String(wait) }, cause: error })
    if (error.statement === this.#sql.fewDeclined.name)
      throw limited('Too many payments were declined: go on in an hour', 3600)
    if (error.statement === this.#sql.fewUnderWay.name)
      throw limited('Too many payments are under way: go on when they are made', 60)
    throw new Problem('not-found', 'User not found', { cause: error })
  }
}
