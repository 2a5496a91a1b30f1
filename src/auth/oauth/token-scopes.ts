/** What tokens are said to open: what they open at that moment, not what they were given for once. */

import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { holds, stillHeld } from '../../contract/principal.ts'
import { isIdentityScope, offlineScope } from '../../contract/scope-words.ts'
import type { Accounts } from '../accounts.ts'

interface Settings {
  accounts: Accounts
  /** Every scope that an operation asks for. */
  knownScopes: ReadonlySet<string>
}

interface Given {
  scope?: string | undefined
  /** The user that a token was given for. */
  accountId?: string | undefined
  /** What its client may ask for, separated by spaces. */
  ofClient?: string | undefined
}

/** Has token responses (RFC 6749 section 5.1) and introspection (RFC 7662 section 2.2) tell what a token opens. */
export function tellScopesNow(provider: Provider, settings: Settings): void {
  const prototype = provider.AccessToken.prototype
  const { save } = prototype
  // The response names the scopes of the token that was saved.
  prototype.save = async function saveNarrowed() {
    const { scope, accountId, client } = this
    this.scope = await scopesNow({ scope, accountId, ofClient: client?.scope }, settings)
    return save.call(this)
  }
  provider.use(async (ctx, next) => {
    await next()
    const { route, client } = (ctx as Partial<KoaContextWithOIDC>).oidc ?? {}
    const body = ctx.body as { active?: boolean; scope?: string | undefined; sub?: string } | undefined
    if (route !== 'introspection' || !body?.active) return
    const { scope, sub: accountId } = body
    body.scope = (await scopesNow({ scope, accountId, ofClient: client?.scope }, settings)) || undefined
  })
}

/** Of the scopes that were granted, those that client and user hold still; those about the user as they were granted. */
async function scopesNow(
  { scope = '', accountId, ofClient = '' }: Given,
  { accounts, knownScopes }: Settings,
): Promise<string> {
  const granted = scope.split(' ').filter(Boolean)
  const ofOperations = granted.filter((name) => knownScopes.has(name))
  const held = accountId === undefined ? ofOperations : ((await accounts.scopesOf(Number(accountId))) ?? [])
  const client = { scopes: new Set(ofClient.split(' ')) }
  const opening = new Set(stillHeld(ofOperations, held).filter((name) => holds(client, name)))
  const stays = (name: string) => isIdentityScope(name) || name === offlineScope || opening.has(name)
  return [...new Set([...granted.filter(stays), ...opening])].join(' ')
}
