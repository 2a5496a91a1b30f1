/** What nobody has finished, and no delivery comes back to: it is set right, or given up, once it is a day old. */

import type { FastifyBaseLogger } from 'fastify'
import type { Outcome } from '../../deliveries/delivery.ts'
import type { Storage } from '../../storage/storage.ts'
import { isRefusal, isStripeError, outcomeOf } from './failures.ts'
import type { PaymentSql } from './payment-sql.ts'
import { patience } from './requests.ts'

/** In ms. */
const every = 3_600_000

interface Settles {
  settle(id: number): Promise<Outcome>
}

export interface SweepParts {
  readonly engine: Storage
  readonly sql: PaymentSql
  readonly paymentRequests: Settles
  readonly refundRequests: Settles
  readonly log: FastifyBaseLogger
}

export class Sweep {
  readonly #parts: SweepParts
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #hasEnded = false

  constructor(parts: SweepParts) {
    this.#parts = parts
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#running ??= this.#run().finally(() => {
        this.#running = undefined
      })
    }, every).unref()
  }

  /** Waits for what is under way. */
  async end(): Promise<void> {
    this.#hasEnded = true
    clearInterval(this.#timer)
    await this.#running
  }

  async #run(): Promise<void> {
    const { sql, paymentRequests, refundRequests, log } = this.#parts
    try {
      await this.#settle(sql.leftPayments, paymentRequests)
      await this.#settle(sql.leftRefunds, refundRequests)
    } catch (error) {
      // The next hour tries again.
      log.warn({ reason: reasonOf(error) }, 'What was left behind at Stripe could not be set right')
    }
  }

  async #settle(statement: PaymentSql['leftPayments'], requests: Settles): Promise<void> {
    const { engine, log } = this.#parts
    const before = new Date(Date.now() - patience).toISOString()
    for (const { id } of await engine.all<{ id: number }>(statement, { before })) {
      if (this.#hasEnded) return
      try {
        await requests.settle(id)
      } catch (error) {
        // Of this one alone; anything else is so of all.
        if (!isRefusal(error)) throw error
        log.warn({ id, reason: reasonOf(error) }, 'What was left behind at Stripe could not be set right')
      }
    }
  }
}

/** What Stripe says itself may repeat a key. */
function reasonOf(error: unknown): string {
  const outcome = isStripeError(error) ? outcomeOf(error) : undefined
  return outcome && 'error' in outcome ? (outcome.error ?? '') : (error as Error).message
}
