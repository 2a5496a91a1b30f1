/** What an account of Stripe holds, and what happens in it; objects as of version 2023-08-16, as far as they are read. */

import { randomBytes } from 'node:crypto'
import type { Values } from './specification.ts'

export interface Thing {
  id: string
  object: string
  created: number
  metadata: Record<string, string>
  [property: string]: unknown
}

export interface StripeEvent {
  id: string
  object: 'event'
  api_version: string
  created: number
  type: string
  livemode: false
  data: { object: Thing }
}

/** An answer that is no success. */
export class Refusal extends Error {
  readonly status: number
  readonly error: Values

  constructor(status: number, error: Values & { message: string }) {
    super(error.message)
    this.status = status
    this.error = error
  }
}

const currencies = ['eur', 'usd', 'gbp', 'jpy']
const smallest = 50
/** Test methods of Stripe, and one that can never be confirmed. */
const methods = ['pm_card_visa', 'pm_card_authenticationRequired', 'pm_card_chargeDeclined', 'pm_card_mandate']

export class Account {
  readonly customers = new Map<string, Thing>()
  readonly intents = new Map<string, Thing>()
  readonly charges = new Map<string, Thing>()
  readonly sessions = new Map<string, Thing>()
  readonly refunds = new Map<string, Thing>()
  /** What has happened, in its order. */
  readonly events: StripeEvent[] = []

  createCustomer(values: Values): Thing {
    return this.#add(this.customers, 'customer', 'cus', { name: null, email: null, ...values })
  }

  updateCustomer(id: string, values: Values): Thing {
    if (/[^!-~]/.test(String(values.email))) {
      const message = `Invalid email address: ${values.email}`
      throw new Refusal(400, { type: 'invalid_request_error', code: 'email_invalid', param: 'email', message })
    }
    const customer = Object.assign(this.find(this.customers, id, 'customer'), values)
    this.#tell('customer.updated', customer)
    return customer
  }

  deleteCustomer(id: string): Values {
    this.find(this.customers, id, 'customer')
    this.customers.delete(id)
    return { id, object: 'customer', deleted: true }
  }

