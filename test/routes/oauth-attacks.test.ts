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
  hassan,
  machine,
  type OpenServer,
  openServer,
  reports,
} from '../auth/oauth-setup.ts'

/** A code that the client has not redeemed yet, and what it needs for that. */
async function codeOf(server: OpenServer, config: openid.Configuration, more: Record<string, string> = {}) {
  const { url, verifier, redeem } = await authorizationOf(config, more)
  const back = await allow(server, url)
  const code = back.searchParams.get('code') ?? ''
  return {
    back,
    code,
    redeem,
    form: { grant_type: 'authorization_code', code, redirect_uri: callback, code_verifier: verifier },
  }
}

/** The error that a client is told of at its address; in the fragment, where it has asked for a token there. */
const errorIn = ({ search, hash }: URL) => new URLSearchParams(search || hash.slice(1)).get('error')

test('a code that is used a second time is refused, ends its grant and is told of', async (t) => {
  const server = await openServer(t)
  const userId = await server.join(fatima)
  const client = await server.client(reports)
  const { form } = await codeOf(server, await server.discover(client))
  const first = await server.send('/oauth/token', client, form)
  const token = String(first.body.access_token)
  t.equal(await server.status(token), 200)
  t.match(await server.send('/oauth/token', client, form), { status: 400, body: { error: 'invalid_grant' } })
  t.equal(await server.status(token), 401)
  const refresh = { grant_type: 'refresh_token', refresh_token: String(first.body.refresh_token) }
  t.match((await server.send('/oauth/token', client, refresh)).body, { error: 'invalid_grant' })
  t.match(await server.audited('grant.reuse-detected'), [
    { outcome: 'failure', principal: `client:${client.id}`, target: `user:${userId}`, address: '127.0.0.1' },
  ])
})

test('a code that is used twice at once gives tokens at most once, and they are good for nothing', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const client = await server.client(reports)
  const { form } = await codeOf(server, await server.discover(client))
  const answers = await Promise.all([1, 2, 3].map(() => server.send('/oauth/token', client, form)))
  const given = answers.flatMap(({ body }) => (typeof body.access_token === 'string' ? [body.access_token] : []))
  t.ok(given.length <= 1, `${given.length} tokens`)
  for (const token of given) t.equal(await server.status(token), 401)
  t.same(await server.rows(`select model from oauth_payloads where model in ('Grant', 'AuthorizationCode')`), [])
  t.equal((await server.audited('grant.reuse-detected')).length, 1)
})

test('a refresh token that is used a second time ends its grant', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const config = await server.discover(await server.client(reports))
  const { back, redeem } = await codeOf(server, config)
  const first = await redeem(back)
  const second = await openid.refreshTokenGrant(config, first.refresh_token ?? '')
  t.equal(await errorOf(openid.refreshTokenGrant(config, first.refresh_token ?? '')), 'invalid_grant')
  t.equal(await errorOf(openid.refreshTokenGrant(config, second.refresh_token ?? '')), 'invalid_grant')
  t.same([await server.status(first.access_token), await server.status(second.access_token)], [401, 401])
  t.equal((await server.audited('grant.reuse-detected')).length, 1)
})

test('a code is good for nothing without its verifier and its redirect_uri', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const client = await server.client({ ...reports, redirectUris: [callback, 'https://reports.example.com/other'] })
  const { form } = await codeOf(server, await server.discover(client))
  for (const wrong of [
    { code_verifier: openid.randomPKCECodeVerifier() },
    { code_verifier: '' },
    { redirect_uri: 'https://reports.example.com/other' },
    { redirect_uri: '' },
  ]) {
    const { status, body } = await server.send('/oauth/token', client, { ...form, ...wrong })
    t.equal(status, 400, JSON.stringify(wrong))
    t.equal(body.access_token, undefined)
  }
  t.equal((await server.send('/oauth/token', client, form)).status, 200)
})

test('a request without PKCE, or with a plain challenge, is refused', async (t) => {
  const server = await openServer(t)
  const config = await server.discover(await server.client(reports))
  const { url } = await authorizationOf(config)
  for (const [name, value] of [
    ['code_challenge_method', 'plain'],
    ['code_challenge_method', ''],
    ['code_challenge', ''],
    ['code_challenge', 'short'],
  ] as const) {
    const changed = new URL(url)
    changed.searchParams.set(name, value)
    const { url: back } = await new Browser(server).open(changed)
    t.equal(back.origin, 'https://reports.example.com')
    t.equal(errorIn(back), 'invalid_request', `${name}=${value}`)
  }
  const { url: without } = await authorizationOf(config)
  without.searchParams.delete('code_challenge')
  without.searchParams.delete('code_challenge_method')
  t.equal(errorIn((await new Browser(server).open(without)).url), 'invalid_request')
})

