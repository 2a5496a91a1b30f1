/** How a login goes: begun here, back from the provider, exchanged for a session. */

import { unauthenticated } from '../../contract/access.ts'
import type { Principal } from '../../contract/principal.ts'
import { Problem } from '../../errors.ts'
import { Allowances } from '../account-allowances.ts'
import type { Caller } from '../account-parts.ts'
import { newBrowser } from '../browser-cookie.ts'
import type { Client, Tokens } from '../sessions.ts'
import { networkOf } from '../throttle.ts'
import { type Attempt, Attempts } from './attempts.ts'
import { loginCookie } from './browser.ts'
import { codeLifetime, LoginCodes } from './codes.ts'
import { GitHubProvider } from './github.ts'
import { Identities } from './identities.ts'
import type { Identity } from './identity-sql.ts'
import { type Linker, Linkers } from './linkers.ts'
import type { LoginOptions } from './login.ts'
import { type CodeBinding, LoginSql } from './login-sql.ts'
import { OidcProvider } from './oidc.ts'
import type { Provider, ProviderUser } from './provider.ts'
import { LoginRefusal, refusalOf } from './refusal.ts'
import { issuersOf, type ProviderSettings } from './settings.ts'

/** Begun, or failed without having been begun, from one caller within an hour. */
const loginsAnHour = 300

export type LoginCaller = Caller & Client

/** How a login ends: back where it is wanted, or with a code to be shown. */
export type LoginEnd = { location: string } | { code: string; expiresIn: number }

export class LoginFlow {
  readonly #options: LoginOptions
  readonly #providers: ReadonlyMap<string, Provider>
  readonly #sql: LoginSql
  readonly #attempts: Attempts
  readonly #codes: LoginCodes
  readonly #linkers: Linkers
  readonly #identities: Identities
  readonly #allowances: Allowances

