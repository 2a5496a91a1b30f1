/** Problems as statuses of gRPC, with the details of google.rpc (its error model: google/rpc/status.proto, error_details.proto). */

import { Problem, type ProblemCode, type Violation } from '../../errors.ts'
import { snakeOf } from './model.ts'
import { Writer } from './writer.ts'

/** google/rpc/code.proto. */
export const codes = {
  'malformed-request': 3,
  'validation-failed': 3,
  unauthenticated: 16,
  forbidden: 7,
  'not-found': 5,
  'method-not-allowed': 12,
  'request-timeout': 4,
  conflict: 6,
  gone: 5,
  'precondition-failed': 9,
  'payload-too-large': 8,
  'uri-too-long': 3,
  'unsupported-media-type': 3,
  'misdirected-request': 9,
  'upgrade-required': 12,
  'idempotency-key-reused': 9,
  'rate-limited': 8,
  'quota-exceeded': 8,
  'headers-too-large': 8,
  internal: 13,
  unavailable: 14,
  timeout: 4,
} as const satisfies Record<ProblemCode, number>

export const protocolCodes = { unimplemented: 12, internal: 13 } as const

/**
 * What breaks the protocol, where gRPC lays down a code whatever REST would say (grpc/doc/statuscodes.md,
 * grpc/doc/compression.md).
 */
export class ProtocolProblem extends Problem {
  readonly grpcCode: number

  constructor(grpcCode: (typeof protocolCodes)[keyof typeof protocolCodes], detail: string) {
    super('malformed-request', detail)
    this.grpcCode = grpcCode
  }
}

/** Of {@link ErrorInfo}: who the reasons are of. */
export const domain = 'septet'

export interface GrpcStatus {
  code: number
  details: string
  /** A google.rpc.Status, for `grpc-status-details-bin`. */
  rich: Uint8Array
}

export function statusOf(problem: Problem): GrpcStatus {
  const code = problem instanceof ProtocolProblem ? problem.grpcCode : codes[problem.code]
  // A lone surrogate has no place in a header.
  const details = problem.message.toWellFormed()
  return { code, details, rich: richStatus(code, details, problem) }
}

/** For `grpc-message`: percent-encoded (gRPC over HTTP/2, "Responses"). */
export function messageText({ details }: GrpcStatus): string {
  return encodeURI(details)
}

/** For `grpc-status-details-bin`: base64 without padding (gRPC over HTTP/2, "Custom-Metadata"). */
export function detailsText({ rich }: GrpcStatus): string {
  return Buffer.from(rich).toString('base64').replace(/=+$/, '')
}

const text = (field: number) => (field << 3) | 2

/** google.rpc.Status: `code`, `message`, and `details` as google.protobuf.Any. */
function richStatus(code: number, message: string, problem: Problem): Uint8Array {
  const writer = new Writer()
  writer.uint32(1 << 3).int32(code)
  writer.uint32(text(2)).string(message)
  detail(writer, 'ErrorInfo', (inner) => errorInfo(inner, problem))
  if (problem.errors?.length) detail(writer, 'BadRequest', (inner) => badRequest(inner, problem.errors ?? []))
  const seconds = Number(problem.headers?.['retry-after'])
  if (seconds > 0)
    detail(writer, 'RetryInfo', (inner) => {
      inner
        .uint32(text(1))
        .fork()
        .uint32(1 << 3)
        .int64(Math.ceil(seconds))
        .ldelim()
    })
  const { requestId } = problem
  if (requestId !== undefined) detail(writer, 'RequestInfo', (inner) => void inner.uint32(text(1)).string(requestId))
  return writer.finish()
}

function detail(writer: Writer, type: string, write: (inner: Writer) => void): void {
  const any = writer.uint32(text(3)).fork()
  any.uint32(text(1)).string(`type.googleapis.com/google.rpc.${type}`)
  write(any.uint32(text(2)).fork())
  writer.ldelim().ldelim()
}

/** `reason` is the problem's code in the letters that google.rpc asks for; the code itself and the status are beside it. */
function errorInfo(writer: Writer, { code, statusCode }: Problem): void {
  writer.uint32(text(1)).string(code.toUpperCase().replaceAll('-', '_'))
  writer.uint32(text(2)).string(domain)
  for (const [key, value] of [
    ['code', code],
    ['status', String(statusCode)],
  ] as const) {
    writer.uint32(text(3)).fork().uint32(text(1)).string(key).uint32(text(2)).string(value).ldelim()
  }
}

/** Characters of violations in all: clients take 8 kB of metadata, and an answer that has more fails as that. */
const maxViolationText = 4096

function badRequest(writer: Writer, violations: readonly Violation[]): void {
  let room = maxViolationText
  for (const { pointer, detail: description } of violations) {
    const field = fieldPath(pointer).toWellFormed()
    room -= field.length + description.length
    if (room < 0) return
    const inner = writer.uint32(text(1)).fork()
    inner.uint32(text(1)).string(field)
    inner.uint32(text(2)).string(description.toWellFormed())
    writer.ldelim()
  }
}

/** A JSON Pointer as the path of a field: `/list/1/createdAt` is `list[1].created_at`. */
export function fieldPath(pointer: string): string {
  const parts = pointer.split('/').slice(1)
  return parts.reduce((path, part) => {
    if (path !== '' && /^\d+$/.test(part)) return `${path}[${part}]`
    const name = snakeOf(part.replaceAll('~1', '/').replaceAll('~0', '~'))
    return path === '' ? name : `${path}.${name}`
  }, '')
}
