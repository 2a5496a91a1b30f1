/** What Salesforce says when it does not do what it is asked, and what comes of the attempt. */

import type { Outcome } from '../../deliveries/delivery.ts'
import { NoAnswer } from '../../outbound/client.ts'

/** One of the errors that Salesforce answers with. */
export interface SalesforceError {
  errorCode: string
  message: string
  fields?: readonly string[]
}

/** An answer that is no success. The message is what Salesforce says. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly errors: readonly SalesforceError[]
  /** As the answer says it, in ms. */
  readonly retryAfter: number | undefined

  constructor(status: number, errors: readonly SalesforceError[], retryAfter?: number) {
    super(textOf(status, errors))
    this.status = status
    this.errors = errors
    this.retryAfter = retryAfter
  }

  has(...codes: string[]): boolean {
    return this.errors.some(({ errorCode }) => codes.includes(errorCode))
  }
}

/** Salesforce does not let the server in: the operator mends that, and nothing of what waits is given up for it. */
export class NotLetIn extends Error {
  override readonly name = 'NotLetIn'
  /** Before it is asked again, in ms. */
  readonly after: number

  constructor(after: number, options: ErrorOptions & { cause: Error }) {
    super(`Salesforce does not let the server in: ${options.cause.message}`, options)
    this.after = after
  }
}

/** What the server perhaps has no right to see: it is asked again. */
export class NotSeen extends Error {
  override readonly name = 'NotSeen'
}

/** Salesforce does not want this, however often it is asked. */
export class Unwanted extends Error {
  override readonly name = 'Unwanted'
}

/** Of what Salesforce says, kept for people to read, in characters. */
const longestText = 600

function textOf(status: number, errors: readonly SalesforceError[]): string {
  const said = errors.map(({ errorCode, message, fields = [] }) =>
    [errorCode, `: ${message}`, fields.length > 0 ? ` (${fields.join(', ')})` : ''].join(''),
  )
  return `Salesforce answered ${status}: ${said.join('; ') || 'no reason'}`.slice(0, longestText)
}

/** That pass by themselves. */
const passing = new Set([
  'UNABLE_TO_LOCK_ROW',
  'SERVER_UNAVAILABLE',
  'UNKNOWN_EXCEPTION',
  'REQUEST_RUNNING_TOO_LONG',
  'QUERY_TIMEOUT',
  'ENTITY_IS_DELETED',
])

/** That the operator mends, in Salesforce or in the settings. */
const settings = new Set([
  'INVALID_FIELD',
  'INVALID_TYPE',
  'NOT_FOUND',
  'INVALID_FIELD_FOR_INSERT_UPDATE',
  'INSUFFICIENT_ACCESS',
  'INSUFFICIENT_ACCESS_OR_READONLY',
  'API_DISABLED_FOR_ORG',
  'API_CURRENTLY_DISABLED',
  'INVALID_SESSION_ID',
])

/** What comes of an attempt that met this; what Salesforce will never take is dead, with its words. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof NoAnswer || error instanceof NotSeen) return { as: 'retry', error: error.message }
  if (error instanceof NotLetIn) return { as: 'retry', error: error.message, after: error.after }
  if (error instanceof Unwanted) return { as: 'dead', error: error.message }
  if (!(error instanceof Refusal)) throw error
  const { status, message } = error
  if (!isFinal(error)) return { as: 'retry', status, error: message, after: error.retryAfter }
  return { as: 'dead', status, error: message }
}

/** Two attempts that make the same contact meet in its external id: the later one finds it made. */
export function isRace(error: unknown, externalId: string): boolean {
  return (
    error instanceof Refusal &&
    error.errors.some(({ errorCode, message }) => errorCode === 'DUPLICATE_VALUE' && message.includes(externalId))
  )
}

/** Of rows that another has written to at the same time. */
const met = /^(UNABLE_TO_LOCK_ROW|DUPLICATE_VALUE)/

/** Whether a row that a job could not write for this reason, or that it did not have, is worth an attempt of its own. */
export function canBeBrought(error: string | undefined): boolean {
  return error === undefined || met.test(error)
}

function isFinal({ status, errors }: Refusal): boolean {
  const final = status === 300 || (status >= 400 && status < 500 && ![401, 403, 404, 408, 420, 429].includes(status))
  return final && !errors.some(({ errorCode }) => passing.has(errorCode) || settings.has(errorCode))
}
