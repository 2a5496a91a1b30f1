import { test } from 'tap'
import { callback, openServer, reports } from '../auth/oauth-setup.ts'

test('a page of a public client may call from where its users are sent back to, and no other', async (t) => {
  const server = await openServer(t)
  const redirectUris = [callback, 'com.example.app:/callback']
  const client = await server.client({ ...reports, clientType: 'public', redirectUris })
  const call = (origin: string) =>
    fetch(`${server.base}/oauth/token`, {
      method: 'POST',
      headers: { origin },
      body: new URLSearchParams({ client_id: client.id, grant_type: 'refresh_token', refresh_token: 'x' }),
    })
  const own = await call('https://reports.example.com')
  t.equal(own.headers.get('access-control-allow-origin'), 'https://reports.example.com')
  t.match(await own.json(), { error: 'invalid_grant' })
  for (const origin of ['https://evil.example', 'null']) {
    const foreign = await call(origin)
    t.equal(foreign.headers.get('access-control-allow-origin'), null, origin)
    t.match(await foreign.json(), { error: 'invalid_request' })
  }
})

test('CORS_ORIGINS lets no page call for a client that is not its own, and any page may read keys and discovery', async (t) => {
  const app = 'https://app.example.com'
  for (const CORS_ORIGINS of ['', app, '*']) {
    const server = await openServer(t, { CORS_ORIGINS })
    const client = await server.client({ ...reports, clientType: 'public' })
    const headersOf = async (path: string, origin: string, init: RequestInit = {}) => {
      const { headers } = await fetch(server.base + path, { ...init, headers: { ...init.headers, origin } })
      return headers.get('access-control-allow-origin')
    }
    const form = { client_id: client.id, grant_type: 'refresh_token', refresh_token: 'x', token: 'x' }
    for (const path of ['/oauth/token', '/oauth/revoke', '/oauth/introspect']) {
      const send = { method: 'POST', body: new URLSearchParams(form) }
      t.equal(await headersOf(path, app, send), null, `${path} with CORS_ORIGINS=${CORS_ORIGINS}`)
      t.equal(await headersOf(path, new URL(callback).origin, send), new URL(callback).origin, path)
      const preflight = { method: 'OPTIONS', headers: { 'access-control-request-method': 'POST' } }
      t.equal(
        await headersOf(path, new URL(callback).origin, preflight),
        new URL(callback).origin,
        `${path} beforehand`,
      )
    }
    for (const path of ['/oauth/authorize', '/oauth/sign-out', '/oauth/interaction/x']) {
      t.equal(await headersOf(path, app), null, path)
    }
    for (const path of ['openid-configuration', 'oauth-authorization-server', 'jwks.json']) {
      t.match(await headersOf(`/.well-known/${path}`, 'https://any.example'), /^(\*|https:\/\/any\.example)$/, path)
    }
    t.equal(await headersOf('/users', app), CORS_ORIGINS || null, 'operations go on as they were set')
  }
})
