import * as openid from 'openid-client'
import { test } from 'tap'
import { holdClock, minute } from '../auth/account-setup.ts'
import {
  allow,
  authorizationOf,
  Browser,
  callback,
  errorOf,
  fatima,
  machine,
  openServer,
  reports,
} from '../auth/oauth-setup.ts'

test('a machine gets a token for its own scopes, which opens what they say and no more', async (t) => {
  const server = await openServer(t)
  const client = await server.client(machine)
  const config = await server.discover(client)
  const tokens = await openid.clientCredentialsGrant(config, { scope: 'users:read' })
  t.match(tokens, { token_type: 'bearer', expires_in: 600, scope: 'users:read', refresh_token: undefined })
  t.match(tokens.access_token, /^spta_[\w-]{43}$/)
  t.equal(await server.status(tokens.access_token), 200)
  t.equal(await server.status(tokens.access_token, '/users/1', 'DELETE'), 403)
  const principal = await server.app.access.authenticate(tokens.access_token)
  t.same(principal, { kind: 'client', id: `client:${client.id}`, scopes: new Set(['users:read']) })
})

test('a user signs in, allows what an application asks for, and the application gets in as far as both may', async (t) => {
  const server = await openServer(t)
  const userId = await server.join(fatima)
  const client = await server.client(reports)
  const config = await server.discover(client)
  const { url, redeem } = await authorizationOf(config, { scope: 'openid profile email users:read audit:read' })
  const browser = new Browser(server)
  const asked = await browser.signIn(await browser.open(url), fatima)
  t.match(asked.text, /Allow Reports\?/)
  for (const words of ['Know that it is you', 'See your name', 'See users', fatima.email]) t.match(asked.text, words)
  t.notMatch(asked.text, 'audit', 'what she does not hold cannot be given away')
  const back = (await browser.press(asked, 'allow')).url
  t.equal(back.origin + back.pathname, callback)
  t.equal(back.searchParams.get('iss'), server.issuer)
  const tokens = await redeem(back)
  t.equal(tokens.scope, 'openid profile email users:read')
  t.match(tokens.claims(), { sub: String(userId), aud: client.id, iss: server.issuer })
  t.equal(await server.status(tokens.access_token), 200)
  t.equal(await server.status(tokens.access_token, '/keys'), 403, 'a scope that was not asked for')
  t.match(await server.app.access.authenticate(tokens.access_token), {
    kind: 'client',
    id: `client:${client.id}/user:${userId}`,
    userId,
  })
  t.same(await openid.fetchUserInfo(config, tokens.access_token, String(userId)), {
    sub: String(userId),
    name: 'Fatima',
    email: fatima.email,
    email_verified: true,
  })
  t.match(await server.audited('consent.granted'), [
    {
      principal: `user:${userId}`,
      target: `client:${client.id}`,
      detail: 'scopes: openid profile email users:read',
      address: '127.0.0.1',
    },
  ])
  const told = (await server.app.notices.pending()).filter(({ kind }) => kind === 'application-allowed')
  t.match(told, [{ recipient: fatima.email }])
})

test('a refresh token is given for offline_access alone, and gives the next pair once', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const config = await server.discover(await server.client(reports))
  const online = await authorizationOf(config, { scope: 'openid users:read' })
  t.equal((await online.redeem(await allow(server, online.url))).refresh_token, undefined)
  const offline = await authorizationOf(config)
  const first = await offline.redeem(await allow(server, offline.url))
  t.match(first.refresh_token, /^sptar_[\w-]{43}$/)
  const second = await openid.refreshTokenGrant(config, first.refresh_token ?? '')
  t.not(second.refresh_token, first.refresh_token)
  t.equal(await server.status(second.access_token), 200)
  const narrower = await openid.refreshTokenGrant(config, second.refresh_token ?? '', { scope: 'openid' })
  t.equal(narrower.scope, 'openid')
  t.equal(await server.status(narrower.access_token), 403)
})

test('a revoked token opens nothing within a second, in any process', async (t) => {
  const server = await openServer(t)
  const other = await openServer(t, { DATA_DIR: server.folder })
  const config = await server.discover(await server.client(machine))
  const { access_token } = await openid.clientCredentialsGrant(config, { scope: 'users:read' })
  t.same([await server.status(access_token), await other.status(access_token)], [200, 200])
  await openid.tokenRevocation(config, access_token)
  t.equal(await server.status(access_token), 401, 'at once where it was revoked')
  await new Promise((resolve) => setTimeout(resolve, 1000))
  t.equal(await other.status(access_token), 401, 'elsewhere after a second')
  t.match(await openid.tokenIntrospection(config, access_token), { active: false })
})

