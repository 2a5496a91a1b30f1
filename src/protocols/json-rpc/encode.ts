/** Answers as text: a result is what the route has rendered, put between the members around it. */

import type { OutgoingHttpHeaders } from 'node:http'
import type { Outcome } from '../../contract/call.ts'
import { nextCursorOf, type Output } from '../../contract/shape.ts'
import { renderShown } from '../../contract/shown-headers.ts'
import type { RequestId } from './decode.ts'
import type { RpcError } from './errors.ts'

/** Methods of the notifications that a server sends. */
export const eventNotice = 'event'
export const endNotice = 'subscriptionEnded'

export function renderResult(id: RequestId, { status, headers, text = 'null' }: Outcome, { kind }: Output): string {
  const result = kind === 'page' ? pageOf(text, headers.link) : text
  return `{"jsonrpc":"2.0","id":${renderId(id)},"result":${result}${renderMeta(headers, status)}}`
}

export function renderError(id: RequestId, error: RpcError, headers: OutgoingHttpHeaders = {}): string {
  return `{"jsonrpc":"2.0","id":${renderId(id)},"error":${JSON.stringify(error)}${renderMeta(headers)}}`
}

/** What a subscription tells. */
export function renderEvent(subscription: string, text: string): string {
  return `{"jsonrpc":"2.0","method":"${eventNotice}","params":{"subscription":"${subscription}","event":${text}}}`
}

/** That a subscription tells nothing more, why, and from where on another can go on. */
export function renderEnd(subscription: string, cursor: string, error: RpcError): string {
  return JSON.stringify({ jsonrpc: '2.0', method: endNotice, params: { subscription, cursor, error } })
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
  const shown = renderShown(headers)
  const members = status === 304 ? `"status":"304"${shown && ','}${shown}` : shown
  return members === '' ? '' : `,"meta":{${members}}`
}
