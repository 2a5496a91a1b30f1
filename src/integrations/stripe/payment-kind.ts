/** How a payment is asked of Stripe, and what a row says of it: an intent, or a session that makes one. */

import { randomUUID } from 'node:crypto'
import type { Stripe } from 'stripe'
import type { PaymentInput, PaymentRow } from './collections.ts'
import type { Customers } from './customers.ts'
import { isDecline, isKept, isMissing, isRefusal, isUnexpectedState } from './failures.ts'
import type { Kind } from './requests.ts'
import type { Rows, Versioned } from './rows.ts'

export type Intent = Stripe.PaymentIntent
export type Session = Stripe.Checkout.Session
export type PaymentThing = Intent | Session
type Columns = Partial<PaymentRow>

/** Metadata by which what Stripe has made for a payment is known. */
export const paymentMark = 'septet_payment'
/** Clocks may differ by this, in seconds. */
const clockSkew = 3600
/** The charge says what has been given back. */
const ofIntent = { expand: ['latest_charge'] }
const ofSession = { expand: ['payment_intent.latest_charge'] }

export class PaymentKind implements Kind<PaymentRow, PaymentThing> {
  readonly label = 'payment'
  /** An intent is made without being confirmed, and nobody knows the address of a page that was never told. */
  readonly doubt = 0
  readonly #stripe: Stripe
  readonly #rows: Rows<PaymentInput, typeof PaymentRow>
  readonly #customers: Customers

  constructor(stripe: Stripe, rows: Rows<PaymentInput, typeof PaymentRow>, customers: Customers) {
    this.#stripe = stripe
    this.#rows = rows
    this.#customers = customers
  }

  get(id: number): Promise<Versioned<PaymentRow>> {
    return this.#rows.get(id)
  }

  change(row: Versioned<PaymentRow>, changes: Columns): Promise<Versioned<PaymentRow> | undefined> {
    return this.#rows.change(row, changes)
  }

  /** By lists, which lack nothing that was made before they are read. */
  async find(row: PaymentRow): Promise<PaymentThing | undefined> {
    const { kind, customerId: customer, reference, createdAt } = row
    const gte = Math.floor(Date.parse(createdAt) / 1000) - clockSkew
    if (kind === 'payment-intent') {
      for await (const intent of this.#stripe.paymentIntents.list({ customer, created: { gte }, limit: 100 }))
        if (intent.metadata[paymentMark] === reference && isOf(row, intent)) return intent
      return undefined
    }
    for await (const session of this.#stripe.checkout.sessions.list({ customer, limit: 100 })) {
      if (session.metadata?.[paymentMark] === reference && isOf(row, session)) return session
      // The newest come first.
      if (session.created < gte) return undefined
    }
    return undefined
  }

  isOf(row: PaymentRow, thing: PaymentThing): boolean {
    return isOf(row, thing)
  }

  create(row: PaymentRow, idempotencyKey: string): Promise<PaymentThing> {
    return row.kind === 'payment-intent'
      ? this.#stripe.paymentIntents.create(intentOf(row), { idempotencyKey })
      : this.#stripe.checkout.sessions.create(sessionOf(row), { idempotencyKey })
  }

  isMade({ paymentIntentId, checkoutSessionId }: PaymentRow): boolean {
    return paymentIntentId !== null || checkoutSessionId !== null
  }

  retrieve({ paymentIntentId, checkoutSessionId }: PaymentRow): Promise<PaymentThing> {
    return checkoutSessionId === null
      ? this.#stripe.paymentIntents.retrieve(paymentIntentId ?? '', ofIntent)
      : this.#stripe.checkout.sessions.retrieve(checkoutSessionId, ofSession)
  }

  /** An intent is paid at most once, under whatever key: so it may be confirmed again where Stripe is not sure. */
  async complete(row: PaymentRow, thing: PaymentThing): Promise<PaymentThing> {
    if (!isToConfirm(row, thing)) return thing
    const key = `septet-confirm-${thing.id}`
    try {
      return await this.#confirm(thing.id, key)
    } catch (error) {
      if (!isKept(error)) throw error
    }
    const now = await this.retrieve(row)
    return isToConfirm(row, now) ? this.#confirm(now.id, `${key}-${randomUUID()}`) : now
  }

  async discard(thing: PaymentThing): Promise<boolean> {
    try {
      if (thing.object === 'payment_intent') await this.#stripe.paymentIntents.cancel(thing.id)
      else await this.#stripe.checkout.sessions.expire(thing.id)
      return true
    } catch (error) {
      if (!isRefusal(error)) throw error
    }
    const { status } =
      thing.object === 'payment_intent'
        ? await this.#stripe.paymentIntents.retrieve(thing.id)
        : await this.#stripe.checkout.sessions.retrieve(thing.id)
    return status === 'canceled' || status === 'expired'
  }

  /** A customer who was deleted at Stripe, though the user is there. */
  async mend({ userId, customerId }: PaymentRow, error: unknown): Promise<Columns | undefined> {
    if (!isMissing(error, 'customer')) return undefined
    const replaced = await this.#customers.replace(userId, customerId)
    return replaced === undefined ? undefined : { customerId: replaced }
  }

  async #confirm(id: string, idempotencyKey: string): Promise<PaymentThing> {
    try {
      return await this.#stripe.paymentIntents.confirm(id, ofIntent, { idempotencyKey })
    } catch (error) {
      if (isDecline(error) && error.payment_intent) return error.payment_intent
      if (isUnexpectedState(error)) return this.#stripe.paymentIntents.retrieve(id, ofIntent)
      // It will never be paid: nobody is to find it waiting.
      if (isRefusal(error)) await this.#stripe.paymentIntents.cancel(id)
      throw error
    }
  }