test('nobody is sent to an address that is not registered as it is written', async (t) => {
  const server = await openServer(t)
  const config = await server.discover(await server.client(reports))
  for (const redirect_uri of [
    'https://evil.example/callback',
    `${callback}/more`,
    `${callback}?more=1`,
    `${callback}#fragment`,
    'https://reports.example.com/call',
    'https://reports.example.com.evil.example/callback',
    'https://reports.example.com@evil.example/callback',
    'https://REPORTS.example.com/callback',
    'https://reports.example.com:443/callback',
    'https://reports.example.com/other/../callback',
    'http://reports.example.com/callback',
    '//evil.example/callback',
    'javascript:alert(1)',
    '',
  ]) {
    const { url } = await authorizationOf(config, { redirect_uri })
    const page = await new Browser(server).open(url)
    t.equal(page.url.origin, server.issuer, redirect_uri)
    t.equal(page.status, 400)
    t.equal(page.headers.get('location'), null)
    t.match(page.headers.get('content-type'), 'text/html')
    t.notMatch(page.text, 'evil')
  }
})

test('a loopback address frees only its port, and only for a public client', async (t) => {
  const server = await openServer(t)
  const redirectUris = ['http://127.0.0.1:8765/callback']
  const desk = await server.discover(await server.client({ ...reports, clientType: 'public', redirectUris }))
  const web = await server.discover(await server.client({ ...reports, redirectUris }))
  for (const [config, redirect_uri] of [
    [desk, 'http://127.0.0.1:1/other'],
    [desk, 'http://localhost:8765/callback'],
    [desk, 'https://127.0.0.1:8765/callback'],
    [desk, 'http://127.0.0.1.evil.example:8765/callback'],
    [desk, 'http://127.0.0.1:1@evil.example/callback'],
    [web, 'http://127.0.0.1:1/callback'],
  ] as const) {
    const page = await new Browser(server).open((await authorizationOf(config, { redirect_uri })).url)
    t.equal(page.url.origin, server.issuer, redirect_uri)
    t.equal(page.status, 400)
  }
})

test('nobody gets scopes that the client was not made with', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const importer = await server.client(machine)
  const wide = await server.send('/oauth/token', importer, {
    grant_type: 'client_credentials',
    scope: 'users:read admin',
  })
  t.match(wide, { status: 400, body: { error: 'invalid_scope' } })
  const none = await server.send('/oauth/token', importer, { grant_type: 'client_credentials' })
  t.equal(await server.status(String(none.body.access_token)), 403, 'who asks for nothing gets nothing')
  const unknown = await server.send('/oauth/token', importer, { grant_type: 'client_credentials', scope: 'users:fly' })
  t.equal(unknown.body.scope, undefined)
  const config = await server.discover(await server.client(reports))
  const { url } = await authorizationOf(config, { scope: 'openid users:write' })
  t.equal(errorIn((await new Browser(server).open(url)).url), 'invalid_scope')
  const { back, redeem } = await codeOf(server, config, { scope: 'openid users:read offline_access' })
  const { refresh_token = '' } = await redeem(back)
  t.equal(
    await errorOf(openid.refreshTokenGrant(config, refresh_token, { scope: 'openid keys:read' })),
    'invalid_scope',
  )
})

test('grants and responses that are not offered are refused', async (t) => {
  const server = await openServer(t)
  const client = await server.client(reports)
  const config = await server.discover(client)
  for (const response_type of ['token', 'id_token', 'code id_token', 'none']) {
    const { url } = await authorizationOf(config, { response_type })
    const { url: back } = await new Browser(server).open(url)
    t.match(errorIn(back), /^(unsupported_response_type|invalid_request)$/, response_type)
  }
  for (const response_mode of ['fragment', 'form_post']) {
    const { url } = await authorizationOf(config, { response_mode })
    t.notMatch((await new Browser(server).open(url)).text, 'Sign in', response_mode)
  }
  const password = { grant_type: 'password', username: fatima.email, password: fatima.password }
  t.match((await server.send('/oauth/token', client, password)).body, { error: 'unsupported_grant_type' })
  const foreign = await server.send('/oauth/token', client, { grant_type: 'client_credentials', scope: 'users:read' })
  t.equal(foreign.status, 400, 'a grant that is not this client’s')
})

test('what was given to one client is nothing to another', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const client = await server.client(reports)
  const other = await server.client({ ...reports, name: 'Other' })
  const config = await server.discover(client)
  const { form } = await codeOf(server, config)
  t.match((await server.send('/oauth/token', other, form)).body, { error: 'invalid_grant' })
  const { body } = await server.send('/oauth/token', client, form)
  const [access, refresh] = [String(body.access_token), String(body.refresh_token)]
  const stolen = { grant_type: 'refresh_token', refresh_token: refresh }
  t.match((await server.send('/oauth/token', other, stolen)).body, { error: 'invalid_grant' })
  t.same((await server.send('/oauth/introspect', other, { token: access })).body, { active: false })
  t.same((await server.send('/oauth/introspect', other, { token: refresh })).body, { active: false })
  t.equal((await server.send('/oauth/revoke', other, { token: refresh })).status, 200)
  t.equal(await server.status(access), 200, 'it is still good')
  t.match((await server.send('/oauth/introspect', client, { token: refresh })).body, { active: true })
})

