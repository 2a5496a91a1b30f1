/** Septet as OAuth 2.0 authorization server and OpenID provider; its library is loaded by the first request to it. */

import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type Provider from 'oidc-provider'
import type { Command } from '../../storage/storage.ts'
import type { Allowances } from '../account-allowances.ts'
import type { Origin } from '../audit.ts'
import { BrowserCookie, newBrowser } from '../browser-cookie.ts'
import type { PublicJwk } from '../signing-key.ts'
import type { SigningKeys } from '../signing-keys.ts'
import { networkOf } from '../throttle.ts'
import { ClientFailures } from './client-failures.ts'
import { Grants } from './grants.ts'
import { expired, type InteractionSettings, Interactions } from './interactions.ts'
import { type Library, loadLibrary } from './library.ts'
import { createProvider, type ProviderSettings, paths } from './provider.ts'
import { SignOut } from './sign-out.ts'
import { keysNow } from './signing.ts'
import type { OAuthTokens } from './tokens.ts'

type Settings = Omit<ProviderSettings, 'issuer' | 'originOf' | 'bindingOf' | 'clientFailures'> &
  Pick<InteractionSettings, 'engine' | 'issuer'> & {
    idTokenKeys: SigningKeys
    tokens: OAuthTokens
    allowances: Allowances
  }

/** As long as an interaction may take. */
const interactionCookie = new BrowserCookie({ name: 'septet-oauth-browser', path: '/oauth', maxAge: 900 })
/** Authorization requests of one network within an hour: each leaves a row. */
const requestsAnHour = 600
const purpose = 'oauth browser'
/** Where a browser comes back to from the pages. */
const resumption = `${paths.authorization}/:uid`

interface Loaded {
  library: Library
  provider: Provider
  handle: ReturnType<Provider['callback']>
  /** Of the keys that the provider was made with. */
  version: string
}

export class OAuthServer {
  readonly clients: ProviderSettings['clients']
  readonly interactions: Interactions
  readonly grants: Grants
  readonly signOut: SignOut
  readonly #settings: Settings
  readonly #clientFailures: ClientFailures
  readonly #requests = new WeakMap<IncomingMessage, Origin>()
  readonly #browsers = new WeakMap<IncomingMessage, string>()
  #library: Promise<Library> | undefined
  #loaded: Loaded | undefined

  constructor(settings: Settings) {
    this.#settings = settings
    this.#clientFailures = new ClientFailures(settings.audit)
    this.clients = settings.clients
    this.grants = new Grants(settings)
    const provider = () => this.#load()
    this.signOut = new SignOut({ ...settings, provider })
    this.interactions = new Interactions({
      ...settings,
      provider,
      isBound: (request, uid) => this.#isBound(request, uid),
    })
    const forget = () => settings.tokens.forgetVerified()
    settings.payloads.onRevoked = forget
    settings.clients.onRemoved = forget
  }

  /**
   * Lets the library answer, whose errors are those of RFC 6749.
   *
   * @throws {Problem} `rate-limited` for too many authorization requests.
   */
  async handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { handle } = await this.#load()
    this.#requests.set(request.raw, request)
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value)
    }
    if (request.routeOptions.url === paths.authorization) await this.#begin(request, reply)
    if (request.routeOptions.url === resumption && !this.#goesOn(request, reply)) return void expired(reply)
    reply.hijack()
    await handle(request.raw, reply.raw)
  }

  /** The keys that ID tokens are verified with. */
  publicKeys(): Promise<PublicJwk[]> {
    return this.#settings.idTokenKeys.published()
  }

  /** Ends what clients may do for a user, as commands for the write of the change that is its reason. */
  revocation(userId: number): readonly Command[] {
    return [this.#settings.payloads.revocation(userId)]
  }

  /** Ends the sign-ins of a user on the pages here, in whatever browser, as a command for such a write. */
  signOuts(userId: number): Command {
    return this.#settings.signIns.endAll(userId)
  }

  /** After a write with {@link revocation}: in this process it holds at once, in others within a second. */
  forgetVerified(): void {
    this.#settings.tokens.forgetVerified()
  }

  /** Names the browser that asks for authorization. */
  async #begin(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { allowances, issuer } = this.#settings
    await allowances.spend(allowances.subject('oauth', networkOf(request.ip)), requestsAnHour)
    this.#name(interactionCookie.read(request.headers.cookie, issuer()) ?? newBrowser(), request, reply)
  }

  /**
   * Whether the browser that comes back from a page is the one that has begun: who has answered elsewhere could plant
   * the library's cookie for what comes now, and have the user signed in as another.
   */
  #goesOn(request: FastifyRequest, reply: FastifyReply): boolean {
    const browser = interactionCookie.read(request.headers.cookie, this.#settings.issuer())
    const { uid } = request.params as { uid: string }
    if (browser === undefined || !this.#isBound(request, uid)) return false
    this.#name(browser, request, reply)
    return true
  }

  #name(browser: string, request: FastifyRequest, reply: FastifyReply): void {
    this.#browsers.set(request.raw, browser)
    reply.raw.setHeader('set-cookie', [interactionCookie.line(browser, this.#settings.issuer())])
  }

  /**
   * Whether this browser has begun the interaction. The library's own cookies for it can be planted by a sibling domain:
   * the user would sign in for whoever waits with the rest of the interaction elsewhere.
   */
  #isBound({ headers, query }: FastifyRequest, uid: string): boolean {
    const { browser: binding } = query as { browser?: unknown }
    const browser = interactionCookie.read(headers.cookie, this.#settings.issuer())
    return browser !== undefined && this.#settings.secrets.hasMac(purpose, `${browser} ${uid}`, String(binding))
  }

  /** Deletes what has expired. */
  async forgetExpired(): Promise<void> {
    const { engine, payloads, signIns } = this.#settings
    await engine.write([payloads.forgetExpired(), signIns.forgetExpired()])
  }

  /** The provider with the signing keys of now: when they change there is another one. */
  async #load(): Promise<Loaded> {
    const { idTokenKeys, issuer } = this.#settings
    this.#library ??= loadLibrary()
    const [library, keys] = await Promise.all([this.#library, keysNow(idTokenKeys)])
    if (this.#loaded?.version === keys.version) return this.#loaded
    const originOf = (request: IncomingMessage) => this.#requests.get(request) ?? { id: '', ip: '' }
    const bindingOf = (request: IncomingMessage, uid: string) => {
      const known = this.#browsers.get(request) ?? interactionCookie.read(request.headers.cookie, issuer())
      return this.#settings.secrets.mac(purpose, `${known ?? newBrowser()} ${uid}`)
    }
    const own = { issuer: issuer(), originOf, bindingOf, clientFailures: this.#clientFailures }
    const provider = createProvider(library, keys, { ...this.#settings, ...own })
    this.#loaded = { library, provider, handle: provider.callback(), version: keys.version }
    return this.#loaded
  }
}
