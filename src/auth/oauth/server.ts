/** Septet as OAuth 2.0 authorization server and OpenID provider; its library is loaded by the first request to it. */

import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type Provider from 'oidc-provider'
import type { Command } from '../../storage/storage.ts'
import type { Origin } from '../audit.ts'
import type { SigningKeys } from '../signing-keys.ts'
import { type InteractionSettings, Interactions } from './interactions.ts'
import { type Library, loadLibrary } from './library.ts'
import { createProvider, type ProviderSettings } from './provider.ts'
import { keysNow } from './signing.ts'
import type { OAuthTokens } from './tokens.ts'

type Settings = Omit<ProviderSettings, 'issuer' | 'originOf'> &
  Pick<InteractionSettings, 'engine' | 'issuer'> & { signingKeys: SigningKeys; tokens: OAuthTokens }

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
  readonly #settings: Settings
  readonly #requests = new WeakMap<IncomingMessage, Origin>()
  #library: Promise<Library> | undefined
  #loaded: Loaded | undefined

  constructor(settings: Settings) {
    this.#settings = settings
    this.clients = settings.clients
    this.interactions = new Interactions({ ...settings, provider: () => this.#load() })
    const forget = () => settings.tokens.forgetVerified()
    settings.payloads.onRevoked = forget
    settings.clients.onRemoved = forget
  }

  /** Lets the library answer, whose errors are those of RFC 6749. */
  async handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { handle } = await this.#load()
    this.#requests.set(request.raw, request)
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value)
    }
    reply.hijack()
    await handle(request.raw, reply.raw)
  }

  /** Ends what clients may do for a user, and its sessions here, as a command for the write of the change that is its reason. */
  revocation(userId: number): Command {
    return this.#settings.payloads.revocation(userId)
  }

  /** After a write with {@link revocation}: in this process it holds at once, in others within a second. */
  forgetVerified(): void {
    this.#settings.tokens.forgetVerified()
  }

  /** Deletes what has expired. */
  forgetExpired(): Promise<void> {
    return this.#settings.payloads.forgetExpired()
  }

  /** The provider with the signing keys of now: when they change there is another one. */
  async #load(): Promise<Loaded> {
    const { signingKeys, issuer } = this.#settings
    this.#library ??= loadLibrary()
    const [library, keys] = await Promise.all([this.#library, keysNow(signingKeys)])
    if (this.#loaded?.version === keys.version) return this.#loaded
    const originOf = (request: IncomingMessage) => this.#requests.get(request) ?? { id: '', ip: '' }
    const provider = createProvider(library, keys, { ...this.#settings, issuer: issuer(), originOf })
    this.#loaded = { library, provider, handle: provider.callback(), version: keys.version }
    return this.#loaded
  }
}
