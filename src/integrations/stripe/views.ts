/** What callers see of a row. */

import type { Static } from '@sinclair/typebox'
import { Payment, Refund } from '../../schemas/payment.ts'
import type { Found } from '../../storage/collection.ts'
import type { PaymentRow, RefundRow } from './collections.ts'
import type { Versioned } from './rows.ts'

export type PaymentView = Static<typeof Payment>
export type RefundView = Static<typeof Refund>

function view(schema: typeof Payment | typeof Refund, row: object): object {
  return Object.fromEntries(
    Object.keys(schema.properties).map((name) => [name, (row as Record<string, unknown>)[name]]),
  )
}

function found<Value>({ id, version }: { id: number; version: number }, json: Value): Found<Value> {
  return { id, version, json }
}

export function shown(row: Versioned<PaymentRow>): Found<PaymentView> {
  return found(row, view(Payment, row) as PaymentView)
}

export function made<More>(row: Versioned<PaymentRow>, more: More): Found<PaymentView & More> {
  return found(row, { ...(view(Payment, row) as PaymentView), ...more })
}

export function shownRefund(row: Versioned<RefundRow>): Found<RefundView> {
  return found(row, view(Refund, row) as RefundView)
}
