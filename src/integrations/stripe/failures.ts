/** What the failures of Stripe come to: for a delivery, and for a caller. Only its own words about the input are repeated. */

import type { Stripe } from 'stripe'
import type { Outcome } from '../../deliveries/delivery.ts'
import { Problem } from '../../errors.ts'
import { waitOf } from '../../outbound/retry-after.ts'

type StripeError = Stripe.errors.StripeError

/** For a caller, in seconds, where Stripe does not say how long. */
const defaultWait = 10
/** Of a message of Stripe, in characters. */
const longestMessage = 500

/** Properties of our input, by the parameters of Stripe that are made of them. */
const properties: Partial<Record<string, string>> = {
  amount: 'amount',
  'line_items[0][price_data][unit_amount]': 'amount',
  currency: 'currency',
  'line_items[0][price_data][currency]': 'currency',
  description: 'description',
  'line_items[0][price_data][product_data][name]': 'description',
  payment_method: 'paymentMethod',
  success_url: 'successUrl',
  cancel_url: 'cancelUrl',
}

export function isStripeError(error: unknown): error is StripeError {
  return error instanceof Error && /^Stripe\w*Error$/.test(String((error as { type?: unknown }).type))
}

/** That Stripe has nothing of this id. */
export function isMissing(error: unknown, parameter?: string): boolean {
  if (!isStripeError(error) || error.code !== 'resource_missing') return false
  return parameter === undefined || error.param === parameter
}

/** That Stripe has read the input and will not take it, however often it is sent. */
export function isRefusal(error: unknown): error is StripeError {
  return isStripeError(error) && error.type === 'StripeInvalidRequestError' && error.statusCode !== undefined
}

export function isDecline(error: unknown): error is StripeError {
  return isStripeError(error) && error.type === 'StripeCardError'
}

/** That an intent is not in a state for what was asked: somebody else was first. */
export function isUnexpectedState(error: unknown): boolean {
  return isRefusal(error) && error.code === 'payment_intent_unexpected_state'
}

/** That a failure of Stripe is kept under the key: it repeats it for as long as it keeps the key. */
export function isKept(error: unknown): boolean {
  return isStripeError(error) && (error.statusCode ?? 0) >= 500 && error.headers?.['idempotent-replayed'] === 'true'
}

export function messageOf({ message }: { message: string }): string {
  return message.slice(0, longestMessage)
}

/** What a parameter of Stripe is called in the input; nothing for what the caller has not said. */
export function propertyOf({ param }: StripeError): string | undefined {
  return param === undefined ? undefined : properties[param]
}

/** @throws what is no failure of Stripe. */
export function outcomeOf(error: unknown): Outcome {
  if (!isStripeError(error)) throw error
  const { statusCode: status, headers } = error
  if (status === 401 || status === 403)
    return { as: 'retry', status, error: 'Stripe does not accept STRIPE_SECRET_KEY, or not for this' }
  if (isRefusal(error) || isDecline(error)) return { as: 'dead', status, error: messageOf(error) }
  if (status === undefined) return { as: 'retry', error: 'There was no answer from Stripe' }
  return { as: 'retry', status, after: waitOf(headers?.['retry-after']), error: `Stripe answered ${status}` }
}

/** As a caller meets it, with an `Idempotency-Key` or without; what is no failure of Stripe stays what it is. */
export function problemOf(error: unknown, hasKey: boolean): unknown {
  if (!isStripeError(error)) return error
  const { statusCode, requestId, headers } = error
  if (isDecline(error)) return new Problem('conflict', messageOf(error))
  if (isRefusal(error)) return refusal(messageOf(error), propertyOf(error))
  const wait = Math.ceil((waitOf(headers?.['retry-after']) ?? defaultWait * 1000) / 1000)
  // The error itself holds headers and objects, secrets of clients among them: they are not for the log.
  const answer = statusCode === undefined ? 'gave no answer' : `answered ${statusCode}`
  const cause = new Error(`Stripe ${answer}${requestId === undefined ? '' : ` (${requestId})`}`)
  const again = hasKey ? 'try again with the same Idempotency-Key' : 'see whether it has come to pass, and try again'
  return new Problem('unavailable', `Stripe cannot be asked at the moment: ${again}`, {
    headers: { 'retry-after': String(wait) },
    cause,
  })
}

/** What Stripe has said of the input. */
export function refusal(message: string, property: string | null | undefined): Problem {
  if (property == null) return new Problem('conflict', message)
  const errors = [{ in: 'body' as const, pointer: `/${property}`, detail: message }]
  return new Problem('validation-failed', 'Stripe does not take the body', { errors })
}
