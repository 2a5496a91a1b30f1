/** Answers as text: a result is what the route has rendered, put between the members around it. */

import type { OutgoingHttpHeaders } from 'node:http'
import type { Outcome } from '../../contract/call.ts'
import { nextCursorOf, type Output } from '../../contract/shape.ts'
import type { RequestId } from './decode.ts'
import type { RpcError } from './errors.ts'

/** Response headers that a caller can use off HTTP; `Link` is `nextCursor`. */
export const shownHeaders = [
  'etag',
  'location',
  'retry-after',
  'x-total-count',
  'preference-applied',
  'idempotent-replayed',
  'www-authenticate',
  'ratelimit',
  'ratelimit-policy',
] as const

export function renderResult(id: RequestId, { status, headers, text = 'null' }: Outcome, { kind }: Output): string {
  const result = kind === 'page' ? pageOf(text, headers.link) : text
  return `{"jsonrpc":"2.0","id":${renderId(id)},"result":${result}${renderMeta(headers, status)}}`
}

export function renderError(id: RequestId, error: RpcError, headers: OutgoingHttpHeaders = {}): string {
  return `{"jsonrpc":"2.0","id":${renderId(id)},"error":${JSON.stringify(error)}${renderMeta(headers)}}`
}

function renderId(id: RequestId): string {
  return typeof id === 'number' ? `${id}` : JSON.stringify(id ?? null)
}

function pageOf(text: string, link: unknown): string {
  const cursor = nextCursorOf(link)
  return `{"items":${text},"nextCursor":${cursor === undefined ? 'null' : `"${cursor}"`}}`
}

/** Ours, and nothing where there is nothing to say. 304 is the one success that has no other sign. */
function renderMeta(headers: OutgoingHttpHeaders, status = 200): string {
  let members = status === 304 ? '"status":"304"' : ''
  for (const name of shownHeaders) {
    const value = headers[name]
    if (value !== undefined) members += `${members === '' ? '' : ','}"${name}":${JSON.stringify(String(value))}`
  }
  return members === '' ? '' : `,"meta":{${members}}`
}
