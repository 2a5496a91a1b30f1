/** Login with an OpenID Connect issuer (Core 1.0, Discovery 1.0): Google, and any that the settings name. */

import type { ClientAuth, Configuration, ServerMetadata } from 'openid-client'
import { limitedFetch, timeLimit } from './outbound.ts'
import { checkSubject, type Handshake, type Provider, type ProviderUser } from './provider.ts'
import { isOwn, type OidcSettings } from './settings.ts'

/** Loaded at the first login: a server where nobody logs in so does without it. */
const library = () => import('openid-client')

const google = 'https://accounts.google.com'
/** How long what was discovered is believed, in ms. */
const believedFor = 3_600_000

/** Claims of an ID token or of the UserInfo endpoint (Core section 5.1). */
interface Claims {
  readonly [claim: string]: unknown
}

export class OidcProvider implements Provider {
  readonly id: string
  readonly label: string
  readonly #settings: OidcSettings
  #discovered: { at: number; configuration: Promise<Configuration> } | undefined

  constructor(settings: OidcSettings) {
    this.id = settings.id
    this.label = settings.label
    this.#settings = settings
  }

  async begin(redirectUri: string): Promise<{ location: URL; handshake: Handshake }> {
    const client = await library()
    const configuration = await this.#configuration()
    const handshake = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
    }
    const location = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: 'openid email profile',
      state: handshake.state,
      nonce: handshake.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(handshake.verifier),
      code_challenge_method: 'S256',
    })
    return { location, handshake }
  }

  /** The library checks state, `iss` (RFC 9207), the ID token's signature, `iss`, `aud`, `azp`, times and `nonce`. */
  async finish(callback: URL, { state, nonce, verifier }: Handshake): Promise<ProviderUser> {
    const client = await library()
    const configuration = await this.#configuration()
    if (nonce === undefined) throw new Error('the login was begun without a nonce')
    const tokens = await client.authorizationCodeGrant(configuration, callback, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    })
    const claims = tokens.claims()
    if (claims === undefined) throw new Error('the answer holds no ID token')
    const { iss: issuer, sub } = claims
    const subject = checkSubject(sub)
    const more = claims.email === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined
    const about: Claims = more ? await client.fetchUserInfo(configuration, tokens.access_token, sub) : claims
    const described = describe(about)
    return { issuer, subject, ...described, emailVerified: described.emailVerified && isTheirs(issuer, about) }
  }

  async #configuration(): Promise<Configuration> {
    const known = this.#discovered
    if (known !== undefined && Date.now() - known.at < believedFor) return known.configuration
    const discovered = { at: Date.now(), configuration: this.#discover() }
    this.#discovered = discovered
    return discovered.configuration.catch((error: unknown) => {
      if (this.#discovered === discovered) this.#discovered = undefined
      throw error
    })
  }

  async #discover(): Promise<Configuration> {
    const client = await library()
    const { issuer, clientId, clientSecret } = this.#settings
    const [post, basic] = [client.ClientSecretPost(clientSecret), client.ClientSecretBasic(clientSecret)]
    const authenticate: ClientAuth = (server, ...rest) => (offersPost(server) ? post : basic)(server, ...rest)
    const execute = [client.enableNonRepudiationChecks]
    if (isOwn(new URL(issuer))) execute.push(client.allowInsecureRequests)
    return client.discovery(new URL(issuer), clientId, undefined, authenticate, {
      [client.customFetch]: limitedFetch,
      timeout: timeLimit,
      execute,
    })
  }
}

/**
 * Whether the issuer can know that the address is still the user's. Google answers for its own and for those of domains
 * that it hosts (`hd`); another may have changed hands since it was verified.
 */
export function isTheirs(issuer: string, { email, hd }: Claims): boolean {
  if (issuer !== google || typeof email !== 'string') return true
  const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase()
  return domain === 'gmail.com' || domain === 'googlemail.com' || domain === hd
}

/** Without a word from the issuer it offers HTTP Basic alone (Discovery section 3). */
function offersPost({ token_endpoint_auth_methods_supported: methods }: Readonly<ServerMetadata>): boolean {
  return methods?.includes('client_secret_post') ?? false
}

function describe({
  email,
  email_verified,
  name,
  preferred_username,
}: Claims): Omit<ProviderUser, 'issuer' | 'subject'> {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  // A text "true" is no statement that Core section 5.1 knows.
  return { email: text(email), emailVerified: email_verified === true, name: text(name) ?? text(preferred_username) }
}
