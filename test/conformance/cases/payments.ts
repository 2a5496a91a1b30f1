/** Payments, with a counterpart of Stripe behind the servers of all wires. What they do is tested elsewhere. */

import root from 'tap'
import { openCounterpart } from '../../integrations/stripe/counterpart.ts'
import type { Result } from '../clients/client.ts'
import { asAdmin, type Case, failed, idOf, type Step, several, violating } from './case.ts'

/** Of servers on which payments can be made. */
export const paymentSettings = (await openCounterpart(root)).settings

const asked = { userId: 1, amount: 1999, currency: 'eur', description: 'Two tickets' }
const atOnce = { ...asked, paymentMethod: 'pm_card_visa' }
const shown = {
  ...asked,
  kind: 'payment-intent',
  status: 'requires-payment',
  amountRefunded: 0,
  failure: null,
  paymentIntentId: /^pi_/,
  checkoutSessionId: null,
}
const paid = { ...shown, status: 'succeeded' }

function admin(operationId: string, input: object, expect: object, more: object = {}): Step {
  const headers: Step['headers'] = (keys) => ({ ...asAdmin(keys), ...more })
  return { operationId, input: input as NonNullable<Step['input']>, headers, expect }
}

/** Of the payment that the first step has made. */
function then(operationId: string, input: object, expect: object, more: object = {}) {
  return (results: readonly Result[]): Step => admin(operationId, { id: idOf(results), ...input }, expect, more)
}

const once = { 'idempotency-key': 'tickets' }
const part = { amount: 999, reason: 'requested-by-customer' }
const refund = { ...part, userId: 1, currency: 'eur', status: 'succeeded', failure: null, refundId: /^re_/ }

const cases: readonly Case[] = [
  several(
    'a payment that is made, shown and canceled',
    admin('createPaymentIntent', asked, { value: { ...shown, clientSecret: /^pi_\w+_secret_/ } }),
    then('getPayment', {}, { value: shown }),
    then('cancelPayment', {}, { value: { ...shown, status: 'canceled' } }),
    then('cancelPayment', {}, { value: { ...shown, status: 'canceled' } }),
    then('refundPayment', {}, failed('conflict', 409, { detail: 'The payment is canceled' }), once),
    admin('listPayments', { status: 'canceled' }, { value: { items: [{ ...shown, status: 'canceled' }] } }),
    admin('getPayment', { id: 999 }, failed('not-found', 404)),
  ),
  several(
    'a payment on a page',
    admin('createCheckoutSession', asked, {
      value: { ...shown, kind: 'checkout-session', paymentIntentId: null, checkoutSessionId: /^cs_/, url: /^https:/ },
    }),
    then('cancelPayment', {}, { value: { status: 'canceled' } }),
  ),
  several(
    'a payment that is asked for twice, and given back in part',
    admin('createPaymentIntent', atOnce, { value: paid }, once),
    admin('createPaymentIntent', atOnce, { value: paid }, once),
    admin('createPaymentIntent', asked, failed('idempotency-key-reused', 422), once),
    then('refundPayment', part, { value: refund }, once),
    then('refundPayment', part, { value: refund }, once),
    then('refundPayment', { amount: 1001 }, failed('conflict', 409, { detail: 'Not so much is left of the payment' }), {
      'idempotency-key': 'more',
    }),
    then('listRefunds', {}, { value: { items: [refund] } }),
    then('getPayment', {}, { value: { ...paid, status: 'partially-refunded', amountRefunded: 999 } }),
  ),
  several(
    'payments that are refused',
    admin('createPaymentIntent', { ...asked, paymentMethod: 'pm_card_chargeDeclined' }, failed('conflict', 409), {
      'idempotency-key': 'declined',
    }),
    admin(
      'createPaymentIntent',
      atOnce,
      violating(['header', '/idempotency-key', 'must be given: the request moves money']),
    ),
    admin(
      'createPaymentIntent',
      { ...asked, currency: 'xxx' },
      violating(['body', '/currency', 'Invalid currency: xxx.']),
    ),
    admin('createPaymentIntent', { ...asked, amount: 0 }, violating(['body', '/amount', 'must be >= 1'])),
    admin('createPaymentIntent', { ...asked, userId: 999 }, failed('not-found', 404)),
    admin(
      'createCheckoutSession',
      { ...asked, userId: undefined },
      violating(['body', '/userId', 'must say who pays']),
    ),
    { operationId: 'createPaymentIntent', input: asked, expect: failed('unauthenticated', 401) },
    {
      operationId: 'listPayments',
      headers: ({ readOnly }) => ({ 'x-api-key': readOnly }),
      expect: failed('forbidden', 403),
    },
  ),
]

export const paymentCases: readonly Case[] = cases.map((each) => ({ ...each, settings: paymentSettings }))
