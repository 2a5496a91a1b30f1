/**
 * Between an application's request and the way back: the user signs in, and allows what is asked for or not. A page
 * belongs to the browser that holds its cookie, which no other site can make it send (SameSite, and `Origin` besides).
 */

import type { FastifyReply, FastifyRequest } from 'fastify'
import type Provider from 'oidc-provider'
import type { Interaction, InteractionResults } from 'oidc-provider'
import { Problem } from '../../errors.ts'
import { type Storage, UnexpectedRows } from '../../storage/storage.ts'
import type { Accounts } from '../accounts.ts'
import type { Audit } from '../audit.ts'
import type { OAuthClients } from './clients.ts'
import { type Asking, consentPage, errorPage, signInPage } from './interaction-page.ts'
import type { Library } from './library.ts'
import { pageHeaders } from './page.ts'
import type { Payloads } from './payloads.ts'
import { grantableBy } from './policy.ts'
import { policySourceOf } from './redirect-uris.ts'
import type { SignIn, SignIns } from './sign-ins.ts'
import { signInOf } from './sign-out.ts'

export interface InteractionSettings {
  engine: Storage
  accounts: Accounts
  audit: Audit
  clients: OAuthClients
  payloads: Payloads
  signIns: SignIns
  /** The server's own URL. */
  issuer: () => string
  provider: () => Promise<{ provider: Provider; library: Library }>
  /** Whether the browser of a request is the one that has begun an interaction. */
  isBound: (request: FastifyRequest, uid: string) => boolean
}

/** What a form sends. */
export interface Answer {
  action: 'sign-in' | 'allow' | 'deny' | 'switch'
  email?: string | undefined
  password?: string | undefined
}

export type AnswerRequest = FastifyRequest<{ Params: { uid: string }; Body: Answer }>
type PageRequest = FastifyRequest<{ Params: { uid: string } }>

/** An interaction, and who asks for it. */
interface Current extends Asking {
  provider: Provider
  interaction: Interaction
  clientId: string
  redirectUri: string
  /** Where the browser goes with the answer: the library's address, bound to the browser. */
  goOnAt: string
  /** The user who has signed in, where one has. */
  userId: number | undefined
}

export class Interactions {
  readonly #settings: InteractionSettings

  constructor(settings: InteractionSettings) {
    this.#settings = settings
  }

  /** The page of an interaction. */
  async show(request: PageRequest, reply: FastifyReply): Promise<FastifyReply> {
    const current = await this.#current(request, reply)
    if (current === undefined) return expired(reply)
    const { interaction } = current
    if (interaction.prompt.name === 'consent') return this.#showConsent(current, reply)
    const { login_hint: hint } = interaction.params
    return this.#showSignIn(current, typeof hint === 'string' ? hint : '', reply)
  }

  /** What the user has answered. */
  async answer(request: AnswerRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { origin } = request.headers
    const current = await this.#current(request, reply)
    if (current === undefined || (origin !== undefined && origin !== this.#settings.issuer())) return expired(reply)
    const { action } = request.body
    const { name } = current.interaction.prompt
    if (action === 'deny') return this.#deny(current, 'The user has denied the request', reply)
    if (action === 'sign-in' && name === 'login') return this.#signIn(current, request, reply)
    if (action === 'allow' && name === 'consent') return this.#allow(current, request, reply)
    if (action === 'switch' && name === 'consent') {
      await this.#endSession(current, request, reply)
      return this.#goOn(current, undefined, reply)
    }
    return expired(reply)
  }

  /** Nothing for a page whose time is over, or of another browser. */
  async #current(request: PageRequest, reply: FastifyReply): Promise<Current | undefined> {
    const { provider, library } = await this.#settings.provider()
    let interaction: Interaction
    try {
      interaction = await provider.interactionDetails(request.raw, reply.raw)
    } catch (error) {
      if (error instanceof library.errors.SessionNotFound) return undefined
      throw error
    }
    const { client_id: clientId, redirect_uri: redirectUri } = interaction.params as Record<string, string>
    const client = await this.#settings.clients.find(String(clientId))
    if (interaction.uid !== request.params.uid || client === undefined || redirectUri === undefined) return undefined
    if (!this.#settings.isBound(request as FastifyRequest, interaction.uid)) return undefined
    const { host, protocol } = new URL(redirectUri)
    const accountId = interaction.session?.accountId
    const userId = accountId === undefined ? undefined : Number(accountId)
    const asking = { client: client.name, returnTo: host || protocol }
    const { browser } = request.query as { browser?: string }
    const goOnAt = `${interaction.returnTo}?browser=${browser}`
    return { ...asking, provider, interaction, clientId: client.id, redirectUri, userId, goOnAt }
  }

  #showSignIn(current: Current, email: string, reply: FastifyReply, problem?: string): FastifyReply {
    return reply
      .headers(pageHeaders(policySourceOf(current.redirectUri)))
      .send(signInPage({ ...current, email: email.slice(0, 254), problem }))
  }

  async #showConsent(current: Current, reply: FastifyReply): Promise<FastifyReply> {
    const { userId = 0 } = current
    const { accounts } = this.#settings
    const [profile, grantable] = [await accounts.profile(userId), await grantableBy(userId, accounts)]
    if (profile === undefined || grantable === undefined) return this.#goOn(current, undefined, reply)
    const scopes = scopesOf(current).filter(grantable)
    if (scopes.length === 0) return this.#deny(current, 'The user holds nothing of what is asked for', reply)
    return reply
      .headers(pageHeaders(policySourceOf(current.redirectUri)))
      .send(consentPage({ ...current, email: profile.email, scopes }))
  }

