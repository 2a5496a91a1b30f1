/** Access tokens of OAuth clients as credentials: opaque, each checked against the storage at most once a second. */

import { unauthenticated } from '../../contract/access.ts'
import type { ScopesOf } from '../../contract/authenticators.ts'
import { type Eventually, whenever } from '../../contract/eventually.ts'
import { type Principal, stillHeld } from '../../contract/principal.ts'
import type { Problem } from '../../errors.ts'
import { type Finding, Verified } from '../verified.ts'
import type { Payload, Payloads } from './payloads.ts'

/** Secret scanners know a token by its beginning. */
export const accessPrefix = 'spta_'
/** 256 bits. */
const form = /^spta_[\w-]{43}$/

/** Whether the text was meant as an access token of an OAuth client. */
export function looksLikeOAuthToken(text: string): boolean {
  return text.startsWith(accessPrefix)
}

export class OAuthTokens {
  readonly #payloads: Payloads
  readonly #scopesOf: ScopesOf
  readonly #knownScopes: ReadonlySet<string>
  readonly #verified = new Verified<true>()

  /** `knownScopes`: those that operations ask for; those about the user open no operation. */
  constructor(payloads: Payloads, scopesOf: ScopesOf, knownScopes: ReadonlySet<string>) {
    this.#payloads = payloads
    this.#scopesOf = scopesOf
    this.#knownScopes = knownScopes
  }

  /** @throws {Problem} `unauthenticated` */
  authenticate(text: string): Eventually<Principal> {
    const fresh = this.#verified.fresh(text)
    if (fresh !== undefined) return fresh
    if (!form.test(text)) throw invalid()
    return this.#verified.check(text, () => this.#find(text))
  }

  /** After something was revoked: every token is looked up again. */
  forgetVerified(): void {
    this.#verified.forget(() => true)
  }

  #find(text: string): Eventually<Finding<true>> {
    return whenever(this.#payloads.access(text), (payload) => {
      if (payload === undefined) throw invalid()
      const expiresAt = payload.exp && payload.exp * 1000
      return whenever(this.#principalOf(payload), (principal) => ({ subject: true, principal, expiresAt }))
    })
  }

  #principalOf({ clientId = '', accountId, scope = '' }: Payload): Eventually<Principal> {
    const granted = scope.split(' ').filter((name) => this.#knownScopes.has(name))
    const id = `client:${clientId}`
    if (accountId === undefined) return { kind: 'client', id, scopes: new Set(granted) }
    const userId = Number(accountId)
    return whenever(this.#scopesOf(userId), (held) => {
      if (held === undefined) throw invalid()
      const scopes = new Set(stillHeld(granted, held))
      return { kind: 'client', id: `${id}/user:${userId}`, scopes, userId }
    })
  }
}

/** One answer for unknown, expired and revoked tokens. */
function invalid(): Problem {
  return unauthenticated('The access token is not valid', 'invalid_token')
}
