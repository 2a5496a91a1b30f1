/** Whose payments a caller has to do with, and what a request that moves money must say. */

import type { Once } from '../../contract/idempotency.ts'
import { adminScope, holds, type Principal } from '../../contract/principal.ts'
import { Problem } from '../../errors.ts'

/**
 * The only user whose payments a principal has to do with; nothing for whoever acts for all: administrators, and keys
 * and clients of no user.
 *
 * @throws {Problem} `forbidden` for nobody in particular, whatever scopes everybody has.
 */
export function ownOf(principal: Principal): number | undefined {
  if (principal.kind === 'anonymous') throw new Problem('forbidden', 'Payments are of somebody: sign in, or use a key')
  return holds(principal, adminScope) ? undefined : principal.userId
}

/** @throws {Problem} `forbidden` for a user, who would give to themselves. */
export function requireAll(principal: Principal): void {
  if (ownOf(principal) === undefined) return
  throw new Problem('forbidden', 'You cannot give back a payment of your own')
}

/** What moves money at once is not asked for without a key. @throws {Problem} `validation-failed` */
export function requireOnce(once: Once | undefined): void {
  if (once) return
  throw new Problem('validation-failed', 'The header does not match its schema', {
    errors: [{ in: 'header', pointer: '/idempotency-key', detail: 'must be given: the request moves money' }],
  })
}
