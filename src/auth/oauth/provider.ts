/** The authorization server proper: oidc-provider, set up for what Septet offers and for nothing else. */

import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { FastifyBaseLogger } from 'fastify'
import type Provider from 'oidc-provider'
import type { Client, Configuration, ErrorOut, errors, KoaContextWithOIDC } from 'oidc-provider'
import { identityScopes, offlineScope } from '../../contract/scope-words.ts'
import type { Command } from '../../storage/storage.ts'
import type { Accounts } from '../accounts.ts'
import type { Audit, Origin } from '../audit.ts'
import type { Secrets } from '../secrets.ts'
import { idTokenKeys } from '../signing-key.ts'
import { createAdapter } from './adapter.ts'
import type { ClientFailures } from './client-failures.ts'
import type { OAuthClients } from './clients.ts'
import { errorPage } from './interaction-page.ts'
import type { Library } from './library.ts'
import { pageHeaders } from './page.ts'
import { refuseLong } from './parameter-limits.ts'
import type { Payloads } from './payloads.ts'
import { policyOf } from './policy.ts'
import { type SignIns, signInLasts } from './sign-ins.ts'
import { jwksOf, type KeysNow } from './signing.ts'
import { tellScopesNow } from './token-scopes.ts'
import { accessPrefix } from './tokens.ts'

const minute = 60
const day = 86_400

/** Where the server answers; its key set is that of all our keys. */
export const paths = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  revocation: '/oauth/revoke',
  introspection: '/oauth/introspect',
  userinfo: '/oauth/userinfo',
  jwks: '/.well-known/jwks.json',
} as const

export interface ProviderSettings {
  /** The server's own URL, without a path. */
  issuer: string
  accounts: Accounts
  audit: Audit
  secrets: Secrets
  payloads: Payloads
  clients: OAuthClients
  signIns: SignIns
  clientFailures: ClientFailures
  /** Every scope that an operation asks for. */
  knownScopes: ReadonlySet<string>
  /** How long an access token is good for, in minutes. */
  minutes: number
  /** How long a refresh token is good for, in days; consent is asked for anew after twelve times that. */
  days: number
  /** Where a request came from that was handed to the library. */
  originOf: (request: IncomingMessage) => Origin
  /** What binds an interaction to the browser that has begun it. */
  bindingOf: (request: IncomingMessage, uid: string) => string
  log: FastifyBaseLogger
}

export function createProvider(library: Library, keys: KeysNow, settings: ProviderSettings): Provider {
  const { issuer, clients, log } = settings
  const provider = new library.default(issuer, configurationOf(library, keys, settings))
  const { protocol, host } = new URL(issuer)
  // Addresses are made of these; a request's own headers may say anything.
  Object.defineProperties(provider.request, {
    protocol: { get: () => protocol.slice(0, -1) },
    host: { get: () => host },
  })
  provider.Client.prototype.compareClientSecret = function compare(this: Client, secret: string) {
    return clients.hasSecret(this.clientId, secret)
  }
  // Each endpoint looks for its client when it has read the parameters, and before it does anything with them.
  const { find } = provider.Client
  provider.Client.find = (id: string) => {
    const { ctx } = library.default
    if (ctx) refuseLong(ctx, library)
    return find.call(provider.Client, id)
  }
  prefixIds(provider.AccessToken, accessPrefix)
  prefixIds(provider.ClientCredentials, accessPrefix)
  prefixIds(provider.RefreshToken, 'sptar_')
  tellScopesNow(provider, settings)
  provider.use(async (ctx, next) => {
    await next()
    // What is said of every client here is otherwise said of the library.
    if (ctx.path.startsWith('/.well-known/')) Object.assign(ctx.body ?? {}, { response_modes_supported: ['query'] })
  })
  ;(provider as EventEmitter).on('error', (error: unknown) =>
    log.warn({ err: error }, 'the authorization server could not answer'),
  )
  auditFailures(provider, library, settings)
  provider.on('server_error', (_ctx, error) => log.error({ err: error }, 'the authorization server failed'))
  return provider
}

/** Has clients that could not prove who they are told in the audit trail. */
function auditFailures(
  provider: Provider,
  library: Library,
  { clientFailures, originOf, log }: ProviderSettings,
): void {
  const record = ({ oidc, req }: KoaContextWithOIDC, error: errors.OIDCProviderError) => {
    if (!(error instanceof library.errors.InvalidClientAuth)) return
    clientFailures
      .record(oidc.client?.clientId, error.error_detail ?? '', originOf(req))
      .catch((cause: unknown) => log.warn({ err: cause }, 'a failed client authentication is not in the audit trail'))
  }
  provider.on('grant.error', record)
  provider.on('introspection.error', record)
  provider.on('revocation.error', record)
}

/** Ids of models are made by this method; what they are made of stays the library's. */
function prefixIds(model: { prototype: object }, prefix: string): void {
  const prototype = model.prototype as { generateTokenId(): string }
  const { generateTokenId } = prototype
  prototype.generateTokenId = function generate() {
    return prefix + generateTokenId.call(this)
  }
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}

