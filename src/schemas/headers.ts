/** Request and response headers that operations declare. */

import { type TProperties, Type } from '@sinclair/typebox'

/** Names those headers that an operation reads; others pass unread. */
export function headers<Properties extends TProperties>(properties: Properties) {
  return Type.Object(properties, { additionalProperties: true })
}

export const ifMatch = {
  'if-match': Type.Optional(
    Type.String({
      maxLength: 1000,
      description: 'Change only the version with this `ETag`, else 412 (RFC 9110 section 13.1.1).',
    }),
  ),
}

export const ifNoneMatch = {
  'if-none-match': Type.Optional(
    Type.String({ maxLength: 1000, description: 'Answer 304 while this `ETag` is current (RFC 9110 section 13.1.2).' }),
  ),
}

export const idempotencyKey = {
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 257,
      description: 'Any text of the caller; the same key and body again repeat the first reply and change nothing.',
    }),
  ),
}

export const etag = { etag: Type.String({ description: 'Version of the resource (RFC 9110 section 8.8.3).' }) }

export const createdHeaders = {
  ...etag,
  location: Type.String({ description: 'Path of the new resource.' }),
  'idempotent-replayed': Type.String({ description: '`true` when this repeats the reply to an earlier request.' }),
}

/** Of an answer that holds a secret (RFC 9111 section 5.2.2.5). */
export const uncached = { 'cache-control': Type.String({ description: '`no-store`: the answer holds a secret.' }) }
