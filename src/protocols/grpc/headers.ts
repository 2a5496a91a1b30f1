/** Metadata: what a caller's becomes for an operation, and what of an answer's headers it sees. */

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { shownHeaders } from '../../contract/shown-headers.ts'
import { Problem } from '../../errors.ts'

export type Metadata = Readonly<Record<string, string>>

/** Values of a name that ends in `-bin`: base64, with padding or without, several by comma. */
const base64 = '(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?'
const binary = new RegExp(`^${base64}(?:, ?${base64})*$`)

/**
 * Metadata as the headers of REST. A call answers with a message, whatever version of it the client has
 * (`if-none-match`); and no page of a browser should be able to bring along a cookie. Bytes are the base64 that they
 * came as.
 *
 * @param metadata Changed: a copy costs as much as the rest.
 */
export function headersOf(metadata: IncomingHttpHeaders, host: string | undefined): IncomingHttpHeaders {
  if (host !== undefined) metadata.host = host
  if (metadata.cookie !== undefined) delete metadata.cookie
  if (metadata['if-none-match'] !== undefined) delete metadata['if-none-match']
  return metadata
}

/** Bytes of the headers of a call, as many as those of a request of HTTP/1.1. */
export const maxHeaders = 16_384
/** What a field counts beside its name and value (RFC 9113 section 6.5.2). */
const fieldSize = 32

/**
 * Looks at how much metadata there is, and at what of it is bytes.
 *
 * @param raw Names and values in turn, as they came.
 * @throws {Problem} `malformed-request` for bytes that are no base64; `headers-too-large`.
 */
export function checkMetadata(raw: readonly string[]): void {
  let size = 0
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string
    const value = raw[at + 1] as string
    size += name.length + value.length + fieldSize
    if (size > maxHeaders) throw new Problem('headers-too-large', `A call has at most ${maxHeaders} bytes of metadata`)
    if (name.endsWith('-bin') && !binary.test(value))
      throw new Problem('malformed-request', `The metadata ${name} is no base64`)
  }
}

/** What of an answer's headers is metadata; nothing where nothing is. */
export function shownMetadata(headers: Readonly<OutgoingHttpHeaders> = {}): Metadata | undefined {
  let found: Record<string, string> | undefined
  for (const name of shownHeaders) {
    const value = headers[name]
    if (value === undefined) continue
    const text = String(value)
    // Metadata is printable ASCII (gRPC over HTTP/2, "Custom-Metadata").
    if (!/^[ -~]*$/.test(text)) continue
    found ??= {}
    found[name] = text
  }
  return found
}
