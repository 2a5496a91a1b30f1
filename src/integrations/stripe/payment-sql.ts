/** The statements by which payments and refunds are found again. */

import { sql } from 'kysely'
import { argument, type Dialect, statement } from '../../storage/dialect.ts'
import type { Statement } from '../../storage/storage.ts'

export class PaymentSql {
  /** Changes nothing: until the transaction ends, other refunds of the payment wait. */
  readonly lock: Statement
  /** The payment, if so much is left beside all that is on its way; behind {@link lock}, and behind the refund itself. */
  readonly refundable: Statement
  /** Changes nothing: until the transaction ends, other payments of the user wait. */
  readonly lockUser: Statement
  /** The user, if fewer than `most` of its payments were declined since a time; behind {@link lockUser}. */
  readonly fewDeclined: Statement
  /** The user, if at most `most` payments since a time are neither made nor refused; behind {@link lockUser}, and behind the payment. */
  readonly fewUnderWay: Statement
  readonly byReference: Statement
  readonly byIntent: Statement
  readonly bySession: Statement
  /** Those of a payment that are on their way, and one by what Stripe calls it. */
  readonly refunds: Statement
  /** Those that were asked for before a time, and have come to nothing. */
  readonly leftPayments: Statement
  readonly leftRefunds: Statement

  constructor({ kysely }: Dialect) {
    const payment = (column: string) =>
      statement(
        `payment by ${column}`,
        kysely.selectFrom('payments').select('id').where(column, '=', argument('value')).orderBy('id').limit(1),
      )
    const change = () => kysely.updateTable('payments').set({ status: sql`status` }).where('id', '=', argument('id'))
    this.lock = statement('payment lock', change())
    const refunded = (states: string) =>
      sql`(select coalesce(sum(refunds.amount), 0) from refunds
        where refunds.payment_id = payments.id and refunds.status in (${sql.raw(states)}))`
    this.refundable = statement(
      'payment refundable',
      change()
        .where('status', 'in', [sql.lit('succeeded'), sql.lit('partially-refunded')])
        .where(sql<boolean>`amount_received - amount_refunded >= ${argument('amount')}`)
        // The payment counts what Stripe has told of it, others' refunds too, but a moment after a refund is made.
        .where(sql<boolean>`amount_received - amount_refunded >= ${refunded(`'requested'`)}`)
        .where(sql<boolean>`amount_received >= ${refunded(`'requested', 'pending', 'succeeded'`)}`),
    )
    const user = () =>
      kysely
        .updateTable('users')
        .set({ version: sql.ref('version') })
        .where('id', '=', argument('userId'))
    this.lockUser = statement('payment user lock', user())
    this.fewDeclined = statement(
      'payments declined',
      user().where(
        sql<boolean>`(select count(*) from payments where payments.user_id = users.id and payments.declined_at > ${argument('since')}) < ${argument('most')}`,
      ),
    )
    this.fewUnderWay = statement(
      'payments under way',
      user().where(
        sql<boolean>`(select count(*) from payments where payments.user_id = users.id and payments.status = 'requested'
          and payments.payment_method is not null and payments.created_at > ${argument('since')}) <= ${argument('most')}`,
      ),
    )
    const left = (table: 'payments' | 'refunds') =>
      statement(
        `${table} left behind`,
        kysely
          .selectFrom(table)
          .select('id')
          .where('status', '=', sql.lit('requested'))
          .where('created_at', '<', argument('before'))
          .orderBy('id'),
      )
    this.leftPayments = left('payments')
    this.leftRefunds = left('refunds')
    this.byReference = payment('reference')
    this.byIntent = payment('payment_intent_id')
    this.bySession = payment('checkout_session_id')
    this.refunds = statement(
      'refunds of payment',
      kysely
        .selectFrom('refunds')
        .select('id')
        .where('payment_id', '=', argument('id'))
        .where(sql<boolean>`(status in ('requested', 'pending') or refund_id = ${argument('named')})`)
        .orderBy('id'),
    )
  }
}
