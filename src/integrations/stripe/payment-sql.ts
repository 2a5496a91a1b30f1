/** The statements by which payments and refunds are found again. */

import { sql } from 'kysely'
import { argument, type Dialect, statement } from '../../storage/dialect.ts'
import type { Statement } from '../../storage/storage.ts'

export class PaymentSql {
  /** The payment with this id, if so much can be given back of it, as a change that changes nothing: it locks the row. */
  readonly refundable: Statement
  readonly byReference: Statement
  readonly byIntent: Statement
  readonly bySession: Statement
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
    this.refundable = statement(
      'payment refundable',
      kysely
        .updateTable('payments')
        .set({ status: sql`status` })
        .where('id', '=', argument('id'))
        .where('status', 'in', [sql.lit('succeeded'), sql.lit('partially-refunded')])
        .where(sql<boolean>`amount - amount_refunded >= ${argument('amount')}`),
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
      kysely.selectFrom('refunds').select('id').where('payment_id', '=', argument('id')).orderBy('id'),
    )
  }
}