  async #signIn(current: Current, request: AnswerRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { email = '', password = '' } = request.body
    const { accounts, engine, signIns } = this.#settings
    try {
      const { userId, proof } = await accounts.signIns.signIn({ email, password }, request)
      const at = Math.floor(Date.now() / 1000)
      await engine.write([...proof, signIns.begin({ userId, at })])
      const accountId = String(userId)
      await this.#endSession(current, request, reply, accountId)
      // Without `remember` the cookie ends with the browser.
      const login = { accountId, remember: false, amr: ['pwd'], ts: at }
      return this.#goOn(current, { login }, reply)
    } catch (error) {
      const problem = error instanceof UnexpectedRows ? new Problem('conflict', 'Try again') : error
      if (!(problem instanceof Problem)) throw error
      reply.code(problem.statusCode).headers(problem.headers ?? {})
      return this.#showSignIn(current, email, reply, problem.message)
    }
  }

  async #allow(current: Current, request: AnswerRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { provider, interaction, userId = 0 } = current
    const session = await provider.Session.findByUid(interaction.session?.uid ?? '')
    const signIn = session && signInOf(session)
    const grantable = await grantableBy(userId, this.#settings.accounts)
    if (grantable === undefined || signIn === undefined) return this.#goOn(current, undefined, reply)
    try {
      const consent = { grantId: await this.#saveGrant(current, signIn, grantable, request) }
      return this.#goOn(current, { ...interaction.lastSubmission, consent }, reply)
    } catch (error) {
      // What was allowed before has ended, the account has changed or the user signed out since this was asked.
      if (error instanceof UnexpectedRows) return this.#goOn(current, undefined, reply)
      throw error
    }
  }

  /** Gives the id of the grant. @throws {UnexpectedRows} */
  async #saveGrant(
    { provider, interaction, clientId }: Current,
    signIn: SignIn,
    grantable: (scope: string) => boolean,
    request: AnswerRequest,
  ): Promise<string> {
    const { accounts, audit, payloads, signIns } = this.#settings
    const { grantId } = interaction
    const { userId } = signIn
    const account = await accounts.get(userId)
    const existing = grantId === undefined ? undefined : await provider.Grant.find(grantId)
    const grant = existing ?? new provider.Grant({ accountId: String(userId), clientId })
    const { missingOIDCScope = [] } = interaction.prompt.details as { missingOIDCScope?: string[] }
    const allowed = missingOIDCScope.filter(grantable)
    // Of what was asked for, nothing is refused for good: it is asked for again when it is named again.
    grant.rejected = undefined
    if (allowed.length > 0) grant.addOIDCScope(allowed)
    const detail = `scopes: ${allowed.join(' ') || 'none beyond those granted before'}`
    const granted = { principal: { id: `user:${userId}` }, target: `client:${clientId}`, detail }
    const entry = audit.command({ type: 'consent.granted', outcome: 'success', ...granted }, request)
    const told = existing === undefined ? await accounts.notice('application-allowed', userId, request) : []
    const saving = {
      isNew: existing === undefined,
      before: [accounts.unchanged(account), signIns.hold(signIn)],
      after: [entry, ...told],
    }
    return payloads.savingGrant(saving, () => grant.save())
  }

  #deny(current: Current, error_description: string, reply: FastifyReply): Promise<FastifyReply> {
    return this.#goOn(current, { error: 'access_denied', error_description }, reply)
  }

  /** Hands the answer to the library: back to the application, or to the next page. */
  async #goOn({ interaction, goOnAt }: Current, result: InteractionResults | undefined, reply: FastifyReply) {
    interaction.result = result
    await interaction.persist()
    return reply.header('cache-control', 'no-store').redirect(goOnAt, 303)
  }

  /** Ends the browser's session, unless it is of this account. */
  async #endSession({ provider, interaction }: Current, request: PageRequest, reply: FastifyReply, accountId?: string) {
    const session = await provider.Session.get(provider.createContext(request.raw, reply.raw))
    if (session.accountId === undefined || session.accountId === accountId) return
    const { engine, signIns } = this.#settings
    const signIn = signInOf(session)
    if (signIn) await engine.write([signIns.end(signIn)])
    await session.destroy()
    interaction.session = undefined
  }
}

function scopesOf({ interaction }: Current): string[] {
  const { scope } = interaction.params
  return typeof scope === 'string' ? scope.split(' ') : []
}

/** For an answer that nobody waits for, or that comes from elsewhere. */
export function expired(reply: FastifyReply): FastifyReply {
  return reply
    .code(400)
    .headers(pageHeaders())
    .send(errorPage('This page has expired', 'Go back to the application and start again.'))
}