test('a client must prove who it is', async (t) => {
  const server = await openServer(t)
  const { clientSecret: _, ...unproven } = await server.client(machine)
  const form = { grant_type: 'client_credentials', scope: 'users:read' }
  for (const clientSecret of [undefined, 'sptc_wrong', '']) {
    const client = clientSecret === undefined ? unproven : { ...unproven, clientSecret }
    const { status, body } = await server.send('/oauth/token', client, form)
    t.match(body, { error: 'invalid_client' }, String(clientSecret))
    t.equal(status, 401)
  }
  const [row] = await server.rows('select mac from oauth_clients')
  const stored = await server.send('/oauth/token', { ...unproven, clientSecret: String(row?.mac) }, form)
  t.match(stored.body, { error: 'invalid_client' }, 'what is stored is no secret')
  const missing = await server.send('/oauth/token', { ...unproven, id: '0000000000000000' }, form)
  t.match(missing.body, { error: 'invalid_client' })
})

test('codes, refresh tokens and ID tokens open no operation', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const config = await server.discover(await server.client(reports))
  const { code } = await codeOf(server, config)
  const { back, redeem } = await codeOf(server, config)
  const { id_token = '', refresh_token = '', access_token } = await redeem(back)
  for (const token of [
    code,
    refresh_token,
    id_token,
    `spta_${code}`,
    access_token.replace('spta_', 'spt_'),
    `${access_token}A`,
  ]) {
    t.equal(await server.status(token), 401, token.slice(0, 6))
  }
  const inUrl = await fetch(`${server.base}/users?access_token=${access_token}`)
  t.not(inUrl.status, 200)
  const userinfo = await fetch(`${server.base}/oauth/userinfo`, { headers: { authorization: `Bearer ${id_token}` } })
  t.equal(userinfo.status, 401)
})

test('a client acts for a user within its scopes, and is never the user', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const { back, redeem } = await codeOf(server, await server.discover(await server.client(reports)))
  const { access_token } = await redeem(back)
  for (const [method, path] of [
    ['GET', '/auth/sessions'],
    ['POST', '/auth/sign-out'],
    ['DELETE', `/auth/sessions/${'A'.repeat(22)}`],
  ] as const) {
    t.equal(await server.status(access_token, path, method), 403, path)
  }
})

test('an expired token, code or page is good for nothing', async (t) => {
  const advance = holdClock(t)
  const server = await openServer(t)
  await server.join(fatima)
  const client = await server.client(reports)
  const config = await server.discover(client)
  const late = await codeOf(server, config)
  const { back, redeem } = await codeOf(server, config)
  const { access_token } = await redeem(back)
  const browser = new Browser(server)
  const page = await browser.open((await authorizationOf(config)).url)
  t.equal(await server.status(access_token), 200)
  advance(minute + 1000)
  t.match((await server.send('/oauth/token', client, late.form)).body, { error: 'invalid_grant' })
  advance(10 * minute)
  t.equal(await server.status(access_token), 401)
  t.match((await server.send('/oauth/introspect', client, { token: access_token })).body, { active: false })
  advance(5 * minute)
  t.match(await browser.signIn(page, fatima), { status: 400, text: 'This page has expired' })
  await server.app.oauth.forgetExpired()
  t.same(
    await server.rows(
      `select model from oauth_payloads where model in ('AccessToken', 'AuthorizationCode', 'Interaction')`,
    ),
    [],
  )
})

test('a session of the sign-in page does not outlive a change of password', async (t) => {
  const advance = holdClock(t)
  const server = await openServer(t)
  await server.join(fatima)
  const config = await server.discover(await server.client(reports))
  const browser = new Browser(server)
  await allow(server, (await authorizationOf(config)).url, fatima, browser)
  const again = await authorizationOf(config, { prompt: '', scope: 'openid users:read' })
  again.url.searchParams.delete('prompt')
  t.ok((await browser.open(again.url)).url.searchParams.get('code'), 'signed in, and allowed before')
  advance(2000)
  const { email, password } = fatima
  const { accessToken } = (
    await server.app.inject({ method: 'POST', url: '/auth/sign-in', payload: { email, password } })
  ).json<{ accessToken: string }>()
  const changed = await server.app.inject({
    method: 'POST',
    url: '/auth/change-password',
    headers: { authorization: `Bearer ${accessToken}` },
    payload: { currentPassword: password, newPassword: hassan.password },
  })
  t.equal(changed.statusCode, 204)
  t.match((await browser.open(again.url)).text, 'Sign in')
})
