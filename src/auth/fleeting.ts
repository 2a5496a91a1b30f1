/** Credentials that are good for a time: what they open is theirs, but they may not turn it into something that lasts. */

import type { Principal } from '../contract/principal.ts'
import { Problem } from '../errors.ts'

/** @throws {Problem} `forbidden`: who holds an old secret cannot make the access last beyond the overlap, or lock its owner out. */
export function refuseReplaced({ replaced }: Principal): void {
  if (replaced) throw new Problem('forbidden', 'The secret of this key was replaced: use the new one')
}

/** @throws {Problem} `forbidden` for a key that expires or was replaced, and for an application. */
export function refuseFleeting(principal: Principal): void {
  refuseReplaced(principal)
  if (principal.expiresAt !== undefined || principal.kind === 'client')
    throw new Problem('forbidden', 'What this does would outlast your credential: use one that does not expire')
}
