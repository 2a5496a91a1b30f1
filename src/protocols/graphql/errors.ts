/** Problems as errors of a response (GraphQL specification section 7.1.2). */

import { type ExecutionResult, GraphQLError, type GraphQLFormattedError } from 'graphql'
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
  gone: 'GONE',
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

/** What is wrong with a request or its document, in the words of the servers that clients know. */
export type RefusalCode =
  | 'BAD_REQUEST'
  | 'BAD_USER_INPUT'
  | 'GRAPHQL_PARSE_FAILED'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'DOCUMENT_TOO_COMPLEX'
  | 'DOCUMENT_NOT_TRUSTED'
  | 'PERSISTED_QUERY_NOT_FOUND'
  | 'OPERATION_RESOLUTION_FAILURE'

export function refused(reason: string, code: RefusalCode | typeof codes.internal = 'BAD_REQUEST'): GraphQLError {
  return new GraphQLError(reason, { extensions: { code } })
}

/** Gives an error of GraphQL's own a code. */
export function coded(error: GraphQLError, code: RefusalCode): GraphQLError {
  error.extensions.code = code
  return error
}

/**
 * The errors of a result, with a code at each that is no problem of an operation: variables that do not fit their types,
 * where nothing was executed; else an answer that does not fit the schema, or a failure whose cause is not for callers.
 */
export function withCodes({ errors, data }: ExecutionResult): readonly GraphQLFormattedError[] | undefined {
  const code = data === undefined ? 'BAD_USER_INPUT' : codes.internal
  return errors?.map((error) => {
    const { originalError: cause, extensions } = error
    if (extensions?.code !== undefined) return error.toJSON()
    const hidden = cause !== undefined && !(cause instanceof GraphQLError)
    return { ...error.toJSON(), ...(hidden && { message: 'Something went wrong' }), extensions: { code } }
  })
}

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
