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

/** The methods that are no operations: browsers cannot send headers with a WebSocket, and what happens is told on one. */
export const ownMethods = { authenticate: 'authenticate', subscribe: 'subscribe', unsubscribe: 'unsubscribe' } as const

/** What is subscribed to where nothing is named. */
export const usualOperation = 'listEvents'

/** Headers that a message may bring; the others are the connection's. */
export const readableHeaders = [
  'authorization',
  'x-api-key',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'prefer',
  'traceparent',
  'tracestate',
  'x-request-id',
] as const

const readable: ReadonlySet<string> = new Set(readableHeaders)

/** Objects and lists inside one another; validation and rendering go down as far as a message does. */
const maxDepth = 64

/** Whether a parsed message is nested deeper than is read. */
export function isTooDeep(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth === maxDepth) return true
  if (Array.isArray(value)) return value.some((item) => isTooDeep(item, depth + 1))
  for (const name in value) {
    if (isTooDeep((value as Record<string, unknown>)[name], depth + 1)) return true
  }
  return false
}

/** The request that a value is (section 4), or why it is none. `meta` is ours: an object of texts. */
export function readRequest(value: unknown): RpcRequest | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'A request is an object'
  const { jsonrpc, id, method, params = {}, meta } = value as Record<string, unknown>
  if (jsonrpc !== '2.0') return '`jsonrpc` must be "2.0"'
  if (typeof method !== 'string') return '`method` must be a text'
  if (typeof params !== 'object' || params === null) return '`params` must be an object'
  if (!isId(id)) return '`id` must be a text, a number or null'
  if (meta === undefined) return { id, method, params: params as RpcRequest['params'], meta }
  const headers = readMeta(meta)
  if (headers === undefined) return `\`meta\` may hold ${readableHeaders.join(', ')}, as texts`
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

/** Nothing for what is no object of texts, or names a header that is not read. */
function readMeta(meta: unknown): IncomingHttpHeaders | undefined {
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) return undefined
  const headers: IncomingHttpHeaders = {}
  for (const [name, value] of Object.entries(meta)) {
    const known = name.toLowerCase()
    // What HTTP refuses in a header must not get in here either.
    if (typeof value !== 'string' || !readable.has(known) || /[^\t\x20-\x7e\x80-\xff]/.test(value)) return undefined
    headers[known] = value
  }
  return headers
}
