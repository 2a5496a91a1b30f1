/** A list of scopes, as keys and tokens carry it. */

import { Type } from '@sinclair/typebox'

/** `users:read`, or `admin` alone; source of a pattern. */
export const scopePattern = '^[a-z][a-z-]*(:[a-z][a-z-]*)?$'

/** A resource and what may be done with it; `admin` holds all. */
export const Scopes = Type.Array(Type.String({ pattern: scopePattern, maxLength: 100, examples: ['users:read'] }), {
  minItems: 1,
  maxItems: 50,
  uniqueItems: true,
  description: 'What may be done; `admin` stands for everything.',
  examples: [['users:read']],
})
