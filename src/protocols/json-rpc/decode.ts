/** Requests out of what a peer has sent. */

import type { IncomingHttpHeaders } from 'node:http'

/** Identifies a request; absent in a notification, which gets no answer. */
export type RequestId = string | number | null | undefined

export interface RpcRequest {
  id: RequestId
  method: string
  /** By name; a list is refused when the method is known. */
  params: Record<string, unknown> | unknown[]
  /** Headers of this call alone. */
  meta: IncomingHttpHeaders | undefined
}

/** Headers that a message may bring; the others are the connection's. */
const readable = new Set([
  'authorization',
  'x-api-key',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'prefer',
  'traceparent',
  'tracestate',
  'x-request-id',
])

/** The request that a value is; nothing when it is none (section 4). `meta` is ours: an object of texts. */
export function readRequest(value: unknown): RpcRequest | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { jsonrpc, id, method, params = {}, meta } = value as Record<string, unknown>
  if (jsonrpc !== '2.0' || typeof method !== 'string') return undefined
  if (typeof params !== 'object' || params === null) return undefined
  if (!isId(id)) return undefined
  const headers = meta === undefined ? undefined : readMeta(meta)
  if (headers === null) return undefined
  return { id, method, params: params as RpcRequest['params'], meta: headers }
}

/** The id that an answer to something malformed can repeat (section 5). */
export function idOf(value: unknown): Exclude<RequestId, undefined> {
  const { id } = (value ?? {}) as { id?: unknown }
  return isId(id) ? (id ?? null) : null
}

function isId(id: unknown): id is RequestId {
  return id === undefined || id === null || typeof id === 'string' || (typeof id === 'number' && Number.isFinite(id))
}

/** Null for what is no object of texts, or names a header that is not read. */
function readMeta(meta: unknown): IncomingHttpHeaders | null {
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) return null
  const headers: IncomingHttpHeaders = {}
  for (const [name, value] of Object.entries(meta)) {
    const known = name.toLowerCase()
    // What HTTP refuses in a header must not get in here either.
    if (typeof value !== 'string' || !readable.has(known) || /[^\t\x20-\x7e\x80-\xff]/.test(value)) return null
    headers[known] = value
  }
  return headers
}
