/** An OpenID Connect issuer on loopback, played by `oidc-provider`: with a page where its user signs in. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair } from 'jose'
import type { Configuration, default as Provider } from 'oidc-provider'
import type { Test } from 'tap'
import { serveLoopback } from './loopback.ts'

/** What the issuer says of a user. */
export interface IssuerUser {
  email?: string
  email_verified?: unknown
  name?: string
}

export interface Issuer {
  url: string
  client: { id: string; secret: string }
  /** Who can sign in, by the name that they type. */
  users: Map<string, IssuerUser>
  /** Settings of ours that lead to it. */
  settings: Record<string, string>
  /** Lets it send browsers to our server at this base URL. */
  allow(base: string): void
  stop(): Promise<void>
}

const client = { id: 'septet', secret: 'a secret of septet: with signs & spaces' }

/** Starts an issuer that ends with the test; `more` as in the configuration of oidc-provider. */
export async function startIssuer(t: Test, more: Configuration = {}): Promise<Issuer> {
  // Its default export prints advice at import when NODE_ENV is unset; it is loaded when a test needs it.
  const { default: OidcProvider } = await import('oidc-provider')
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'key-1' }
  const users = new Map<string, IssuerUser>()
  let provider: Provider | undefined
  const { url, stop } = await serveLoopback(t, (request, response) => {
    const answered = provider && serve(provider, request, response)
    if (answered === undefined) response.writeHead(503).end()
    else answered.catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  return {
    url,
    client,
    users,
    settings: {
      OIDC_ISSUER: url,
      OIDC_CLIENT_ID: client.id,
      OIDC_CLIENT_SECRET: client.secret,
      OIDC_NAME: 'Example Issuer',
    },
    allow(base) {
      provider = new OidcProvider(url, {
        clients: [
          {
            client_id: client.id,
            client_secret: client.secret,
            redirect_uris: [`${base}/auth/callback/oidc`],
            token_endpoint_auth_method: 'client_secret_post',
          },
        ],
        jwks: { keys: [jwk] },
        cookies: { keys: ['a key for cookies of the issuer'] },
        claims: { email: ['email', 'email_verified'], profile: ['name'] },
        features: { devInteractions: { enabled: false } },
        interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
        findAccount: (_context, id) => {
          const user = users.get(id)
          return user && { accountId: id, claims: async () => ({ sub: id, ...user }) }
        },
        // Whoever signs in consents.
        loadExistingGrant: async ({ oidc }) => {
          const accountId = oidc.session?.accountId
          const clientId = oidc.client?.clientId
          if (provider === undefined || accountId === undefined || clientId === undefined) return undefined
          const grant = new provider.Grant({ accountId, clientId })
          grant.addOIDCScope('openid email profile')
          await grant.save()
          return grant
        },
        ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
        ...more,
      })
    },
    stop,
  }
}

/** The page of an interaction is ours; all else is the provider's. */
async function serve(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!request.url?.startsWith('/interaction/')) return provider.callback()(request, response)
  if (request.method !== 'POST') {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(page)
    return
  }
  const form = new URLSearchParams(await text(request))
  const accountId = form.get('login')
  const result = form.has('cancel')
    ? { error: 'access_denied', error_description: '<script>document.title = "stolen"</script>' }
    : { login: { accountId: accountId ?? '' } }
  await provider.interactionFinished(request, response, result)
}

const page = `<!doctype html>
<meta charset="utf-8">
<title>Example Issuer</title>
<style>body { font: 16px sans-serif; margin: 40px } input, button { font: inherit; padding: 6px }</style>
<h1>Example Issuer</h1>
<form method="post">
  <p><label>Name <input name="login" autofocus></label></p>
  <p><button>Sign in</button> <button name="cancel" value="1">Cancel</button></p>
</form>
`
