/** Login through another party: OAuth 2.0 authorization code with PKCE (RFC 6749, 7636, 9700), OpenID Connect Core 1.0. */

import type { FastifyBaseLogger } from 'fastify'
import type { Store } from '../../storage/store.ts'
import type { Accounts } from '../accounts.ts'
import type { Audit } from '../audit.ts'
import type { Notices } from '../notices.ts'
import type { Secrets } from '../secrets.ts'
import type { Sessions } from '../sessions.ts'
import type { LoginFlow } from './flow.ts'
import type { LoginSettings } from './settings.ts'

export interface LoginOptions {
  settings: LoginSettings
  store: Store
  secrets: Secrets
  audit: Audit
  notices: Notices
  accounts: Pick<Accounts, 'scopesOf'>
  sessions: Sessions
  /** Whether anybody may make an account. */
  signUp: boolean
  /** Where clients reach the server, without a path. */
  baseUrl: () => string
  log: FastifyBaseLogger
}

/** A provider as callers see it. */
export interface LoginProvider {
  id: string
  label: string
  url: string
}

export class Login {
  readonly #options: LoginOptions
  #flow: Promise<LoginFlow> | undefined

  constructor(options: LoginOptions) {
    this.#options = options
  }

  /** Whether anybody can log in so. */
  get offered(): boolean {
    return this.#options.settings.providers.length > 0
  }

  providers(): LoginProvider[] {
    const { settings, baseUrl } = this.#options
    return settings.providers.map(({ id, label }) => ({ id, label, url: `${baseUrl()}/auth/login/${id}` }))
  }

  /** Loaded when somebody logs in: a server where nobody does needs none of it. */
  flow(): Promise<LoginFlow> {
    this.#flow ??= import('./flow.ts').then(({ LoginFlow }) => new LoginFlow(this.#options))
    return this.#flow
  }
}
