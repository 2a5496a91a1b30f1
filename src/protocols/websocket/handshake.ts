/** What is asked of an upgrade before it is accepted, and what of it stays (RFC 6455 section 4.2). */

import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '../../errors.ts'

/** The one subprotocol that is spoken; a client may offer none. */
export const subprotocol = 'jsonrpc-2.0'

/** Why these subprotocols will not do; nothing where one does, or none is offered. */
export function refusalOfSubprotocol(offered: string | undefined): Problem | undefined {
  if (offered === undefined || offered.split(',').some((name) => name.trim() === subprotocol)) return undefined
  return new Problem('malformed-request', `The subprotocol that is spoken here is ${subprotocol}`)
}

/**
 * Why a page may not connect; nothing for one that may, and for clients that are no pages (RFC 6455 section 10.2):
 * browsers let pages of any origin open a WebSocket, also into the network that only the user can reach.
 */
export function refusalOfOrigin(
  { origin, host }: Pick<IncomingHttpHeaders, 'origin' | 'host'>,
  allowed: readonly string[],
): Problem | undefined {
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return undefined
  const url = URL.parse(origin)
  if (url !== null && url.host !== '' && url.host === host?.toLowerCase()) return undefined
  return new Problem('forbidden', 'Pages of this origin may not connect: see CORS_ORIGINS')
}

/** What is said of the upgrade, or would hold for one call, not for all of a connection. */
const ofTheUpgrade = new Set([
  'connection',
  'upgrade',
  'origin',
  'cache-control',
  'pragma',
  'accept-encoding',
  'content-length',
  'transfer-encoding',
  'idempotency-key',
  'prefer',
  'x-request-id',
  // It is sent by itself, also for a page of another origin, which over REST could not use it.
  'cookie',
])

/** The headers that each call of the connection has. */
export function headersOfConnection(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !(ofTheUpgrade.has(name) || name.startsWith('sec-') || name.startsWith('if-')),
    ),
  )
}
