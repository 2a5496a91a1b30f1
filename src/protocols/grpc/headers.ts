/** Metadata: what a caller's becomes for an operation, and what of an answer's headers it sees. */

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { shownHeaders } from '../../contract/shown-headers.ts'

/**
 * Metadata as the headers of REST. A call answers with a message, whatever version of it the client has
 * (`if-none-match`); and no page of a browser should be able to bring along a cookie.
 *
 * @param metadata Changed: a copy costs as much as the rest.
 */
export function headersOf(metadata: Record<string, unknown>, host: string): IncomingHttpHeaders {
  metadata.host = host
  if (metadata.cookie !== undefined) delete metadata.cookie
  if (metadata['if-none-match'] !== undefined) delete metadata['if-none-match']
  for (const name in metadata) {
    // Bytes, of names that end in `-bin`.
    if (typeof metadata[name] !== 'string') delete metadata[name]
  }
  return metadata as IncomingHttpHeaders
}

/** Names and values for metadata; nothing where there are none. */
export function shownMetadata(
  headers: Readonly<OutgoingHttpHeaders> = {},
): [name: string, value: string][] | undefined {
  let found: [string, string][] | undefined
  for (const name of shownHeaders) {
    const value = headers[name]
    if (value === undefined) continue
    const text = String(value)
    // Metadata is printable ASCII (gRPC over HTTP/2, "Custom-Metadata").
    if (!/^[ -~]*$/.test(text)) continue
    found ??= []
    found.push([name, text])
  }
  return found
}
