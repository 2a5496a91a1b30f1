/** The ways to authenticate that the server knows, each registered by its own plugin. */

import type { IncomingHttpHeaders } from 'node:http'
import { readCredential, unrecognised } from './credential.ts'
import type { Eventually } from './eventually.ts'
import { adminScope, type Principal } from './principal.ts'

export interface Authenticator {
  /** Whether a credential has this way's form; says nothing about whether it is good. */
  recognises(credential: string): boolean
  /** @throws {Problem} `unauthenticated` */
  authenticate(credential: string): Eventually<Principal>
}

/** The scopes that a user holds now, as accounts know them; nothing when there is no such account. */
export type ScopesOf = (userId: number) => Eventually<readonly string[] | undefined>

export class Authenticators {
  readonly anonymous: Principal
  /** Every scope that an operation asks for, and `admin`. */
  readonly scopes = new Set<string>([adminScope])
  /** To be set by what knows of accounts; until then no user has any. */
  scopesOf: ScopesOf = () => undefined
  readonly #accepted: Authenticator[] = []

  constructor(anonymousScopes: readonly string[]) {
    this.anonymous = { kind: 'anonymous', id: 'anonymous', scopes: new Set(anonymousScopes) }
  }

  accept(authenticator: Authenticator): void {
    this.#accepted.push(authenticator)
  }

  /** Who sends these headers: anonymous without a credential, never with a wrong one. */
  principalOf(headers: IncomingHttpHeaders): Eventually<Principal> {
    const credential = readCredential(headers)
    return credential === undefined ? this.anonymous : this.authenticate(credential)
  }

  /** @throws {Problem} `unauthenticated` */
  authenticate(credential: string): Eventually<Principal> {
    for (const accepted of this.#accepted) {
      if (accepted.recognises(credential)) return accepted.authenticate(credential)
    }
    throw unrecognised(credential)
  }
}
