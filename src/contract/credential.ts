/** The credential of a request: an `X-API-Key` header or a Bearer token (RFC 6750 section 2.1), never in a URL. */

import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '../errors.ts'
import { unauthenticated } from './access.ts'

const scheme = 'Bearer '
/** Another case, or more spaces (RFC 9110 section 11.4). */
const otherwiseWritten = /^bearer +(\S+) *$/i
/** RFC 6750 section 2.1, `b64token`. */
const token = /^[\w\-.~+/]+=*$/

/**
 * Reads the one credential that a request carries, as it is: what recognises it checks its form, and that only when it
 * meets it for the first time.
 *
 * @throws {Problem} `malformed-request` for two different ones; `unauthenticated` for another scheme.
 */
export function readCredential(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers
  const key = headers['x-api-key']
  if (authorization === undefined) {
    if (key === undefined || (typeof key === 'string' && key !== '')) return key
    throw unauthenticated('X-API-Key must hold one key', 'invalid_token')
  }
  const credential =
    authorization.startsWith(scheme) && authorization[scheme.length] !== ' '
      ? authorization.slice(scheme.length)
      : otherwiseWritten.exec(authorization)?.[1]
  if (credential === undefined || credential === '') throw wrongForm()
  if (key !== undefined && key !== credential) {
    throw new Problem('malformed-request', 'Send one credential: X-API-Key or Authorization')
  }
  return credential
}

/** Why nothing recognises a credential. */
export function unrecognised(credential: string): Problem {
  if (!token.test(credential)) return wrongForm()
  return unauthenticated('The credential is neither an API key nor an access token', 'invalid_token')
}

function wrongForm(): Problem {
  return unauthenticated('Authorization must be: Bearer, then a token', 'invalid_token')
}
