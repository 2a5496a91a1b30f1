/** Stripe at work: users become customers, payments that were left behind are set right, WebHooks are reflected. */

import type { Stripe } from 'stripe'
import { listOf } from '../../config.ts'
import type {
  BackFilled,
  Connection,
  ConnectorEvent,
  ConnectorHost,
  Inbound,
  Received,
  UserRecord,
} from '../../connectors/connector.ts'
import type { Outcome } from '../../deliveries/delivery.ts'
import { type Client, openClient } from './client.ts'
import { PaymentRow, paymentCollection, RefundRow, refundCollection } from './collections.ts'
import { Customers } from './customers.ts'
import { outcomeOf } from './failures.ts'
import { StripeEvents } from './inbound.ts'
import { PaymentKind, type PaymentThing } from './payment-kind.ts'
import { PaymentSql } from './payment-sql.ts'
import { Payments } from './payments.ts'
import { RefundKind } from './refund-kind.ts'
import { Requests } from './requests.ts'
import { Rows } from './rows.ts'
import { type StripeSettings, webhookSecrets } from './settings.ts'
import { Sweep } from './sweep.ts'

/** Users brought over at once; two requests each. */
const backFilledAtOnce = 20
/** Of those, at the same time. */
const lanes = 4

export class StripeConnection implements Connection {
  readonly payments: Payments
  readonly backFill = {
    size: backFilledAtOnce,
    users: (users: readonly UserRecord[], signal: AbortSignal) => this.#backFill(users, signal),
  }
  readonly #client: Client
  readonly #customers: Customers
  readonly #paymentRequests: Requests<PaymentRow, PaymentThing>
  readonly #refundRequests: Requests<RefundRow, Stripe.Refund>
  readonly #events: StripeEvents
  readonly #sweep: Sweep

  static async open(settings: StripeSettings, host: ConnectorHost): Promise<StripeConnection> {
    const secrets = webhookSecrets(settings)
    return new StripeConnection(settings, host, secrets, await openClient(settings))
  }

  private constructor(
    settings: StripeSettings,
    { storage, users, log }: ConnectorHost,
    secrets: string[],
    client: Client,
  ) {
    const { stripe } = client
    const { engine } = storage
    // Nothing of them is kept in memory: what is shown is what there is.
    const payments = new Rows(storage.collection(paymentCollection, 0), PaymentRow)
    const refunds = new Rows(storage.collection(refundCollection, 0), RefundRow)
    const customers = new Customers(stripe, engine, users)
    const paymentRequests = new Requests(new PaymentKind(stripe, payments, customers))
    const refundRequests = new Requests(new RefundKind(stripe, refunds))
    const shared = { stripe, sql: new PaymentSql(engine.dialect), paymentRequests, refundRequests }
    const { STRIPE_SUCCESS_URL: successUrl, STRIPE_CANCEL_URL: cancelUrl, STRIPE_CURRENCIES: list } = settings
    const currencies = list === undefined ? undefined : listOf(list)
    this.payments = new Payments({ ...shared, users, customers, payments, refunds, successUrl, cancelUrl, currencies })
    this.#events = new StripeEvents({ ...shared, secrets, engine })
    this.#sweep = new Sweep({ ...shared, engine, log })
    this.#client = client
    this.#customers = customers
    this.#paymentRequests = paymentRequests
    this.#refundRequests = refundRequests
  }

  ready(): void {
    this.#sweep.start()
  }

  send({ type, subject, isLast }: ConnectorEvent, signal: AbortSignal): Promise<Outcome> {
    const id = Number(subject.slice(subject.lastIndexOf('/') + 1))
    return attempt(async () => {
      if (type === 'payment.created') return this.#paymentRequests.settle(id, isLast, signal)
      if (type === 'refund.created') return this.#refundRequests.settle(id, isLast, signal)
      await this.#customers.settle(id, signal)
      return { as: 'delivered' }
    })
  }

  receive(inbound: Inbound): Received[] {
    return this.#events.receive(inbound)
  }

  handle(received: Received, signal: AbortSignal): Promise<Outcome> {
    return attempt(() => this.#events.handle(received, signal))
  }

  async close(): Promise<void> {
    await this.#sweep.end()
    this.#client.close()
  }

  async #backFill(users: readonly UserRecord[], signal: AbortSignal): Promise<BackFilled> {
    const failed: { id: number; error: string }[] = []
    const waiting = [...users]
    const work = async () => {
      for (let user = waiting.shift(); user !== undefined && !signal.aborted; user = waiting.shift()) {
        const { id } = user
        const outcome = await attempt(async () => {
          await this.#customers.settle(id)
          return { as: 'delivered' }
        })
        if (outcome.as === 'dead') failed.push({ id, error: outcome.error ?? 'Stripe does not take the user' })
        else if (outcome.as !== 'delivered')
          throw new Error('error' in outcome ? outcome.error : 'The back-fill was cut off')
      }
    }
    await Promise.all(Array.from({ length: lanes }, work))
    signal.throwIfAborted()
    return { failed }
  }
}

/** What comes of work with Stripe. */
async function attempt(work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work()
  } catch (error) {
    return outcomeOf(error)
  }
}
