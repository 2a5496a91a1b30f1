/** Problems as errors of a response (GraphQL specification section 7.1.2). */

import { GraphQLError } from 'graphql'
import { problemOf } from '../../contract/problem-of.ts'
import type { ProblemCode } from '../../errors.ts'

/** `extensions.code`, as clients of GraphQL servers know them. */
export const codes = {
  'malformed-request': 'BAD_REQUEST',
  'validation-failed': 'BAD_USER_INPUT',
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'FORBIDDEN',
  'not-found': 'NOT_FOUND',
  'method-not-allowed': 'BAD_REQUEST',
  'request-timeout': 'TIMEOUT',
  conflict: 'CONFLICT',
  'precondition-failed': 'PRECONDITION_FAILED',
  'payload-too-large': 'BAD_REQUEST',
  'uri-too-long': 'BAD_REQUEST',
  'unsupported-media-type': 'BAD_REQUEST',
  'misdirected-request': 'BAD_REQUEST',
  'upgrade-required': 'BAD_REQUEST',
  'idempotency-key-reused': 'IDEMPOTENCY_KEY_REUSED',
  'rate-limited': 'RATE_LIMITED',
  'quota-exceeded': 'QUOTA_EXCEEDED',
  'headers-too-large': 'BAD_REQUEST',
  internal: 'INTERNAL_SERVER_ERROR',
  unavailable: 'SERVICE_UNAVAILABLE',
  timeout: 'TIMEOUT',
} as const satisfies Record<ProblemCode, string>

/** With the problem's members as extensions; `requestId` ties it to the log. */
export function errorOf(error: unknown): GraphQLError {
  const problem = problemOf(error)
  const { code, statusCode, errors, requestId, headers } = problem
  const retryAfter = headers?.['retry-after']
  return new GraphQLError(problem.message, {
    extensions: {
      code: codes[code],
      problem: code,
      status: statusCode,
      ...(errors && { errors }),
      ...(requestId !== undefined && { requestId }),
      ...(retryAfter !== undefined && { retryAfter }),
    },
  })
}
