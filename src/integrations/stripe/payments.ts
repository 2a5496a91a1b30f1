/** Payments as callers make and see them: each their own, or everybody's for a key of nobody and administrators. */

import { randomUUID } from 'node:crypto'
import type { Stripe } from 'stripe'
import type { UserRecords } from '../../connectors/connector.ts'
import type { Eventually } from '../../contract/eventually.ts'
import type { Once } from '../../contract/idempotency.ts'
import type { Principal } from '../../contract/principal.ts'
import { Problem } from '../../errors.ts'
import { Payment, Refund } from '../../schemas/payment.ts'
import type { Created, Found, Page } from '../../storage/collection.ts'
import { type Command, orConflict } from '../../storage/storage.ts'
import { Attempts } from './attempts.ts'
import type { PaymentColumns, PaymentInput, PaymentRow, RefundColumns, RefundInput, RefundRow } from './collections.ts'
import type { Customers } from './customers.ts'
import { isRefusal, isStripeError, problemOf, refusal } from './failures.ts'
import type { Intent, PaymentThing, Session } from './payment-kind.ts'
import type { PaymentSql } from './payment-sql.ts'
import type { Finished, Requests } from './requests.ts'
import { ownOf, requireAll, requireOnce } from './rights.ts'
import type { Rows, Versioned } from './rows.ts'
import { made, type PaymentView, type RefundView, shown, shownRefund } from './views.ts'

type NewIntent = PaymentView & { clientSecret: string | null }
type NewSession = PaymentView & { url: string | null }

export interface Asked {
  userId?: number | undefined
  amount: number
  currency: string
  description?: string | undefined
}
export type AskedIntent = Asked & { paymentMethod?: string | undefined }
export type AskedSession = Asked & { successUrl?: string | undefined; cancelUrl?: string | undefined }

export interface AskedRefund {
  amount?: number | undefined
  reason?: NonNullable<RefundRow['reason']> | undefined
}

export interface PaymentQuery {
  limit: number
  cursor?: string | undefined
  sort?: string | undefined
  ids?: readonly number[] | undefined
  userId?: number | undefined
  status?: PaymentRow['status'] | undefined
}

export interface PaymentParts {
  readonly stripe: Stripe
  readonly users: UserRecords
  readonly customers: Customers
  readonly payments: Rows<PaymentInput, typeof PaymentRow>
  readonly refunds: Rows<RefundInput, typeof RefundRow>
  readonly paymentRequests: Requests<PaymentRow, PaymentThing>
  readonly refundRequests: Requests<RefundRow, Stripe.Refund>
  readonly sql: PaymentSql
  readonly successUrl: string | undefined
  readonly cancelUrl: string | undefined
  /** Those that are taken; all, without. */
  readonly currencies: readonly string[] | undefined
}

/** What has not been paid. */
const open: readonly PaymentRow['status'][] = [
  'requested',
  'requires-payment',
  'requires-action',
  'requires-capture',
  'processing',
]

export class Payments {
  readonly #parts: PaymentParts
  readonly #attempts: Attempts

  constructor(parts: PaymentParts) {
    this.#parts = parts
    this.#attempts = new Attempts(parts.sql)
  }

  page(principal: Principal, { ids, userId, status, ...page }: PaymentQuery): Eventually<Page<PaymentView>> {
    const own = ownOf(principal)
    // What nobody has matches nothing.
    const payer = own === undefined || userId === undefined || userId === own ? (own ?? userId) : 0
    const filter = { id: ids, userId: payer?.toString(), status }
    return this.#parts.payments.collection.page(Payment, { ...page, filter })
  }

