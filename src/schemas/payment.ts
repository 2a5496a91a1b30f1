/** Payments and refunds as every wire shows them, and as their events tell of them. */

import { Type } from '@sinclair/typebox'
import { Enum } from './enum.ts'
import { Id, reference } from './id.ts'
import { Moment } from './moment.ts'

/** In the smallest unit of a currency: the largest that fits the eight digits that Stripe takes. */
const largestAmount = 99_999_999

export const Amount = Type.Integer({
  minimum: 1,
  maximum: largestAmount,
  description: 'Amount in the smallest unit of the currency: cents of `eur`, yen of `jpy`.',
  examples: [1999],
})

/** Shown: of what has not come to pass, 0. */
export const ShownAmount = (description: string) =>
  Type.Integer({ minimum: 0, maximum: largestAmount, description, examples: [1999] })

export const Currency = Type.String({
  pattern: '^[a-z]{3}$',
  description: 'Currency (ISO 4217), in lower case.',
  examples: ['eur'],
})

export const PaymentStatus = Enum(
  [
    'requested',
    'requires-payment',
    'requires-action',
    'processing',
    'requires-capture',
    'succeeded',
    'partially-refunded',
    'refunded',
    'canceled',
    'failed',
  ],
  {
    description:
      '`requested`: Stripe has not confirmed that it knows of it; `requires-payment`: the user has yet to pay; `requires-action`: the user has yet to confirm, to their bank for example; `requires-capture`: reserved; `failed`: Stripe has refused it.',
    examples: ['requires-payment'],
  },
)

export const RefundStatus = Enum(['requested', 'pending', 'succeeded', 'canceled', 'failed'], {
  description:
    '`requested`: Stripe has not confirmed that it knows of it; `pending`: it is on its way; `failed`: it was refused, or has come back.',
  examples: ['succeeded'],
})

export const RefundReason = Enum(['duplicate', 'fraudulent', 'requested-by-customer'], {
  description: 'Why.',
  examples: ['requested-by-customer'],
})

const MaybeText = (description: string, example: string | null) =>
  Type.Union([Type.String(), Type.Null()], { description, examples: [example] })

const failure = MaybeText('Why it has failed, or why the last attempt to pay has; null where none has.', null)

export const Payment = Type.Object(
  {
    id: Id,
    userId: reference('getUser', 'The user who pays.'),
    kind: Enum(['payment-intent', 'checkout-session'], {
      description: 'How the user pays: in an application by its client secret, or on a page of Stripe.',
      examples: ['payment-intent'],
    }),
    amount: ShownAmount('Amount in the smallest unit of the currency.'),
    currency: Currency,
    description: MaybeText('What it is for.', 'Two tickets'),
    status: PaymentStatus,
    amountRefunded: { ...ShownAmount('What of it has been given back, or is on its way.'), examples: [0] },
    failure,
    paymentIntentId: MaybeText('Identifier of the payment intent at Stripe, once there is one.', 'pi_3NfFxy2eZvKYlo2C'),
    checkoutSessionId: MaybeText('Identifier of the checkout session at Stripe.', null),
    createdAt: Moment('When it was asked for.'),
    updatedAt: Moment('When it last changed.'),
  },
  { $id: 'Payment', additionalProperties: false, description: 'A payment.' },
)

export const Refund = Type.Object(
  {
    id: Id,
    paymentId: reference('getPayment', 'The payment that it gives back.'),
    userId: reference('getUser', 'The user who gets it.'),
    amount: ShownAmount('Amount in the smallest unit of the currency.'),
    currency: Currency,
    reason: Type.Union([RefundReason, Type.Null()], { description: 'Why.', examples: ['requested-by-customer'] }),
    status: RefundStatus,
    failure,
    refundId: MaybeText('Identifier of the refund at Stripe.', 're_3NfFxy2eZvKYlo2C'),
    createdAt: Moment('When it was asked for.'),
    updatedAt: Moment('When it last changed.'),
  },
  { $id: 'Refund', additionalProperties: false, description: 'What is given back of a payment.' },
)
