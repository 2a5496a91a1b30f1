/** The closed list of problems that a caller can meet, rendered as RFC 9457 documents. */

/** Stable code → HTTP status and title. Codes are never renamed or reused. */
export const catalogue = {
  'malformed-request': { status: 400, title: 'Malformed request' },
  'validation-failed': { status: 400, title: 'Validation failed' },
  unauthenticated: { status: 401, title: 'Unauthenticated' },
  forbidden: { status: 403, title: 'Forbidden' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'request-timeout': { status: 408, title: 'Request timeout' },
  conflict: { status: 409, title: 'Conflict' },
  gone: { status: 410, title: 'Gone' },
  'precondition-failed': { status: 412, title: 'Precondition failed' },
  'payload-too-large': { status: 413, title: 'Payload too large' },
  'uri-too-long': { status: 414, title: 'URI too long' },
  'unsupported-media-type': { status: 415, title: 'Unsupported media type' },
  'misdirected-request': { status: 421, title: 'Misdirected request' },
  'upgrade-required': { status: 426, title: 'Upgrade required' },
  'idempotency-key-reused': { status: 422, title: 'Idempotency key reused' },
  'rate-limited': { status: 429, title: 'Rate limited' },
  'quota-exceeded': { status: 429, title: 'Quota exceeded' },
  'headers-too-large': { status: 431, title: 'Request header fields too large' },
  internal: { status: 500, title: 'Internal error' },
  unavailable: { status: 503, title: 'Service unavailable' },
  timeout: { status: 504, title: 'Timeout' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof catalogue

/** One violation of the input: where (RFC 6901 pointer into the part named by `in`) and why. */
export interface Violation {
  in: 'body' | 'query' | 'path' | 'header'
  pointer: string
  detail: string
}

export interface ProblemOptions {
  errors?: Violation[]
  /** Response headers that belong to the problem, such as `Allow` or `Retry-After`. */
  headers?: Record<string, string>
  /** The request that has met it, when it was answered already: a call of another wire. */
  requestId?: string
  cause?: unknown
}

/** A problem document as it leaves over HTTP (RFC 9457 section 3.1, with `code`, `requestId` and `errors`). */
export interface ProblemDocument {
  type: string
  title: string
  status: number
  detail: string
  code: ProblemCode
  requestId: string
  errors?: Violation[]
}

/** The one error class that handlers and plugins throw for an expected failure. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly statusCode: number
  readonly errors: Violation[] | undefined
  readonly headers: Record<string, string> | undefined
  readonly requestId: string | undefined

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.statusCode = catalogue[code].status
    this.errors = options.errors
    this.headers = options.headers
    this.requestId = options.requestId
  }

  /** Renders the document; `requestId` ties it to the log line. */
  document(requestId: string): ProblemDocument {
    const { status, title } = catalogue[this.code]
    const document: ProblemDocument = {
      type: `urn:septet:problem:${this.code}`,
      title,
      status,
      detail: this.message,
      code: this.code,
      requestId,
    }
    if (this.errors) document.errors = this.errors
    return document
  }
}

const byStatus = new Map<number, ProblemCode>()
for (const [code, { status }] of Object.entries(catalogue)) {
  if (!byStatus.has(status)) byStatus.set(status, code as ProblemCode)
}

/** The first code of the list with this HTTP status; other client errors fall back to `malformed-request`. */
export function codeForStatus(status: number): ProblemCode {
  return byStatus.get(status) ?? (status >= 400 && status < 500 ? 'malformed-request' : 'internal')
}