  /** @throws {Problem} `not-found`, also for what the principal may not see. */
  async get(principal: Principal, id: number): Promise<Found<PaymentView>> {
    return shown(await this.#visible(principal, id))
  }

  /**
   * A payment that an application of the user completes by the client secret, or one that is paid at once.
   *
   * @throws {Problem} `validation-failed`; `forbidden` for another user; `not-found` for none; `conflict` for a card that
   * was declined; `rate-limited` where many were; `unavailable` when Stripe is; `idempotency-key-reused`.
   */
  async createIntent(principal: Principal, asked: AskedIntent, once?: Once): Promise<Created<NewIntent>> {
    if (asked.paymentMethod !== undefined) requireOnce(once)
    const { finished, replayed } = await this.#ask(principal, { ...asked, kind: 'payment-intent' }, once)
    const { row, thing } = finished
    if (row.paymentMethod !== null && row.status === 'requires-payment' && row.failure !== null)
      throw new Problem('conflict', row.failure)
    if (row.status === 'failed') throw refusal(row.failure ?? 'Stripe has refused it', row.failureProperty)
    const { client_secret: clientSecret } = thing as Intent
    return { ...made(row, { clientSecret }), replayed }
  }

  /** A payment on a page of Stripe. @throws {Problem} as {@link createIntent}. */
  async createSession(principal: Principal, asked: AskedSession, once?: Once): Promise<Created<NewSession>> {
    const { successUrl = this.#parts.successUrl, cancelUrl = this.#parts.cancelUrl } = asked
    if (successUrl === undefined) throw wrong('/successUrl', 'must be given, as STRIPE_SUCCESS_URL is not set')
    const wanted = { ...asked, successUrl, cancelUrl, kind: 'checkout-session' as const }
    const { finished, replayed } = await this.#ask(principal, wanted, once)
    const { url } = finished.thing as Session
    return { ...made(finished.row, { url: url ?? null }), replayed }
  }

  /** Repeating it changes nothing. @throws {Problem} `not-found`; `conflict` for what was paid; `unavailable`. */
  async cancel(principal: Principal, id: number): Promise<Found<PaymentView>> {
    const before = await this.#visible(principal, id)
    if (before.status === 'canceled') return shown(before)
    if (before.status === 'failed') throw new Problem('conflict', 'The payment is failed')
    return this.#told(undefined, async () => {
      const { payments, paymentRequests } = this.#parts
      // What Stripe does not know of is not made known to it: that might charge what nobody wants any more.
      if (before.status === 'requested' && (await paymentRequests.withdraw(id))) return shown(await payments.get(id))
      const { row } = await paymentRequests.reflect(id)
      if (row.status === 'canceled') return shown(row)
      if (!isOpen(row)) throw new Problem('conflict', `The payment is ${row.status}`)
      try {
        await this.#end(row)
      } catch (error) {
        // What became of it meanwhile is told by what it is now.
        if (!isRefusal(error)) throw error
        const { row: now } = await paymentRequests.reflect(id)
        if (now.status !== 'canceled') throw error
      }
      return shown((await paymentRequests.reflect(id)).row)
    })
  }