  changes(row: PaymentRow, thing: PaymentThing): Columns {
    const told = thing.object === 'payment_intent' ? toldByIntent(row, thing) : toldBySession(row, thing)
    const differ = Object.entries(told).filter(([name, value]) => row[name as keyof PaymentRow] !== value)
    return Object.fromEntries(differ) as Columns
  }
}

/** Metadata can be written by others: what a row asks for is the same in all that counts. */
function isOf({ kind, customerId, currency, amount }: PaymentRow, thing: PaymentThing): boolean {
  const { customer } = thing
  const isSame = (typeof customer === 'string' ? customer : customer?.id) === customerId && thing.currency === currency
  if (thing.object === 'payment_intent') return isSame && kind === 'payment-intent' && thing.amount === amount
  return isSame && kind === 'checkout-session' && thing.amount_total === amount
}

function markOf({ id, userId, reference }: PaymentRow) {
  return { [paymentMark]: reference, septet_payment_id: String(id), septet_user: String(userId) }
}

/** That the row asks for it to be paid at once, and nobody has tried. */
function isToConfirm({ paymentMethod }: PaymentRow, thing: PaymentThing): boolean {
  return paymentMethod !== null && thing.object === 'payment_intent' && thing.status === 'requires_confirmation'
}

/** With a method of payment it is to be paid at once: what would lead the user elsewhere is left out. */
function intentOf(row: PaymentRow): Stripe.PaymentIntentCreateParams {
  const { amount, currency, customerId, description, paymentMethod } = row
  return {
    amount,
    currency,
    customer: customerId,
    ...(description !== null && { description }),
    metadata: markOf(row),
    automatic_payment_methods: { enabled: true, ...(paymentMethod !== null && { allow_redirects: 'never' }) },
    ...(paymentMethod !== null && { payment_method: paymentMethod }),
    ...ofIntent,
  }
}

function sessionOf(row: PaymentRow): Stripe.Checkout.SessionCreateParams {
  const { amount, currency, customerId, description, successUrl, cancelUrl } = row
  const metadata = markOf(row)
  const name = description ?? 'Payment'
  return {
    mode: 'payment',
    customer: customerId,
    line_items: [{ quantity: 1, price_data: { currency, unit_amount: amount, product_data: { name } } }],
    metadata,
    payment_intent_data: { metadata, description: name },
    ...(successUrl !== null && { success_url: successUrl }),
    ...(cancelUrl !== null && { cancel_url: cancelUrl }),
    ...ofSession,
  }
}

function toldBySession(row: PaymentRow, session: Session): Columns {
  const { id: checkoutSessionId, payment_intent: intent, status, payment_status: paid } = session
  const known = { checkoutSessionId, ...(typeof intent === 'string' && { paymentIntentId: intent }) }
  if (status === 'expired') return { ...known, status: 'canceled' }
  if (intent !== null && typeof intent === 'object') {
    const told = { ...toldByIntent(row, intent), checkoutSessionId }
    // The page has ended: nobody can try another method of payment there.
    const hasFailed = status === 'complete' && intent.status === 'requires_payment_method'
    return hasFailed ? { ...told, status: 'failed', failure: told.failure ?? 'The payment has failed' } : told
  }
  if (status === 'open') return { ...known, status: 'requires-payment' }
  if (paid === 'unpaid') return { ...known, status: 'processing' }
  return { ...known, amountReceived: row.amount, status: statusOfPaid(row.amount, row.amountRefunded) }
}

function toldByIntent(row: PaymentRow, intent: Intent): Columns {
  const { id: paymentIntentId, latest_charge: charge, last_payment_error: error } = intent
  const amountRefunded = charge !== null && typeof charge === 'object' ? charge.amount_refunded : row.amountRefunded
  if (row.status === 'failed' && intent.status === 'canceled') return { paymentIntentId }
  const status = isToConfirm(row, intent)
    ? 'requested'
    : statusOf(intent.status, intent.amount_received, amountRefunded)
  // Of a payment that has come to pass, the attempts that failed before say nothing.
  const failure = intent.status === 'requires_payment_method' ? (error?.message ?? null) : null
  // A payment that is canceled after that was declined all the same.
  const isDeclined = row.paymentMethod !== null && error !== null && intent.status !== 'succeeded'
  const declinedAt = row.declinedAt ?? (isDeclined ? new Date().toISOString() : null)
  return { paymentIntentId, amountReceived: intent.amount_received, amountRefunded, status, failure, declinedAt }
}

function statusOf(status: Intent['status'], received: number, refunded: number): PaymentRow['status'] {
  switch (status) {
    case 'succeeded':
      return statusOfPaid(received, refunded)
    case 'requires_action':
      return 'requires-action'
    case 'requires_capture':
      return 'requires-capture'
    case 'processing':
      return 'processing'
    case 'canceled':
      return 'canceled'
    default:
      return 'requires-payment'
  }
}

function statusOfPaid(received: number, refunded: number): PaymentRow['status'] {
  if (refunded === 0) return 'succeeded'
  return refunded < received ? 'partially-refunded' : 'refunded'
}