test('a client that gives back its refresh token loses the access tokens too', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const config = await server.discover(await server.client(reports))
  const { url, redeem } = await authorizationOf(config)
  const { access_token, refresh_token = '' } = await redeem(await allow(server, url))
  t.equal(await server.status(access_token), 200)
  await openid.tokenRevocation(config, refresh_token)
  t.equal(await server.status(access_token), 401)
  t.equal(await errorOf(openid.refreshTokenGrant(config, refresh_token)), 'invalid_grant')
  t.same(await server.audited('grant.reuse-detected'), [])
})

test('a client looks at its own tokens', async (t) => {
  const server = await openServer(t)
  const client = await server.client(machine)
  const config = await server.discover(client)
  const { access_token } = await openid.clientCredentialsGrant(config, { scope: 'users:read' })
  t.match(await openid.tokenIntrospection(config, access_token), {
    active: true,
    client_id: client.id,
    scope: 'users:read',
    token_type: 'Bearer',
    iss: server.issuer,
  })
  t.same(await openid.tokenIntrospection(config, `spta_${'A'.repeat(43)}`), { active: false })
})

test('what a user may do is looked at each second: less opens less and is told so, a disabled account opens nothing', async (t) => {
  const server = await openServer(t)
  const userId = await server.join(fatima)
  const client = await server.client({ ...reports, scopes: [...reports.scopes, 'admin'] })
  const config = await server.discover(client)
  const account = (payload: object) =>
    server.app.inject({ method: 'PUT', url: `/accounts/${userId}`, headers: server.admin, payload })
  const scopeOf = async (token: string) => (await openid.tokenIntrospection(config, token)).scope
  await account({ role: 'admin', disabled: false })
  const { url, redeem } = await authorizationOf(config, { scope: 'openid users:read audit:read offline_access' })
  const { access_token, refresh_token = '', scope } = await redeem(await allow(server, url))
  const everything = await authorizationOf(config, { scope: 'openid admin' })
  const wide = await everything.redeem(await allow(server, everything.url))
  t.equal(scope, 'openid users:read audit:read offline_access')
  t.same([await scopeOf(access_token), await scopeOf(refresh_token)], [scope, scope])
  t.equal(await scopeOf(wide.access_token), 'openid admin')
  t.equal(await server.status(access_token, '/audit-events'), 200)
  await account({ role: 'member', disabled: false })
  t.same([await server.status(access_token, '/audit-events'), await server.status(access_token)], [403, 200])
  const less = 'openid users:read offline_access'
  t.same([await scopeOf(access_token), await scopeOf(refresh_token)], [less, less])
  t.equal(await scopeOf(wide.access_token), 'openid users:read keys:read keys:write', 'of everything what is left')
  const next = await openid.refreshTokenGrant(config, refresh_token)
  t.same([next.scope, await scopeOf(next.access_token)], [less, less])
  await account({ role: 'admin', disabled: false })
  t.equal(
    (await openid.refreshTokenGrant(config, next.refresh_token ?? '')).scope,
    scope,
    'what was granted comes back',
  )
  await account({ role: 'member', disabled: true })
  t.equal(await server.status(access_token), 401)
  for (const token of [access_token, refresh_token]) {
    t.match(await openid.tokenIntrospection(config, token), { active: false })
  }
  t.equal(await errorOf(openid.refreshTokenGrant(config, refresh_token)), 'invalid_grant')
})

test('another password ends what applications may do for its user', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const config = await server.discover(await server.client(reports))
  const { url, redeem } = await authorizationOf(config, { scope: 'openid users:read offline_access' })
  const { access_token, refresh_token = '' } = await redeem(await allow(server, url))
  t.equal(await server.status(access_token), 200)
  const post = (path: string, payload: object) => server.app.inject({ method: 'POST', url: path, payload })
  await post('/auth/request-password-reset', { email: fatima.email })
  await server.app.accounts.afterwards.done()
  const token = (await server.app.notices.pending()).findLast(({ kind }) => kind === 'reset-password')?.token
  t.equal((await post('/auth/reset-password', { token, password: 'a quite different phrase' })).statusCode, 204)
  t.equal(await server.status(access_token), 401)
  t.equal(await errorOf(openid.refreshTokenGrant(config, refresh_token)), 'invalid_grant')
})

test('an application on its user’s device needs no secret, and listens on any loopback port', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const redirectUris = ['http://127.0.0.1/callback', 'com.example.app:/callback']
  const client = await server.client({ ...reports, name: 'Desk', clientType: 'public', redirectUris })
  t.equal(client.clientSecret, undefined)
  const config = await server.discover(client)
  for (const redirect_uri of ['http://127.0.0.1:51234/callback', 'com.example.app:/callback']) {
    const { url, redeem } = await authorizationOf(config, { redirect_uri })
    const { access_token, refresh_token = '' } = await redeem(await allow(server, url))
    t.equal(await server.status(access_token), 200, redirect_uri)
    t.ok((await openid.refreshTokenGrant(config, refresh_token)).access_token)
  }
})