  createIntent({ payment_method: method, confirm, ...values }: Values): Thing {
    const { amount, currency, customer } = values as { amount: number; currency: string; customer?: string }
    this.#checkMoney(amount, currency, 'amount', 'currency')
    if (customer !== undefined) this.find(this.customers, customer, 'customer', 'customer')
    if (method !== undefined && !methods.includes(String(method)))
      throw new Refusal(400, missing('PaymentMethod', String(method), 'payment_method'))
    const intent = this.#add(this.intents, 'payment_intent', 'pi', {
      ...values,
      amount,
      currency,
      amount_received: 0,
      latest_charge: null,
      last_payment_error: null,
      payment_method: method ?? null,
      status: method === undefined ? 'requires_payment_method' : 'requires_confirmation',
    })
    intent.client_secret = `${intent.id}_secret_${randomBytes(9).toString('hex')}`
    if (confirm === true) this.confirm(intent.id)
    return intent
  }

  /** With a method of payment, by the user; test methods of Stripe. @throws {Refusal} when the card is declined. */
  confirm(id: string, given?: string): Thing {
    const intent = this.find(this.intents, id, 'payment_intent')
    const method = given ?? intent.payment_method
    const isOpen = ['requires_payment_method', 'requires_confirmation'].includes(String(intent.status))
    if (!isOpen || method === null) {
      const message = `You cannot confirm this PaymentIntent because it has a status of ${intent.status}.`
      throw new Refusal(400, { type: 'invalid_request_error', code: 'payment_intent_unexpected_state', message })
    }
    if (method === 'pm_card_visa') return this.#succeed(intent)
    if (method === 'pm_card_authenticationRequired') {
      intent.status = 'requires_action'
      return this.#tell('payment_intent.requires_action', intent)
    }
    if (method === 'pm_card_mandate') {
      const message = 'The payment method needs a mandate.'
      throw new Refusal(400, { type: 'invalid_request_error', message })
    }
    const error = { type: 'card_error', code: 'card_declined', message: 'Your card was declined.' }
    Object.assign(intent, { status: 'requires_payment_method', payment_method: null, last_payment_error: error })
    this.#tell('payment_intent.payment_failed', intent)
    throw new Refusal(402, { ...error, payment_intent: intent })
  }

  cancelIntent(id: string): Thing {
    const intent = this.find(this.intents, id, 'payment_intent')
    if (intent.status === 'succeeded' || intent.status === 'canceled') {
      const message = `You cannot cancel this PaymentIntent because it has a status of ${intent.status}.`
      throw new Refusal(400, { type: 'invalid_request_error', code: 'payment_intent_unexpected_state', message })
    }
    intent.status = 'canceled'
    return this.#tell('payment_intent.canceled', intent)
  }

  createSession(values: Values): Thing {
    const items = values.line_items as { price_data: { currency: string; unit_amount: number } }[]
    const [{ price_data: price } = { price_data: { currency: '', unit_amount: 0 } }] = items
    const at = 'line_items[0][price_data]'
    this.#checkMoney(price.unit_amount, price.currency, `${at}[unit_amount]`, `${at}[currency]`)
    this.find(this.customers, String(values.customer), 'customer', 'customer')
    const session = this.#add(this.sessions, 'checkout.session', 'cs_test', {
      ...values,
      amount_total: price.unit_amount,
      currency: price.currency,
      payment_intent: null,
      payment_status: 'unpaid',
      status: 'open',
    })
    session.url = `https://checkout.stripe.com/c/pay/${session.id}`
    return session
  }

  /** What a bank says days after the page has ended, of a debit. */
  failSession(id: string): Thing {
    const session = this.find(this.sessions, id, 'checkout.session')
    const { payment_intent_data: data, amount_total: amount, currency, customer } = session
    const intent = this.createIntent({ ...(data as Values), amount, currency, customer })
    intent.last_payment_error = { type: 'card_error', message: 'The debit was refused.' }
    Object.assign(session, { payment_intent: intent.id, status: 'complete', url: null })
    return this.#tell('checkout.session.async_payment_failed', session)
  }

  /** What the user does on the page. */
  paySession(id: string): Thing {
    const session = this.find(this.sessions, id, 'checkout.session')
    const intent = this.createIntent({
      ...(session.payment_intent_data as Values),
      amount: session.amount_total,
      currency: session.currency,
      customer: session.customer,
    })
    this.#succeed(intent)
    Object.assign(session, { payment_intent: intent.id, payment_status: 'paid', status: 'complete', url: null })
    return this.#tell('checkout.session.completed', session)
  }

  expireSession(id: string): Thing {
    const session = this.find(this.sessions, id, 'checkout.session')
    if (session.status !== 'open') {
      const message = 'Only Checkout Sessions with a status in ["open"] can be expired.'
      throw new Refusal(400, { type: 'invalid_request_error', message })
    }
    Object.assign(session, { status: 'expired', url: null })
    return this.#tell('checkout.session.expired', session)
  }

  createRefund({ payment_intent: id, amount, ...values }: Values): Thing {
    const intent = this.find(this.intents, String(id), 'payment_intent', 'payment_intent')
    const charge = this.charges.get(String(intent.latest_charge))
    if (charge === undefined) {
      const message = `This PaymentIntent (${id}) does not have a successful charge to refund.`
      throw new Refusal(400, { type: 'invalid_request_error', message })
    }
    const left = Number(charge.amount) - Number(charge.amount_refunded)
    const wanted = Number(amount ?? left)
    if (left === 0 || wanted > left) {
      const message = `Refund amount (${wanted}) is greater than unrefunded amount on charge (${left})`
      throw new Refusal(400, { type: 'invalid_request_error', message, param: 'amount' })
    }
    charge.amount_refunded = Number(charge.amount_refunded) + wanted
    charge.refunded = charge.amount_refunded === charge.amount
    const own = { ...values, amount: wanted, charge: charge.id, payment_intent: id, status: 'succeeded' }
    const refund = this.#add(this.refunds, 'refund', 're', { ...own, currency: intent.currency })
    this.#tell('charge.refunded', charge)
    return refund
  }

  /** What a bank does days later. */
  failRefund(id: string): void {
    const refund = this.find(this.refunds, id, 'refund')
    const charge = this.charges.get(String(refund.charge)) as Thing
    Object.assign(refund, { status: 'failed', failure_reason: 'expired_or_canceled_card' })
    Object.assign(charge, { amount_refunded: Number(charge.amount_refunded) - Number(refund.amount), refunded: false })
    this.#tell('charge.refund.updated', refund)
  }

  /** @throws {Refusal} as Stripe says it. */
  find(things: ReadonlyMap<string, Thing>, id: string, kind: string, param?: string): Thing {
    const thing = things.get(id)
    if (thing === undefined) throw new Refusal(param === undefined ? 404 : 400, missing(kind, id, param ?? 'id'))
    return thing
  }

  /** What whoever took the payment does with one that was reserved. */
  capture(id: string, amount: number): Thing {
    return this.#succeed(this.find(this.intents, id, 'payment_intent'), amount)
  }

  #succeed(intent: Thing, amount = Number(intent.amount)): Thing {
    const { id, currency } = intent
    const charge = this.#add(this.charges, 'charge', 'ch', {
      amount,
      currency,
      payment_intent: id,
      amount_refunded: 0,
      refunded: false,
    })
    const paid = { status: 'succeeded', latest_charge: charge.id, amount_received: amount, last_payment_error: null }
    Object.assign(intent, paid)
    return this.#tell('payment_intent.succeeded', intent)
  }

  #checkMoney(amount: number, currency: string, amountParam: string, currencyParam: string): void {
    const type = 'invalid_request_error'
    if (!currencies.includes(currency)) {
      throw new Refusal(400, { type, message: `Invalid currency: ${currency}.`, param: currencyParam })
    }
    if (amount < smallest) {
      const message = `Amount must be at least ${smallest} ${currency}`
      throw new Refusal(400, { type, code: 'amount_too_small', message, param: amountParam })
    }
  }

  #add(things: Map<string, Thing>, object: string, prefix: string, values: Values): Thing {
    const id = `${prefix}_${randomBytes(9).toString('hex')}`
    const created = Math.floor(Date.now() / 1000)
    const thing: Thing = { id, object, created, livemode: false, metadata: {}, ...values }
    things.set(id, thing)
    return this.#tell(`${object}.created`, thing)
  }

  #tell(type: string, thing: Thing): Thing {
    const event = { id: `evt_${randomBytes(9).toString('hex')}`, object: 'event', api_version: '2023-08-16' } as const
    const created = Math.floor(Date.now() / 1000)
    this.events.push({ ...event, type, created, livemode: false, data: { object: structuredClone(thing) } })
    return thing
  }
}

function missing(kind: string, id: string, param: string) {
  return { type: 'invalid_request_error', code: 'resource_missing', param, message: `No such ${kind}: '${id}'` }
}
