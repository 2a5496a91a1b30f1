/** Who calls, and what they may do; the same on every wire. */

/** How a principal proved who it is. */
export type PrincipalKind = 'anonymous' | 'user' | 'api-key' | 'client'

export interface Principal {
  readonly kind: PrincipalKind
  /** Stable name for logs, quotas and idempotency: `user:1`, `api-key:3fk0…`, `anonymous`. */
  readonly id: string
  readonly scopes: ReadonlySet<string>
  /** The user that the principal is, or acts for. */
  readonly userId?: number | undefined
  /** The session that an access token belongs to. */
  readonly sessionId?: string | undefined
  /** When the API key expires, ISO 8601: what it makes lasts no longer. Absent when it never does. */
  readonly expiresAt?: string | undefined
  /** That the API key came with the secret that a rotation replaced: it opens what it did, and manages no keys. */
  readonly replaced?: true | undefined
}

/** The scope that holds all others. */
export const adminScope = 'admin'

/** Whether the principal holds a scope, by itself or by `admin`. */
export function holds({ scopes }: Pick<Principal, 'scopes'>, scope: string): boolean {
  return scopes.has(scope) || scopes.has(adminScope)
}

/** Those of the wanted scopes that the principal lacks. */
export function missingScopes(principal: Pick<Principal, 'scopes'>, wanted: Iterable<string>): string[] {
  return [...wanted].filter((scope) => !holds(principal, scope))
}

/**
 * Of the scopes that were granted for a user, those that it holds still; of a granted `admin`, all that it holds.
 * What was granted lasts no longer than the rights that it came from.
 */
export function stillHeld(granted: readonly string[], held: readonly string[]): string[] {
  const owner = { scopes: new Set(held) }
  const grant = { scopes: new Set(granted) }
  const kept = granted.filter((scope) => holds(owner, scope))
  return [...new Set([...kept, ...held.filter((scope) => holds(grant, scope))])]
}