test('the discovery documents name what is offered, under the one name of the server', async (t) => {
  const server = await openServer(t, { PUBLIC_URL: 'https://api.example.com' })
  const [openidDocument, oauthDocument] = await Promise.all(
    ['openid-configuration', 'oauth-authorization-server'].map(async (name) =>
      (await fetch(`${server.base}/.well-known/${name}`, { headers: { 'x-forwarded-host': 'evil.example' } })).json(),
    ),
  )
  t.same(openidDocument, oauthDocument)
  t.match(openidDocument, {
    issuer: 'https://api.example.com',
    authorization_endpoint: 'https://api.example.com/oauth/authorize',
    token_endpoint: 'https://api.example.com/oauth/token',
    jwks_uri: 'https://api.example.com/.well-known/jwks.json',
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    code_challenge_methods_supported: ['S256'],
  })
  t.strictSame(
    (openidDocument as { scopes_supported: string[] }).scopes_supported.toSorted(),
    ['openid', 'profile', 'email', 'offline_access', ...server.app.access.scopes].toSorted(),
  )
})

test('ID tokens are signed with the keys that are published, and with the next one when it is due', async (t) => {
  const advance = holdClock(t)
  const server = await openServer(t)
  await server.join(fatima)
  const client = await server.client(reports)
  const published = async (at: { base: string } = server) => {
    const { keys } = (await (await fetch(`${at.base}/.well-known/jwks.json`)).json()) as { keys: { alg: string }[] }
    return keys.filter(({ alg }) => alg === 'RS256')
  }
  t.same(await published(), [], 'none is made before one is needed')
  const signedBy = async () => {
    const config = await server.discover(client)
    t.same(config.serverMetadata().id_token_signing_alg_values_supported, ['RS256'])
    openid.enableNonRepudiationChecks(config)
    const { url, redeem } = await authorizationOf(config)
    const { id_token = '' } = await redeem(await allow(server, url))
    return JSON.parse(Buffer.from(id_token.split('.', 1).join(), 'base64url').toString()) as {
      alg: string
      kid: string
    }
  }
  const first = await signedBy()
  t.equal(first.alg, 'RS256', 'which every client knows')
  const [key, ...others] = await published()
  t.match(key, { kty: 'RSA', use: 'sig', kid: first.kid, e: 'AQAB', n: /^[\w-]{342}$/ })
  t.same(Object.keys(key ?? {}).toSorted(), ['alg', 'e', 'kid', 'kty', 'n', 'use'], 'of it nothing private')
  t.same(others, [])
  const other = await openServer(t, { DATA_DIR: server.folder })
  t.same((await published(other))[0], key, 'by every process')
  t.equal((await signedBy()).kid, first.kid)
  advance(91 * 24 * 60 * minute)
  t.not((await signedBy()).kid, first.kid)
})

test('what a secret that SECRET replaced has sealed is still good, and what one that is gone has sealed is not', async (t) => {
  const old = 'the old secret of more than 32 characters'
  const next = 'the next secret of more than 32 characters'
  const server = await openServer(t, { SECRET: old })
  const client = await server.client(machine)
  const form = { grant_type: 'client_credentials', scope: 'users:read' }
  const token = String((await server.send('/oauth/token', client, form)).body.access_token)
  const both = await openServer(t, { DATA_DIR: server.folder, SECRET: `${next},${old}` })
  t.equal(await both.status(token), 200)
  t.equal((await both.send('/oauth/token', client, form)).status, 200)
  const later = await openServer(t, { DATA_DIR: server.folder, SECRET: next })
  t.equal(await later.status(token), 401)
  t.match((await later.send('/oauth/token', client, form)).body, { error: 'invalid_client' })
})

test('an address that is asked in another way says how it is asked', async (t) => {
  const { base } = await openServer(t)
  const wrong = await fetch(`${base}/oauth/token`)
  t.equal(wrong.status, 405)
  t.match(wrong.headers.get('allow'), /POST/)
  const headers = { origin: 'https://reports.example.com', 'access-control-request-method': 'POST' }
  const preflight = await fetch(`${base}/oauth/token`, { method: 'OPTIONS', headers })
  t.equal(preflight.status, 204)
  t.equal(preflight.headers.get('access-control-allow-origin'), headers.origin)
  const json = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }
  t.match(await (await fetch(`${base}/oauth/token`, json)).json(), { error: 'invalid_request' })
})
