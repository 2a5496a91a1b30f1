/** The credential of a request: an `X-API-Key` header or a Bearer token (RFC 6750 section 2.1), never in a URL. */

import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '../errors.ts'
import { unauthenticated } from './access.ts'

const bearer = /^bearer +([\w\-.~+/]+=*) *$/i

/**
 * Reads the one credential that a request carries.
 *
 * @throws {Problem} `malformed-request` for two different ones; `unauthenticated` for another scheme or form.
 */
export function readCredential(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers
  const key = headers['x-api-key']
  if (authorization === undefined) {
    if (key === undefined || (typeof key === 'string' && key !== '')) return key
    throw unauthenticated('X-API-Key must hold one key', 'invalid_token')
  }
  const token = bearer.exec(authorization)?.[1]
  if (token === undefined) throw unauthenticated('Authorization must be: Bearer, then a token', 'invalid_token')
  if (key !== undefined && key !== token) {
    throw new Problem('malformed-request', 'Send one credential: X-API-Key or Authorization')
  }
  return token
}
