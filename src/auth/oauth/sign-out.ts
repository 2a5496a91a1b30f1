/** The page on which a user signs out of the authorization server in this browser. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import type Provider from 'oidc-provider'
import type { Session } from 'oidc-provider'
import type { Storage } from '../../storage/storage.ts'
import type { Accounts } from '../accounts.ts'
import type { Audit } from '../audit.ts'
import type { Secrets } from '../secrets.ts'
import { errorPage, signedOutPage, signOutPage } from './interaction-page.ts'
import { pageHeaders } from './page.ts'
import type { SignIn, SignIns } from './sign-ins.ts'

export interface SignOutSettings {
  engine: Storage
  accounts: Accounts
  audit: Audit
  secrets: Secrets
  signIns: SignIns
  /** The server's own URL. */
  issuer: () => string
  provider: () => Promise<{ provider: Provider }>
}

export type SignOutRequest = FastifyRequest<{ Body: { token: string } }>

interface Current {
  session: Session
  signIn: SignIn
}

const purpose = 'oauth sign-out'

export class SignOut {
  readonly #settings: SignOutSettings

  constructor(settings: SignOutSettings) {
    this.#settings = settings
  }

  async show(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { accounts, secrets } = this.#settings
    const current = await this.#current(request, reply)
    const profile = current && (await accounts.profile(current.signIn.userId))
    reply.headers(pageHeaders(current && this.#settings.issuer()))
    if (current === undefined || profile === undefined) return reply.send(signedOutPage())
    const token = secrets.mac(purpose, current.session.uid)
    return reply.send(signOutPage({ email: profile.email, token }))
  }

  /** Only for the form of {@link show}: no other site can sign the user out, nor a page of a sibling domain. */
  async answer(request: SignOutRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { secrets, issuer } = this.#settings
    const { origin } = request.headers
    const current = await this.#current(request as FastifyRequest, reply)
    reply.headers(pageHeaders())
    if (current === undefined) return reply.send(signedOutPage())
    const isOwn = secrets.hasMac(purpose, current.session.uid, request.body.token)
    if (!isOwn || (origin !== undefined && origin !== issuer())) {
      return reply.code(400).send(errorPage('This page has expired', 'Open it again to sign out.'))
    }
    await this.#end(current, request as FastifyRequest)
    return reply.send(signedOutPage())
  }

  async #end({ session, signIn }: Current, request: FastifyRequest): Promise<void> {
    const { engine, audit, signIns } = this.#settings
    const user = `user:${signIn.userId}`
    const entry = { type: 'sign-out.succeeded', outcome: 'success', principal: { id: user }, target: user } as const
    await engine.write([signIns.end(signIn), audit.command(entry, request)])
    await session.destroy()
  }

  async #current(request: FastifyRequest, reply: FastifyReply): Promise<Current | undefined> {
    const { provider } = await this.#settings.provider()
    const session = await provider.Session.get(provider.createContext(request.raw, reply.raw))
    const signIn = signInOf(session)
    return signIn && (await this.#settings.signIns.stands(signIn)) ? { session, signIn } : undefined
  }
}

/** The sign-in that a session of the library began with. */
export function signInOf({ accountId, loginTs }: Pick<Session, 'accountId' | 'loginTs'>): SignIn | undefined {
  return accountId === undefined || loginTs === undefined ? undefined : { userId: Number(accountId), at: loginTs }
}
