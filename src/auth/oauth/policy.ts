/** When a user has to sign in, and is asked for consent, before an application goes on. */

import type { KoaContextWithOIDC } from 'oidc-provider'
import { holds } from '../../contract/principal.ts'
import { isIdentityScope, offlineScope } from '../../contract/scope-words.ts'
import type { Accounts } from '../accounts.ts'
import type { Library } from './library.ts'
import type { SignIns } from './sign-ins.ts'
import { signInOf } from './sign-out.ts'

interface Settings {
  accounts: Accounts
  signIns: SignIns
}

/** The library's policy, with checks of our own in it. */
export function policyOf({ interactionPolicy }: Library, settings: Settings) {
  const { Check, base } = interactionPolicy
  const policy = base()
  const [login, consent] = [policy.get('login'), policy.get('consent')]
  const description = 'End-User authentication is required'
  login?.checks.add(
    new Check('session_outdated', description, 'login_required', (ctx) => isOutdated(ctx, settings.signIns)),
  )
  // The library's own takes what a grant left out for refused for good.
  const name = 'op_scopes_missing'
  const missing = new WeakMap<object, string[]>()
  consent?.checks.remove(name)
  consent?.checks.add(
    new Check(
      name,
      'requested scopes not granted',
      'consent_required',
      async (ctx) => {
        const scopes = await missingScopes(ctx, settings.accounts)
        missing.set(ctx.oidc, scopes)
        return scopes.length > 0
      },
      ({ oidc }) => ({ missingOIDCScope: missing.get(oidc) ?? [] }),
    ),
  )
  return policy
}

/** Whether a user can give a scope to an application; nothing for one whose account is gone or locked. */
export async function grantableBy(
  userId: number,
  accounts: Accounts,
): Promise<((scope: string) => boolean) | undefined> {
  const held = await accounts.scopesOf(userId)
  if (held === undefined) return undefined
  const owner = { scopes: new Set(held) }
  return (scope) => isIdentityScope(scope) || scope === offlineScope || holds(owner, scope)
}

/** Whose sign-in was ended, or has expired, signs in again. */
async function isOutdated({ oidc }: KoaContextWithOIDC, signIns: SignIns): Promise<boolean> {
  const { accountId, loginTs } = oidc.session ?? {}
  if (accountId === undefined) return false
  const signIn = signInOf({ accountId, loginTs })
  return oidc.account === undefined || signIn === undefined || !(await signIns.stands(signIn))
}

/** What is asked for, was not granted and could be: what the user cannot give now is asked for once that has changed. */
async function missingScopes({ oidc }: KoaContextWithOIDC, accounts: Accounts): Promise<string[]> {
  const grantable = await grantableBy(Number(oidc.session?.accountId), accounts)
  const granted = new Set(oidc.entities.Grant?.getOIDCScope().split(' '))
  return [...oidc.requestParamOIDCScopes].filter((scope) => !granted.has(scope) && grantable?.(scope))
}