function configurationOf(library: Library, keys: KeysNow, settings: ProviderSettings): Configuration {
  const { issuer, accounts, secrets, knownScopes, minutes, days } = settings
  const secure = issuer.startsWith('https:')
  const cookies = { httpOnly: true, sameSite: 'lax', secure } as const
  const name = (kind: string) => `${secure && kind === 'session' ? '__Host-' : ''}septet_oauth_${kind}`
  const ownToken = (client: Client, { clientId }: { clientId?: string | undefined }) => clientId === client.clientId
  return {
    adapter: (model) =>
      createAdapter(model, { ...settings, library, whyEnded: (id) => whyEnded(id, library, settings) }),
    routes: paths,
    jwks: jwksOf(keys, library),
    scopes: [...identityScopes, offlineScope, ...knownScopes],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    clientDefaults: { id_token_signed_response_alg: idTokenKeys.algorithm },
    enabledJWA: { idTokenSigningAlgValues: [idTokenKeys.algorithm] },
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    rotateRefreshToken: true,
    expiresWithSession: async () => false,
    clockTolerance: 0,
    ttl: {
      AccessToken: minutes * minute,
      ClientCredentials: minutes * minute,
      IdToken: minutes * minute,
      AuthorizationCode: minute,
      Interaction: 15 * minute,
      // Its sign-in says when it ends; a request with an older one signs nobody in.
      Session: (_ctx, { loginTs }) => Math.max(1, (loginTs ?? now()) + signInLasts - now()),
      // What a public client holds is bound to nothing: handed on by rotation, it would never end (RFC 9700 section 4.14.2).
      RefreshToken: (ctx, _token, client) => {
        const rotated = client.clientAuthMethod === 'none' ? ctx?.oidc.entities.RotatedRefreshToken : undefined
        return rotated?.remainingTTL ?? days * day
      },
      Grant: 12 * days * day,
    },
    cookies: {
      names: { session: name('session'), interaction: name('interaction'), resume: name('resume') },
      keys: secrets.macs('oauth cookie', 'key'),
      long: cookies,
      short: cookies,
    },
    features: {
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => ownToken(client, token) },
      introspection: {
        enabled: true,
        allowedPolicy: async (_ctx, client, token) => {
          if (client.clientAuthMethod === 'none' || !ownToken(client, token)) return false
          const { accountId } = token as { accountId?: string }
          return accountId === undefined || (await accounts.scopesOf(Number(accountId))) !== undefined
        },
      },
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: { enabled: false },
      rpInitiatedLogout: { enabled: false },
    },
    interactions: {
      url: (ctx, { uid }) => `/oauth/interaction/${uid}?browser=${settings.bindingOf(ctx.req, uid)}`,
      policy: policyOf(library, settings),
    },
    findAccount: (_ctx, accountId) => findAccount(accounts, accountId),
    // A page of a public client may call from where its users are sent back to.
    clientBasedCORS: (_ctx, origin, { clientAuthMethod, redirectUris = [] }) =>
      clientAuthMethod === 'none' && redirectUris.some((uri) => originOfPage(uri) === origin),
    renderError,
    discovery: { service_documentation: `${issuer}/docs` },
    fetch: async () => {
      throw new Error('the authorization server asks nobody')
    },
  }
}

async function findAccount(accounts: Accounts, accountId: string) {
  const userId = Number(accountId)
  if ((await accounts.scopesOf(userId)) === undefined) return undefined
  return {
    accountId,
    async claims() {
      const profile = await accounts.profile(userId)
      return { sub: accountId, name: profile?.name, email: profile?.email, email_verified: profile?.emailVerified }
    },
  }
}

/** The entry for a grant that ends because something was used twice; none when its client gives it back. */
async function whyEnded(grantId: string, library: Library, settings: ProviderSettings): Promise<Command[]> {
  const { ctx } = library.default
  if (ctx?.oidc.route !== 'token') return []
  const { payloads, audit, originOf } = settings
  const grant = await payloads.find('Grant', grantId)
  const entry = {
    type: 'grant.reuse-detected',
    outcome: 'failure',
    principal: { id: `client:${ctx.oidc.client?.clientId}` },
    target: `user:${grant?.accountId}`,
    detail: 'A code or refresh token was used twice: its grant is revoked',
  } as const
  return [audit.command(entry, originOf(ctx.req))]
}

/** The origin of an address that pages can be at: a scheme of an application's own has the origin of any sandbox, "null". */
function originOfPage(uri: string): string | undefined {
  const { protocol, origin } = new URL(uri)
  return /^https?:$/.test(protocol) ? origin : undefined
}

async function renderError(ctx: KoaContextWithOIDC, { error, error_description: text }: ErrorOut): Promise<void> {
  ctx.set(pageHeaders())
  ctx.body = errorPage('This request cannot be answered', `${text ?? 'Something went wrong'} (${error})`)
}
