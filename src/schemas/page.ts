/** Keyset pages: the query that asks for one and the header that leads to the next (RFC 8288). */

import { Type } from '@sinclair/typebox'
import { Id } from './id.ts'

export const defaultLimit = 20

/** Query properties shared by every list. */
export const pageQuery = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, default: defaultLimit, description: 'Items on a page.' }),
  ),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 4096,
      pattern: '^[A-Za-z0-9_-]+$',
      description: 'Where the page starts: the `cursor` of the `Link` header with `rel="next"`.',
    }),
  ),
}

/** Query property of a list that gives some rows by their ids; what GraphQL loads what keys name with, all at once. */
export const idsQuery = {
  ids: Type.Optional(
    Type.Array(Id, {
      minItems: 1,
      maxItems: 100,
      description: 'Only those with one of these ids; `limit` holds all the same.',
    }),
  ),
}

/** Request header that asks for a total (RFC 7240). */
export const preferHeader = {
  prefer: Type.Optional(
    Type.String({
      maxLength: 200,
      description: '`count=exact` answers with `X-Total-Count` and `Preference-Applied` (RFC 7240).',
    }),
  ),
}

/** Response headers of a page. */
export const pageHeaders = {
  link: Type.String({ description: 'The next page, `rel="next"`; absent on the last (RFC 8288).' }),
  'x-total-count': Type.Integer({ description: 'Matching items, when `Prefer: count=exact` was sent.' }),
  'preference-applied': Type.String({ description: '`count=exact` when it was applied (RFC 7240).' }),
}