  constructor(options: LoginOptions) {
    const { settings, store, secrets } = options
    const { engine } = store
    this.#options = options
    this.#providers = new Map(settings.providers.map((each) => [each.id, providerOf(each)]))
    this.#sql = new LoginSql(engine.dialect, secrets.macs('login code', '').length)
    this.#attempts = new Attempts(engine, secrets, this.#sql)
    this.#codes = new LoginCodes(engine, secrets, this.#sql)
    this.#linkers = new Linkers(engine, secrets)
    this.#identities = new Identities({
      ...options,
      linkers: this.#linkers,
      issuers: settings.providers.flatMap(issuersOf),
    })
    this.#allowances = new Allowances(engine, secrets)
  }

  /**
   * Where the browser goes to log in, and the cookie that it must bring back. With a linker, the identity is linked to it.
   *
   * @throws {Problem} `not-found`; `validation-failed` for a redirect that is not listed; `rate-limited`; `unavailable`.
   */
  async start(
    id: string,
    { redirect, challenge }: { redirect?: string | undefined; challenge?: string | undefined },
    caller: LoginCaller,
    linker?: Linker,
  ): Promise<{ location: string; cookie: string }> {
    const provider = this.#provider(id)
    const { settings, store } = this.#options
    if (redirect !== undefined && !settings.redirects.has(redirect)) throw unlisted()
    await this.#spend(caller)
    const base = this.#options.baseUrl()
    const { location, handshake } = await provider.begin(callbackOf(base, id)).catch((error: unknown) => {
      throw new Problem('unavailable', `${provider.label} cannot be reached: try again later`, { cause: error })
    })
    const browser = loginCookie.read(caller.headers.cookie, base) ?? newBrowser()
    await store.engine.write([this.#attempts.begin({ provider: id, browser, redirect, challenge, linker }, handshake)])
    return { location: location.href, cookie: loginCookie.line(browser, base) }
  }

  /**
   * {@link start} for the user who has signed in. The link ends with the session, and with the password.
   *
   * @throws {Problem} `forbidden` for an account that was disabled meanwhile, and as {@link start}.
   */
  async link(
    id: string,
    more: { redirect?: string | undefined; challenge?: string | undefined },
    caller: LoginCaller & { principal: Principal },
  ): Promise<{ location: string; cookie: string }> {
    const { userId = 0, sessionId = '' } = caller.principal
    const linker = await this.#linkers.of({ userId, sessionId }).catch((error: unknown) => {
      throw error instanceof LoginRefusal ? error.problem : error
    })
    return this.start(id, more, caller, linker)
  }

  /**
   * Ends a login whose browser is back with this query.
   *
   * @throws {Problem} `not-found`; `forbidden`; `rate-limited`; `unavailable`. A login that was begun with a redirect
   * fails by returning there, with the problem's code as `error`.
   */
  async finish(id: string, query: string, caller: LoginCaller): Promise<LoginEnd> {
    const provider = this.#provider(id)
    const callback = new URL(callbackOf(this.#options.baseUrl(), id))
    callback.search = query
    const attempt = await this.#take(id, callback, caller)
    try {
      const code = await this.#enter(provider, callback, attempt, caller)
      if (attempt.redirect === undefined) return { code, expiresIn: codeLifetime }
      return { location: withQuery(attempt.redirect, { code }) }
    } catch (error) {
      if (!(error instanceof LoginRefusal)) throw error
      const problem = await this.#refuse(id, error, caller)
      if (attempt.redirect === undefined) throw problem
      const { code, message } = problem
      return { location: withQuery(attempt.redirect, { error: code, error_description: message }) }
    }
  }

  /**
   * Begins a session with the code of a finished login, once.
   *
   * @throws {Problem} `unauthenticated` for a code that is wrong, used, expired, or of another browser; `rate-limited`.
   */
  async exchange(given: { code: string; verifier?: string | undefined }, client: LoginCaller): Promise<Tokens> {
    const presented = { ...given, browser: loginCookie.read(client.headers.cookie, this.#options.baseUrl()) }
    const row = await this.#codes.find(presented)
    if (row === undefined || !this.#codes.fits(row, presented)) {
      if (row !== undefined) await this.#codes.burn(row)
      await this.#spend(client)
      throw await this.#refuse(row?.provider ?? 'exchange', wrongCode(row?.userId), client)
    }
    const { userId, provider, identityId } = row
    const { accounts, sessions, audit } = this.#options
    const scopes = await accounts.scopesOf(userId)
    if (scopes === undefined) throw await this.#refuse(provider, wrongCode(userId, 'account disabled'), client)
    const target = `user:${userId}`
    const principal = { id: target }
    const succeeded = { type: 'sign-in.succeeded', outcome: 'success', principal, target, detail: provider } as const
    const proof = [this.#codes.use(row), ...this.#identities.use(identityId, userId), audit.command(succeeded, client)]
    return sessions.start({ userId, scopes }, client, proof)
  }

  identities(userId: number): Promise<Identity[]> {
    return this.#identities.list(userId)
  }

  /** @throws {Problem} `not-found`; `conflict` for the last way to sign in. */
  unlink(id: string, userId: number, sessionId: string | undefined, caller: Caller): Promise<void> {
    return this.#identities.unlink(id, userId, sessionId, caller)
  }

  /** Deletes what has expired. */
  async forget(): Promise<void> {
    const now = new Date().toISOString()
    await this.#options.store.engine.write(this.#sql.forget.map((statement) => [statement, { now }]))
  }

  async #take(id: string, { searchParams, origin }: URL, caller: LoginCaller): Promise<Attempt> {
    const [state, ...others] = searchParams.getAll('state')
    const browser = loginCookie.read(caller.headers.cookie, origin)
    try {
      return await this.#attempts.take(others.length === 0 ? state : undefined, id, browser)
    } catch (error) {
      if (!(error instanceof LoginRefusal)) throw error
      await this.#spend(caller)
      throw await this.#refuse(id, error, caller)
    }
  }

  async #enter(provider: Provider, callback: URL, attempt: Attempt, caller: LoginCaller): Promise<string> {
    let user: ProviderUser
    try {
      user = await provider.finish(callback, attempt.handshake)
    } catch (error) {
      this.#options.log.warn({ provider: provider.id, reason: reasonOf(error) }, 'a login failed at the provider')
      throw refusalOf(provider.label, error)
    }
    const { code, keep } = this.#codes.create(user, bindingOf(attempt))
    await this.#identities.enter(provider, user, caller, [keep], attempt.linker)
    return code
  }

  /** Records why, and gives what the caller is told. */
  async #refuse(id: string, { message, problem, userId }: LoginRefusal, caller: LoginCaller): Promise<Problem> {
    const { principal } = caller
    const target = userId === undefined ? undefined : `user:${userId}`
    const failed = { type: 'sign-in.failed', outcome: 'failure', principal, target } as const
    await this.#options.audit.record({ ...failed, detail: `${id}: ${message}` }, caller)
    return problem
  }

  async #spend({ ip }: LoginCaller): Promise<void> {
    await this.#allowances.spend(this.#allowances.subject('login', networkOf(ip)), loginsAnHour)
  }

  #provider(id: string): Provider {
    const provider = this.#providers.get(id)
    if (provider === undefined) throw new Problem('not-found', 'There is no such login')
    return provider
  }
}

function providerOf(settings: ProviderSettings): Provider {
  return settings.protocol === 'github' ? new GitHubProvider(settings) : new OidcProvider(settings)
}

/**
 * Who knows the verifier may exchange the code that a listed page got. A code that is shown goes to its own browser
 * alone: a person could be talked into handing it on.
 */
function bindingOf({ redirect, challenge, browserMac }: Attempt): CodeBinding {
  return { challenge, browserMac: redirect === undefined || challenge === null ? browserMac : null }
}

function callbackOf(base: string, id: string): string {
  return `${base}/auth/callback/${id}`
}

function withQuery(url: string, parameters: Record<string, string>): string {
  const result = new URL(url)
  for (const [name, value] of Object.entries(parameters)) result.searchParams.append(name, value)
  return result.href
}

function unlisted(): Problem {
  return new Problem('validation-failed', 'The redirect is none of those that this server allows', {
    errors: [{ in: 'query', pointer: '/redirect', detail: 'must be one of LOGIN_REDIRECTS, to the letter' }],
  })
}

function wrongCode(userId: number | undefined, reason = 'wrong, used or expired code'): LoginRefusal {
  const problem = unauthenticated('The code is wrong, used, expired, or of another browser')
  return new LoginRefusal(reason, problem, userId === undefined ? {} : { userId })
}

/** What the log says of a failure: texts of the library and codes of the provider, never its answer. */
function reasonOf(error: unknown): string {
  const reasons: string[] = []
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code, error: said } = each as { code?: unknown; error?: unknown }
    reasons.push([each.message, ...[code, said].filter(isErrorCode)].join(' '))
  }
  return reasons.join('; ')
}

function isErrorCode(value: unknown): value is string {
  return typeof value === 'string' && /^\w{1,60}$/.test(value)
}