  /** @throws {Problem} `not-found`; `conflict` for what cannot be given back; `unavailable`; `idempotency-key-reused`. */
  async refund(principal: Principal, id: number, asked: AskedRefund, once?: Once): Promise<Created<RefundView>> {
    const before = await this.#visible(principal, id)
    requireAll(principal)
    requireOnce(once)
    // A key means this payment alone: its fingerprint is that of the body.
    const own = once && { ...once, scope: `${once.scope} ${id}` }
    return this.#told(once, async () => {
      const { refunds, refundRequests, paymentRequests, sql } = this.#parts
      // It may be paid, and nobody has told of it.
      const row = isOpen(before) ? ((await paymentRequests.refresh(id))?.row ?? before) : before
      const amount = asked.amount ?? row.amountReceived - row.amountRefunded
      const input: RefundColumns = {
        ...fresh(),
        ...{ paymentId: id, userId: row.userId, currency: row.currency, amount, reason: asked.reason ?? null },
        ...{ paymentIntentId: row.paymentIntentId ?? '', refundId: null },
      }
      const check: Command[] = [
        [sql.lock, { id }],
        [sql.refundable, { id, amount: Math.max(amount, 1) }, 1],
      ]
      const created = await refunds.collection.insert(Refund, input, own, check).catch(orConflict(whyNot(row)))
      const { row: refund } = await refundRequests.finish(created.id, !created.replayed)
      // The refund is made: where the payment cannot be asked for now, Stripe tells of it.
      await paymentRequests.reflect(id).catch((error: unknown) => {
        if (!isStripeError(error)) throw error
      })
      return { ...shownRefund(refund), replayed: created.replayed }
    })
  }

  /** @throws {Problem} `not-found` */
  async refundsOf(
    principal: Principal,
    id: number,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<Page<RefundView>> {
    await this.#visible(principal, id)
    return this.#parts.refunds.collection.page(Refund, { ...page, filter: { paymentId: String(id) } })
  }

  async #ask(
    principal: Principal,
    asked: AskedIntent & AskedSession & { kind: PaymentRow['kind'] },
    once: Once | undefined,
  ): Promise<{ finished: Finished<PaymentRow, PaymentThing>; replayed: boolean }> {
    const { customers, payments, paymentRequests, currencies } = this.#parts
    const { amount, currency, description = null, paymentMethod = null, successUrl = null, cancelUrl = null } = asked
    if (currencies && !currencies.includes(currency))
      throw wrong('/currency', `must be one of ${currencies.join(', ')}`)
    const userId = await this.#payer(principal, asked.userId)
    return this.#told(once, async () => {
      const customerId = await customers.idOf(userId)
      await this.#stillThere(userId)
      const input: PaymentColumns = {
        ...fresh(),
        ...{ userId, kind: asked.kind, amount, currency, description, customerId },
        ...{ amountReceived: 0, amountRefunded: 0 },
        ...{ paymentMethod, declinedAt: null, successUrl, cancelUrl, paymentIntentId: null, checkoutSessionId: null },
      }
      const further = paymentMethod === null ? [] : this.#attempts.within(userId)
      const { id, replayed } = await payments.collection
        .insert(Payment, input, once, further)
        .catch(this.#attempts.orLimited)
      return { finished: await paymentRequests.finish(id, !replayed), replayed }
    })
  }

  async #end({ paymentIntentId, checkoutSessionId }: PaymentRow): Promise<void> {
    const { stripe } = this.#parts
    if (checkoutSessionId !== null) await stripe.checkout.sessions.expire(checkoutSessionId)
    else await stripe.paymentIntents.cancel(paymentIntentId ?? '')
  }

  /** @throws {Problem} */
  async #payer(principal: Principal, asked: number | undefined): Promise<number> {
    const own = ownOf(principal)
    if (own !== undefined && asked !== undefined && asked !== own)
      throw new Problem('forbidden', 'You can pay for yourself alone')
    const userId = asked ?? principal.userId
    if (userId === undefined) throw wrong('/userId', 'must say who pays')
    if ((await this.#parts.users.get(userId)) === undefined) throw notFound('User')
    return userId
  }

  /** What tells of a user’s end may have come before there was a customer to delete. @throws {Problem} `not-found` */
  async #stillThere(userId: number): Promise<void> {
    const { users, customers } = this.#parts
    if ((await users.get(userId)) !== undefined) return
    await customers.settle(userId)
    throw notFound('User')
  }

  async #visible(principal: Principal, id: number): Promise<Versioned<PaymentRow>> {
    const row = await this.#parts.payments.get(id)
    const own = ownOf(principal)
    if (own !== undefined && own !== row.userId) throw notFound('Payment')
    return row
  }

  /** What Stripe throws, told as a problem. */
  async #told<Value>(once: Once | undefined, work: () => Promise<Value>): Promise<Value> {
    try {
      return await work()
    } catch (error) {
      throw problemOf(error, once !== undefined)
    }
  }
}

function isOpen({ status }: PaymentRow): boolean {
  return open.includes(status)
}

/** What can be said against a refund. */
function whyNot({ status }: PaymentRow): string {
  const isPaid = status === 'succeeded' || status === 'partially-refunded'
  return isPaid ? 'Not so much is left of the payment' : `The payment is ${status}`
}

function fresh() {
  const request = { reference: randomUUID(), attempt: 0, unsureSince: null }
  return { status: 'requested' as const, failure: null, failureProperty: null, ...request }
}

function notFound(label: string): Problem {
  return new Problem('not-found', `${label} not found`)
}

function wrong(pointer: string, detail: string): Problem {
  return new Problem('validation-failed', 'The body does not match its schema', {
    errors: [{ in: 'body', pointer, detail }],
  })
}
