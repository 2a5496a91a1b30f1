/** What REST says in headers, for wires that have none: the response headers that a caller can use off HTTP. */

import type { OutgoingHttpHeaders } from 'node:http'

/** `Link` is told by each wire as the cursor of the next page. */
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

/** Those that are there as the members of a JSON object, without its braces; all are texts. */
export function renderShown(headers: Readonly<OutgoingHttpHeaders>): string {
  let members = ''
  for (const name of shownHeaders) {
    const value = headers[name]
    if (value !== undefined) members += `${members === '' ? '' : ','}"${name}":${JSON.stringify(String(value))}`
  }
  return members
}
