/** What a wire's client gives to the conformance suite, whatever the wire. */

import type { Test } from 'tap'
import type { Operation } from '../../../src/contract/operation.ts'
import type { Violation } from '../../../src/errors.ts'

export type Headers = Readonly<Record<string, string>>
export type Input = Readonly<Record<string, unknown>>

export interface Result {
  /** A page is `{ items, nextCursor }`, nothing is null. */
  value?: unknown
  problem?: {
    code: string
    status: number
    detail: string
    /** Where the input is wrong, by pointer; sorted. */
    pointers: string[]
    /** The same with what is said of each, in the order of REST. */
    violations?: Partial<Violation>[]
    requestId: string
  }
  /** Of the headers that say something off HTTP. */
  meta: Record<string, string>
}

export interface Client {
  call(operationId: string, input?: Input, headers?: Headers): Promise<Result>
}

export interface Wire {
  name: string
  /** A client of the server that listens at `base`; ends with the test. */
  open(t: Test, base: string, contract: ReadonlyMap<string, Operation>): Promise<Client>
  /** What this wire cannot say as REST does, and why; applied to both sides before they are compared. */
  differences: readonly Difference[]
  /** Cases that this wire has no words for, by their names, and why. */
  unsaid?: readonly (readonly [names: RegExp, reason: string])[]
}

export interface Difference {
  reason: string
  /** Whether it concerns what this wire has answered; always, without. */
  when?(own: Result): boolean
  normalise(result: Result): Result
}

/** Response headers that travel on every wire, and `status` where it is 304. */
export const metaNames = [
  'etag',
  'location',
  'retry-after',
  'x-total-count',
  'preference-applied',
  'idempotent-replayed',
  'status',
]

interface Document {
  code: string
  status: number
  detail: string
  requestId: string
  errors?: (Partial<Violation> & { pointer: string })[]
}

export function problemOf({ code, status, detail, requestId, errors = [] }: Document): NonNullable<Result['problem']> {
  const pointers = [...new Set(errors.map(({ pointer }) => pointer))].sort()
  return { code, status, detail, requestId, pointers, violations: errors }
}
