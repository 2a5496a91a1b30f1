/** The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header) as one record to be written with the change. */

import { createHash } from 'node:crypto'
import { Problem } from '../errors.ts'

/** Ties a key to its operation and to the request that first used it. */
export interface Once {
  /** Operation and principal; a key means nothing outside them. */
  scope: string
  key: string
  /** SHA-256 of the input, in canonical form. */
  fingerprint: string
}

/**
 * Reads the header. Quoted (a structured-field string) and bare forms of a key are equal.
 *
 * @throws {Problem} `validation-failed` for an empty, oversized or non-ASCII key.
 */
export function readOnce(header: string, scope: string, input: unknown): Once {
  const key = /^"(.*)"$/.exec(header.trim())?.[1] ?? header.trim()
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw new Problem('validation-failed', 'The header does not match its schema', {
      errors: [{ in: 'header', pointer: '/idempotency-key', detail: 'must be 1 to 255 printable ASCII characters' }],
    })
  }
  return { scope, key, fingerprint: createHash('sha256').update(canonical(input)).digest('base64url') }
}

/** JSON with sorted property names, so that the order in which a client writes them does not matter. */
function canonical(input: unknown): string {
  return (
    JSON.stringify(input, (_, value: unknown) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
      return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    }) ?? ''
  )
}
