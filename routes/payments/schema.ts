/** What callers say of payments and refunds, and what only who has made them is told. */

import { Type } from '@sinclair/typebox'
import { Enum } from '../../src/schemas/enum.ts'
import { Id, reference } from '../../src/schemas/id.ts'
import { idsQuery, pageQuery } from '../../src/schemas/page.ts'
import { Amount, Currency, Payment, PaymentStatus, Refund, RefundReason } from '../../src/schemas/payment.ts'

export { Payment, Refund }

const userId = Type.Optional(reference('getUser', 'The user who pays: yourself, unless you act for others.'))

const Description = Type.String({
  minLength: 1,
  maxLength: 250,
  pattern: '\\S',
  description: 'What it is for; the user reads it.',
  examples: ['Two tickets'],
})

const Url = (description: string) =>
  Type.Optional(
    Type.String({
      maxLength: 2000,
      pattern: '^https?://\\S+$',
      description,
      examples: ['https://shop.example.com/paid'],
    }),
  )

export const PaymentIntentInput = Type.Object(
  {
    userId,
    amount: Amount,
    currency: Currency,
    description: Type.Optional(Description),
    paymentMethod: Type.Optional(
      Type.String({
        pattern: '^pm_[A-Za-z0-9_]{1,200}$',
        description: 'A method of payment at Stripe: with it the payment is made at once.',
        examples: ['pm_1NfFxy2eZvKYlo2C'],
      }),
    ),
  },
  {
    $id: 'PaymentIntentInput',
    additionalProperties: false,
    description: 'What is to be paid in an application of the user.',
    examples: [{ amount: 1999, currency: 'eur', description: 'Two tickets' }],
  },
)

export const CheckoutSessionInput = Type.Object(
  {
    userId,
    amount: Amount,
    currency: Currency,
    description: Description,
    successUrl: Url('Where the user comes back to when it is paid; `STRIPE_SUCCESS_URL` without it.'),
    cancelUrl: Url('Where the way back leads; `STRIPE_CANCEL_URL` without it.'),
  },
  {
    $id: 'CheckoutSessionInput',
    additionalProperties: false,
    description: 'What is to be paid on a page of Stripe.',
    examples: [{ amount: 1999, currency: 'eur', description: 'Two tickets' }],
  },
)

export const NewPaymentIntent = Type.Object(
  {
    ...Payment.properties,
    clientSecret: Type.Union([Type.String(), Type.Null()], {
      description: 'What the application of the user pays with. It is for nobody else.',
      examples: ['pi_3NfFxy2eZvKYlo2C_secret_YrKJUKribcBjcG8HVhfZluoGH'],
    }),
  },
  { $id: 'NewPaymentIntent', additionalProperties: false, description: 'A payment, and the secret to pay it with.' },
)

export const NewCheckoutSession = Type.Object(
  {
    ...Payment.properties,
    url: Type.Union([Type.String(), Type.Null()], {
      description: 'The page to lead the user to; null when it is paid or canceled.',
      examples: ['https://checkout.stripe.com/c/pay/cs_test_a1'],
    }),
  },
  { $id: 'NewCheckoutSession', additionalProperties: false, description: 'A payment, and the page to pay it on.' },
)

export const RefundInput = Type.Object(
  {
    amount: Type.Optional({ ...Amount, description: 'How much of it; without it, all that is left.' }),
    reason: Type.Optional(RefundReason),
  },
  {
    $id: 'RefundInput',
    additionalProperties: false,
    description: 'What to give back of a payment.',
    examples: [{ amount: 999, reason: 'requested-by-customer' }],
  },
)

export const PaymentParams = Type.Object({ id: Id }, { additionalProperties: false })

export const PaymentQuery = Type.Object(
  {
    ...pageQuery,
    ...idsQuery,
    userId: Type.Optional(Type.Integer({ ...Id, description: 'Only those of this user.' })),
    status: Type.Optional({ ...PaymentStatus, description: 'Only those in this state.' }),
    sort: Type.Optional(
      Enum(['id', '-id'], { default: '-id', description: 'Order; `-` before a property for descending.' }),
    ),
  },
  { additionalProperties: false },
)

export const RefundQuery = Type.Object(pageQuery, { additionalProperties: false })
