/** WebHooks of Stripe: what they say has changed is asked for again, so that their order means nothing. */

import type { Stripe } from 'stripe'
import type { Inbound, Received } from '../../connectors/connector.ts'
import { unauthenticated } from '../../contract/access.ts'
import type { Outcome } from '../../deliveries/delivery.ts'
import { Problem } from '../../errors.ts'
import type { Storage } from '../../storage/storage.ts'
import type { PaymentRow, RefundRow } from './collections.ts'
import { isMissing, isStripeError } from './failures.ts'
import { type PaymentThing, paymentMark } from './payment-kind.ts'
import type { PaymentSql } from './payment-sql.ts'
import type { Requests } from './requests.ts'

/** How old a signature may be, in seconds: Stripe makes another at each attempt. */
const tolerance = 300

/** A header with a signature of HMAC-SHA256. */
const form = /(^|,)v1=[\da-f]{64}(,|$)/

/** What an event is about, by the ids of Stripe. */
interface Subject {
  intent: string | null
  session: string | null
  refund: string | null
}

export interface InboundParts {
  readonly stripe: Stripe
  readonly secrets: readonly string[]
  readonly engine: Storage
  readonly sql: PaymentSql
  readonly paymentRequests: Requests<PaymentRow, PaymentThing>
  readonly refundRequests: Requests<RefundRow, Stripe.Refund>
}

export class StripeEvents {
  readonly #parts: InboundParts

  constructor(parts: InboundParts) {
    this.#parts = parts
  }

  /** @throws {Problem} `unauthenticated`; `malformed-request`. */
  receive({ headers, body }: Inbound): Received[] {
    const event = this.#verified(body, headers['stripe-signature'])
    if (typeof event?.id !== 'string' || typeof event.type !== 'string')
      throw new Problem('malformed-request', 'The body is no event of Stripe')
    const subject = subjectOf(event.data?.object as unknown as Record<string, unknown> | undefined)
    return subject === undefined ? [] : [{ id: event.id, type: event.type, data: subject }]
  }

  async handle({ data }: Received, signal: AbortSignal): Promise<Outcome> {
    const { paymentRequests } = this.#parts
    const subject = data as Subject
    const known = await this.#known(subject)
    signal.throwIfAborted()
    if (known !== undefined) await paymentRequests.reflect(known)
    const id = known ?? (await this.#adopted(subject))
    if (id !== undefined) await this.#reflectRefunds(id, subject, signal)
    // What is no payment of ours is none of our business.
    return { as: 'delivered' }
  }

  /** By one of the secrets: while one is rolled, there are two. */
  #verified(body: Buffer, signature: string | string[] | undefined): Stripe.Event {
    const { stripe, secrets } = this.#parts
    const header = String(signature ?? '')
    // The library takes the length of any other for a fault of the body.
    for (const secret of form.test(header) ? secrets : []) {
      try {
        return stripe.webhooks.constructEvent(body, header, secret, tolerance)
      } catch (error) {
        if (!isStripeError(error))
          throw new Problem('malformed-request', 'The body is no event of Stripe', { cause: error })
      }
    }
    throw unauthenticated('The header stripe-signature is not good, or older than five minutes')
  }

  /** The payment whose row names what the event is about. */
  async #known({ intent, session }: Subject): Promise<number | undefined> {
    const { engine, sql } = this.#parts
    const byIntent = intent === null ? undefined : await engine.first<{ id: number }>(sql.byIntent, { value: intent })
    if (byIntent) return byIntent.id
    return session === null ? undefined : (await engine.first<{ id: number }>(sql.bySession, { value: session }))?.id
  }

  /** The payment that is named by the metadata of what the event is about: it may be told of before its answer is read. */
  async #adopted(subject: Subject): Promise<number | undefined> {
    const { engine, sql, paymentRequests } = this.#parts
    const thing = await this.#thing(subject)
    const reference = thing?.metadata?.[paymentMark]
    if (thing === undefined || reference === undefined) return undefined
    const row = await engine.first<{ id: number }>(sql.byReference, { value: reference })
    const known = row && (await paymentRequests.adopt(row.id, thing))
    return known?.row.id
  }

  async #thing({ intent, session }: Subject): Promise<PaymentThing | undefined> {
    const { stripe } = this.#parts
    try {
      if (session !== null)
        return await stripe.checkout.sessions.retrieve(session, { expand: ['payment_intent.latest_charge'] })
      if (intent !== null) return await stripe.paymentIntents.retrieve(intent, { expand: ['latest_charge'] })
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    return undefined
  }

  /** The one that the event names, and those that are on their way: a charge does not say which of them has changed. */
  async #reflectRefunds(id: number, { refund: named }: Subject, signal: AbortSignal): Promise<void> {
    const { engine, sql, refundRequests } = this.#parts
    for (const refund of await engine.all<{ id: number }>(sql.refunds, { id, named })) {
      signal.throwIfAborted()
      await refundRequests.refresh(refund.id)
    }
  }
}

/** Nothing for what no payment depends on. */
function subjectOf(object: Record<string, unknown> | undefined): Subject | undefined {
  const idOf = (value: unknown) => (typeof value === 'string' ? value : null)
  switch (object?.object) {
    case 'payment_intent':
      return { intent: idOf(object.id), session: null, refund: null }
    case 'checkout.session':
      return { intent: idOf(object.payment_intent), session: idOf(object.id), refund: null }
    case 'charge':
      return { intent: idOf(object.payment_intent), session: null, refund: null }
    case 'refund':
      return { intent: idOf(object.payment_intent), session: null, refund: idOf(object.id) }
    default:
      return undefined
  }
}
