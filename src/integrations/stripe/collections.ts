/** How payments and refunds are stored: what is shown of them, and what they were asked of Stripe with. */

import { type Static, Type } from '@sinclair/typebox'
import type { Declaration, Migration } from '../../schemas/collection.ts'
import { eventsOf } from '../../schemas/event.ts'
import { Payment, Refund } from '../../schemas/payment.ts'

const MaybeText = Type.Union([Type.String(), Type.Null()])

/** Of whatever is asked of Stripe once. */
const request = {
  /** Names it at Stripe, in metadata and in the key that Stripe knows doubles by. */
  reference: Type.String(),
  /** Part of that key: raised where Stripe keeps a failure of its own under the last one. */
  attempt: Type.Integer(),
  /** Since when Stripe does not know what it has done under that key. */
  unsureSince: MaybeText,
  /** The property of the input that Stripe has refused. */
  failureProperty: MaybeText,
}

const { id: _id, createdAt: _createdAt, updatedAt: _updatedAt, ...shownOfPayment } = Payment.properties
const { id: _refundId, createdAt: _refundedAt, updatedAt: _changedAt, ...shownOfRefund } = Refund.properties

const PaymentInput = Type.Object({
  ...shownOfPayment,
  ...request,
  customerId: Type.String(),
  /** What has been paid: less than was asked for where a part was captured. */
  amountReceived: Type.Integer(),
  paymentMethod: MaybeText,
  /** When that method was declined, whatever has become of the payment since. */
  declinedAt: MaybeText,
  successUrl: MaybeText,
  cancelUrl: MaybeText,
})
const RefundInput = Type.Object({ ...shownOfRefund, ...request, paymentIntentId: Type.String() })

/** Everything of a row. */
export const PaymentRow = Type.Object({ ...Payment.properties, ...PaymentInput.properties })
export const RefundRow = Type.Object({ ...Refund.properties, ...RefundInput.properties })

export type PaymentColumns = Static<typeof PaymentInput>
export type PaymentRow = Static<typeof PaymentRow>
export type RefundColumns = Static<typeof RefundInput>
export type RefundRow = Static<typeof RefundRow>
export type PaymentInput = typeof PaymentInput
export type RefundInput = typeof RefundInput

const changes = ['created', 'updated'] as const

export const paymentCollection: Declaration<PaymentInput> = {
  name: 'payments',
  label: 'Payment',
  input: PaymentInput,
  filters: { userId: 'equals', status: 'equals' },
  events: { ...eventsOf('payment', '/payments', { data: Payment, scope: 'payments:read' }, changes), owner: 'userId' },
  migrations: [
    {
      id: 'payments-1-create',
      up: ({ schema, createCollection, text, integer }) => [
        createCollection('payments')
          .addColumn('user_id', integer, (column) => column.notNull())
          .addColumn('kind', text, (column) => column.notNull())
          .addColumn('amount', integer, (column) => column.notNull())
          .addColumn('currency', text, (column) => column.notNull())
          .addColumn('description', text)
          .addColumn('status', text, (column) => column.notNull())
          .addColumn('amount_refunded', integer, (column) => column.notNull())
          .addColumn('amount_received', integer, (column) => column.notNull())
          .addColumn('failure', text)
          .addColumn('failure_property', text)
          .addColumn('payment_intent_id', text)
          .addColumn('checkout_session_id', text)
          .addColumn('reference', text, (column) => column.notNull())
          .addColumn('attempt', integer, (column) => column.notNull())
          .addColumn('unsure_since', text)
          .addColumn('customer_id', text, (column) => column.notNull())
          .addColumn('payment_method', text)
          .addColumn('declined_at', text)
          .addColumn('success_url', text)
          .addColumn('cancel_url', text),
        schema.createIndex('payments_reference_unique').on('payments').column('reference').unique(),
        schema.createIndex('payments_user_id').on('payments').columns(['user_id', 'id']),
        schema.createIndex('payments_declined').on('payments').columns(['user_id', 'declined_at']),
        schema.createIndex('payments_status').on('payments').columns(['status', 'id']),
        schema.createIndex('payments_payment_intent_id').on('payments').column('payment_intent_id'),
        schema.createIndex('payments_checkout_session_id').on('payments').column('checkout_session_id'),
      ],
    },
  ],
}

export const refundCollection: Declaration<RefundInput> = {
  name: 'refunds',
  label: 'Refund',
  input: RefundInput,
  filters: { paymentId: 'equals' },
  events: { ...eventsOf('refund', '/refunds', { data: Refund, scope: 'payments:read' }, changes), owner: 'userId' },
  migrations: [
    {
      id: 'refunds-1-create',
      up: ({ schema, createCollection, text, integer }) => [
        createCollection('refunds')
          .addColumn('payment_id', integer, (column) => column.notNull())
          .addColumn('user_id', integer, (column) => column.notNull())
          .addColumn('amount', integer, (column) => column.notNull())
          .addColumn('currency', text, (column) => column.notNull())
          .addColumn('reason', text)
          .addColumn('status', text, (column) => column.notNull())
          .addColumn('failure', text)
          .addColumn('failure_property', text)
          .addColumn('refund_id', text)
          .addColumn('payment_intent_id', text, (column) => column.notNull())
          .addColumn('reference', text, (column) => column.notNull())
          .addColumn('attempt', integer, (column) => column.notNull())
          .addColumn('unsure_since', text),
        schema.createIndex('refunds_reference_unique').on('refunds').column('reference').unique(),
        schema.createIndex('refunds_status').on('refunds').columns(['status', 'id']),
        schema.createIndex('refunds_payment_id').on('refunds').columns(['payment_id', 'id']),
      ],
    },
  ],
}

export const customerMigrations: readonly Migration[] = [
  {
    id: 'stripe-1-customers',
    up: ({ schema, text, integer }) => [
      schema
        .createTable('stripe_customers')
        .addColumn('user_id', integer, (column) => column.primaryKey())
        .addColumn('reference', text, (column) => column.notNull())
        .addColumn('attempt', integer, (column) => column.notNull())
        .addColumn('customer_id', text)
        .addColumn('created_at', text, (column) => column.notNull()),
    ],
  },
]
