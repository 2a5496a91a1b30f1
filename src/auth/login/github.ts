/** Login with GitHub: plain OAuth 2.0 with PKCE. It gives no ID token; its API says who the token stands for. */

import type { Configuration } from 'openid-client'
import { limitedFetch, timeLimit } from './outbound.ts'
import { checkSubject, type Handshake, type Provider, type ProviderUser } from './provider.ts'
import { type GitHubSettings, isOwn, issuersOf } from './settings.ts'

const library = () => import('openid-client')

/** Of `GET /user`; `id` stays when its user takes another name. */
interface Profile {
  id?: unknown
  login?: unknown
  name?: unknown
}

/** Of `GET /user/emails`. */
interface Address {
  email?: unknown
  primary?: unknown
  verified?: unknown
}

export class GitHubProvider implements Provider {
  readonly id: string
  readonly label: string
  /** What GitHub calls itself in an `iss` parameter (RFC 9207). */
  readonly #issuer: string
  readonly #settings: GitHubSettings
  #known: Configuration | undefined

  constructor(settings: GitHubSettings) {
    this.id = settings.id
    this.label = settings.label
    this.#settings = settings
    const [issuer = ''] = issuersOf(settings)
    this.#issuer = issuer
  }

  async begin(redirectUri: string): Promise<{ location: URL; handshake: Handshake }> {
    const client = await library()
    const handshake = { state: client.randomState(), verifier: client.randomPKCECodeVerifier() }
    const location = client.buildAuthorizationUrl(await this.#configuration(), {
      redirect_uri: redirectUri,
      scope: 'user:email',
      state: handshake.state,
      code_challenge: await client.calculatePKCECodeChallenge(handshake.verifier),
      code_challenge_method: 'S256',
    })
    return { location, handshake }
  }

  async finish(callback: URL, { state, verifier }: Handshake): Promise<ProviderUser> {
    const client = await library()
    const checks = { expectedState: state, pkceCodeVerifier: verifier }
    const { access_token: token } = await client.authorizationCodeGrant(await this.#configuration(), callback, checks)
    const [profile, addresses] = await Promise.all([
      this.#ask<Profile>(token, '/user'),
      this.#ask<Address[]>(token, '/user/emails?per_page=100'),
    ])
    const { id, login, name } = profile
    if (!Number.isSafeInteger(id)) throw new Error('the user of GitHub has no id')
    if (!Array.isArray(addresses)) throw new Error('the addresses of GitHub are no list')
    const primary = addresses.find((address) => address?.primary === true)
    return {
      issuer: this.#issuer,
      subject: checkSubject(String(id)),
      name: [name, login].find((text) => typeof text === 'string' && text !== '') as string | undefined,
      email: typeof primary?.email === 'string' ? primary.email : undefined,
      emailVerified: primary?.verified === true,
    }
  }

  async #ask<Answer>(token: string, path: string): Promise<Answer> {
    const client = await library()
    const headers = new Headers({ accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' })
    const url = new URL(`${this.#settings.apiUrl}${path}`)
    const response = await client.fetchProtectedResource(await this.#configuration(), token, url, 'GET', null, headers)
    if (response.status !== 200) throw new Error(`the API of GitHub answers ${response.status}`)
    return (await response.json()) as Answer
  }

  async #configuration(): Promise<Configuration> {
    if (this.#known) return this.#known
    const client = await library()
    const { clientId, clientSecret, url } = this.#settings
    const endpoints = {
      authorization_endpoint: `${this.#issuer}/authorize`,
      token_endpoint: `${this.#issuer}/access_token`,
    }
    const metadata = { issuer: this.#issuer, ...endpoints }
    const configuration = new client.Configuration(metadata, clientId, undefined, client.ClientSecretPost(clientSecret))
    configuration.timeout = timeLimit
    configuration[client.customFetch] = limitedFetch
    if (isOwn(new URL(url))) client.allowInsecureRequests(configuration)
    this.#known = configuration
    return configuration
  }
}
