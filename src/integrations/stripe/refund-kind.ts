/** How a refund is asked of Stripe, and what a row says of it. */

import type { Stripe } from 'stripe'
import type { RefundInput, RefundRow } from './collections.ts'
import type { Kind } from './requests.ts'
import type { Rows, Versioned } from './rows.ts'

/** Metadata by which what Stripe has made for a refund is known. */
const refundMark = 'septet_refund'

const reasons = {
  duplicate: 'duplicate',
  fraudulent: 'fraudulent',
  'requested-by-customer': 'requested_by_customer',
} as const

export class RefundKind implements Kind<RefundRow, Stripe.Refund> {
  readonly label = 'refund'
  readonly doubt = 3_600_000
  readonly #stripe: Stripe
  readonly #rows: Rows<RefundInput, typeof RefundRow>

  constructor(stripe: Stripe, rows: Rows<RefundInput, typeof RefundRow>) {
    this.#stripe = stripe
    this.#rows = rows
  }

  get(id: number): Promise<Versioned<RefundRow>> {
    return this.#rows.get(id)
  }

  change(row: Versioned<RefundRow>, changes: Partial<RefundRow>): Promise<Versioned<RefundRow> | undefined> {
    return this.#rows.change(row, changes)
  }

  async find(row: RefundRow): Promise<Stripe.Refund | undefined> {
    for await (const refund of this.#stripe.refunds.list({ payment_intent: row.paymentIntentId, limit: 100 }))
      if (refund.metadata?.[refundMark] === row.reference && this.isOf(row, refund)) return refund
    return undefined
  }

  isOf({ paymentIntentId, amount, currency }: RefundRow, refund: Stripe.Refund): boolean {
    const { payment_intent: intent } = refund
    const id = typeof intent === 'string' ? intent : intent?.id
    return id === paymentIntentId && refund.amount === amount && refund.currency === currency
  }

  create(row: RefundRow, idempotencyKey: string): Promise<Stripe.Refund> {
    const { id, paymentIntentId, amount, reason, reference } = row
    return this.#stripe.refunds.create(
      {
        payment_intent: paymentIntentId,
        amount,
        ...(reason !== null && { reason: reasons[reason] }),
        metadata: { [refundMark]: reference, septet_refund_id: String(id) },
      },
      { idempotencyKey },
    )
  }

  isMade({ refundId }: RefundRow): boolean {
    return refundId !== null
  }

  retrieve({ refundId }: RefundRow): Promise<Stripe.Refund> {
    return this.#stripe.refunds.retrieve(refundId ?? '')
  }

  async complete(_row: RefundRow, refund: Stripe.Refund): Promise<Stripe.Refund> {
    return refund
  }

  /** What is given back is given back. */
  async discard(): Promise<boolean> {
    return false
  }

  async mend(): Promise<undefined> {
    return undefined
  }

  changes(row: RefundRow, refund: Stripe.Refund): Partial<RefundRow> {
    const { id: refundId, failure_reason: reason } = refund
    const status = statusOf(refund.status)
    const told = { refundId, status, failure: status === 'failed' ? (reason ?? 'The refund has come back') : null }
    const differ = Object.entries(told).filter(([name, value]) => row[name as keyof RefundRow] !== value)
    return Object.fromEntries(differ) as Partial<RefundRow>
  }
}

function statusOf(status: Stripe.Refund['status']): RefundRow['status'] {
  switch (status) {
    case 'succeeded':
    case 'failed':
    case 'canceled':
      return status
    // `requires_action` of the customer too.
    default:
      return 'pending'
  }
}
