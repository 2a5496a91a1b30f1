/** Problems as JSON-RPC 2.0 errors (section 5.1 of its specification). */

import type { Problem, ProblemCode } from '../../errors.ts'

/** What the specification itself names. */
export const parseError = { code: -32700, message: 'Parse error' }
export const invalidRequest = { code: -32600, message: 'Invalid Request' }
export const unknownMethod = { code: -32601, message: 'Method not found' }
export const invalidParams = { code: -32602, message: 'Invalid params' }

/** Each problem's code: the specification's where it has one, else from its range for servers. */
export const codes = {
  'malformed-request': -32600,
  'validation-failed': -32602,
  unauthenticated: -32001,
  forbidden: -32003,
  'not-found': -32004,
  'method-not-allowed': -32005,
  'request-timeout': -32008,
  conflict: -32009,
  gone: -32010,
  'precondition-failed': -32012,
  'payload-too-large': -32013,
  'uri-too-long': -32014,
  'unsupported-media-type': -32015,
  'misdirected-request': -32021,
  'upgrade-required': -32026,
  'idempotency-key-reused': -32022,
  'rate-limited': -32029,
  'quota-exceeded': -32029,
  'headers-too-large': -32031,
  internal: -32603,
  unavailable: -32053,
  timeout: -32054,
} as const satisfies Record<ProblemCode, number>

export interface RpcError {
  code: number
  message: string
  data?: unknown
}

/**
 * With the problem document of RFC 9457 as `data`.
 *
 * @param requestId Of the connection, for a problem that no request has met.
 */
export function errorOf(problem: Problem, requestId: string): RpcError {
  const { code, message } = problem
  return { code: codes[code], message, data: problem.document(problem.requestId ?? requestId) }
}
