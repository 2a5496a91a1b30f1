/** Scopes as people read them on a page that asks for their consent. */

import { adminScope } from './principal.ts'

/** Scopes about the user, which no operation asks for (OpenID Connect Core 1.0 sections 5.4 and 11). */
export const identityScopes: readonly string[] = ['openid', 'profile', 'email']
export const offlineScope = 'offline_access'

export function isIdentityScope(scope: string): boolean {
  return identityScopes.includes(scope)
}

const known: Record<string, string> = {
  [adminScope]: 'Do everything that an administrator can do',
  openid: 'Know that it is you',
  profile: 'See your name',
  email: 'See your e-mail address',
  [offlineScope]: 'Keep this access while you are away',
}

const verbs: Record<string, string> = { read: 'See', write: 'Create, change and delete' }

/** Where the name of a resource is not what people call it. */
const things: Record<string, string> = { audit: 'the audit trail', events: 'what happens', keys: 'API keys' }

/** `users:write` → "Create, change and delete users". */
export function wordsOf(scope: string): string {
  const [resource = '', action] = scope.split(':')
  const verb = action === undefined ? 'Use' : (verbs[action] ?? `${action[0]?.toUpperCase()}${action.slice(1)}`)
  return known[scope] ?? `${verb} ${things[resource] ?? resource.replaceAll('-', ' ')}`
}
