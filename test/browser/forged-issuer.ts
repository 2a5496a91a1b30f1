/** An issuer that lies: each test says in what. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { Test } from 'tap'
import { serveLoopback } from './loopback.ts'

export interface ForgedIssuer {
  url: string
  settings: Record<string, string>
  /** Changes what it publishes about itself. */
  metadata: Record<string, unknown>
  /** Changes the claims of its ID tokens. */
  claims: JWTPayload
  /** Signs with a key that it does not publish. */
  foreignKey: boolean
  /** Changes the parameters that the browser comes back with; one that is empty is left out. */
  parameters: Record<string, string>
  /** Answers a path in place of the issuer; gives whether it does. */
  instead: (path: string, response: ServerResponse) => boolean
  /** Bodies that the token endpoint got. */
  redeemed: URLSearchParams[]
  /** Paths that were asked for. */
  requests: string[]
}

const clientId = 'septet'

export async function startForgedIssuer(t: Test): Promise<ForgedIssuer> {
  const [own, foreign] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')])
  const nonces = new Map<string, string>()
  const { url } = await serveLoopback(t, (request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  const issuer: ForgedIssuer = {
    url,
    settings: { OIDC_ISSUER: url, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: 'secret', OIDC_NAME: 'Forged' },
    metadata: {},
    claims: {},
    foreignKey: false,
    parameters: {},
    instead: () => false,
    redeemed: [],
    requests: [],
  }
  return issuer

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = new URL(request.url ?? '', url)
    issuer.requests.push(asked.pathname)
    if (issuer.instead(asked.pathname, response)) return
    switch (asked.pathname) {
      case '/.well-known/openid-configuration':
        return json(response, {
          issuer: url,
          authorization_endpoint: `${url}/auth`,
          token_endpoint: `${url}/token`,
          jwks_uri: `${url}/jwks`,
          authorization_response_iss_parameter_supported: true,
          ...issuer.metadata,
        })
      case '/jwks':
        return json(response, { keys: [{ ...(await exportJWK(own.publicKey)), kid: 'key-1', alg: 'RS256' }] })
      case '/auth':
        return authorize(asked.searchParams, response)
      case '/token': {
        const form = new URLSearchParams(await text(request))
        issuer.redeemed.push(form)
        const nonce = nonces.get(form.get('code') ?? '') ?? ''
        return json(response, { access_token: 'token', token_type: 'Bearer', id_token: await idToken(nonce) })
      }
      default:
        response.writeHead(404).end()
    }
  }

  function authorize(asked: URLSearchParams, response: ServerResponse): void {
    const target = new URL(asked.get('redirect_uri') ?? '')
    const code = `code-${nonces.size}`
    nonces.set(code, asked.get('nonce') ?? '')
    const parameters = { code, state: asked.get('state') ?? '', iss: url, ...issuer.parameters }
    for (const [name, value] of Object.entries(parameters)) if (value !== '') target.searchParams.set(name, value)
    response.writeHead(302, { location: target.href }).end()
  }

  function idToken(nonce: string): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const about = { sub: 'mallory', email: 'mallory@example.com', email_verified: true }
    const times = { iat: now, exp: now + 60 }
    return new SignJWT({ iss: url, aud: clientId, nonce, ...times, ...about, ...issuer.claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'key-1' })
      .sign(issuer.foreignKey ? foreign.privateKey : own.privateKey)
  }
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
