/** What of a request that opens a connection holds for all that is said on it. */

import type { IncomingHttpHeaders } from 'node:http'

/** Would hold for one call, not for all of a connection, or is said of the request that has opened it. */
const ofOneRequest = new Set([
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
      ([name]) => !(ofOneRequest.has(name) || name.startsWith('sec-') || name.startsWith('if-')),
    ),
  )
}
