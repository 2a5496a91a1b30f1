import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { test } from 'tap'
import { build, temporaryFolder } from '../helper.ts'
import { raw } from '../storage/setup.ts'

const scopes = ['users:read', 'keys:read']

/** A session of an example user, to whom an account is given, as signing in starts it. */
async function signIn(app: FastifyInstance, userId = 1) {
  const account = `insert into accounts (user_id, role, created_at, updated_at) values (${userId}, 'member', '2026', '2026')`
  await app.storage.engine.write([[raw(`${account} on conflict (user_id) do nothing`), {}]])
  const client = { id: 'request-1', ip: '192.0.2.1', headers: { 'user-agent': 'Firefox' } }
  return app.sessions.start({ userId, scopes }, client)
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Calls with an access token. */
const as = (app: FastifyInstance, { accessToken }: { accessToken: string }) => ({
  call: (method: 'GET' | 'POST' | 'DELETE', url: string) => app.inject({ method, url, headers: bearer(accessToken) }),
})

const refresh = (app: FastifyInstance, payload: unknown) =>
  app.inject({ method: 'POST', url: '/auth/refresh', payload: payload as object })

test('an access token opens what its scopes allow, and nothing else', async (t) => {
  const { app } = await build(t, { ANONYMOUS_SCOPES: ' ' })
  const { call } = as(app, await signIn(app))
  t.equal((await call('GET', '/users')).statusCode, 200)
  const forbidden = await call('GET', '/metrics')
  t.equal(forbidden.statusCode, 403)
  t.match(forbidden.headers['www-authenticate'], /insufficient_scope.*scope="metrics:read"/)
})

test('a refresh is answered with the next pair, which no cache may keep', async (t) => {
  const { app } = await build(t)
  const first = await signIn(app)
  const response = await refresh(app, { refreshToken: first.refreshToken })
  t.equal(response.statusCode, 200)
  t.equal(response.headers['cache-control'], 'no-store')
  const second = response.json()
  t.same(Object.keys(second), ['accessToken', 'tokenType', 'expiresIn', 'refreshToken', 'scope'])
  t.match(second, { tokenType: 'Bearer', expiresIn: 600, scope: scopes.join(' ') })
  t.not(second.refreshToken, first.refreshToken)
  t.equal((await as(app, second).call('GET', '/auth/sessions')).statusCode, 200)
})

test('a refresh token that is sent twice ends the session', async (t) => {
  const { app } = await build(t)
  const { refreshToken } = await signIn(app)
  const next = (await refresh(app, { refreshToken })).json()
  const again = await refresh(app, { refreshToken })
  t.equal(again.statusCode, 401)
  t.match(again.json(), { code: 'unauthenticated', detail: 'The refresh token is wrong, used or expired' })
  const refused = await as(app, next).call('GET', '/auth/sessions')
  t.equal(refused.statusCode, 401)
  t.match(refused.json(), { detail: 'The session has ended' })
  t.match(refused.headers['www-authenticate'], /^Bearer realm="septet", error="invalid_token"$/)
  t.equal((await refresh(app, { refreshToken: next.refreshToken })).statusCode, 401)
})

test('a refresh that names no token, or says more, is refused and not repeated to the caller', async (t) => {
  const { app, logs } = await build(t)
  const { refreshToken } = await signIn(app)
  for (const body of [
    {},
    { refreshToken: 1 },
    { refreshToken, scope: 'admin' },
    { refreshToken: `${refreshToken}x`.repeat(9) },
  ]) {
    const response = await refresh(app, body)
    t.equal(response.statusCode, 400, JSON.stringify(Object.keys(body)))
    t.notMatch(response.body, refreshToken)
  }
  t.equal((await refresh(app, { refreshToken: 'sptr_nothing' })).statusCode, 401)
  t.equal((await refresh(app, { refreshToken })).statusCode, 200)
  t.notMatch(JSON.stringify(logs()), refreshToken, 'nor is it logged')
})

test('signing out ends the session, and the others go on', async (t) => {
  const { app } = await build(t)
  const [one, other] = [await signIn(app), await signIn(app)]
  t.equal((await as(app, one).call('POST', '/auth/sign-out')).statusCode, 204)
  t.equal((await as(app, one).call('POST', '/auth/sign-out')).statusCode, 401)
  t.equal((await refresh(app, { refreshToken: one.refreshToken })).statusCode, 401)
  t.equal((await as(app, other).call('GET', '/auth/sessions')).statusCode, 200)
})

test('a user sees where they are signed in, and only that', async (t) => {
  const { app } = await build(t)
  const first = await signIn(app)
  const second = await signIn(app)
  await signIn(app, 2)
  const list = (await as(app, first).call('GET', '/auth/sessions')).json()
  t.equal(list.length, 2)
  for (const session of list) {
    t.same(Object.keys(session), ['id', 'createdAt', 'lastUsedAt', 'address', 'userAgent', 'current'])
    t.match(session, { address: '192.0.2.1', userAgent: 'Firefox', createdAt: /Z$/ })
  }
  const current = list.filter((session: { current: boolean }) => session.current)
  t.match(current, [{ id: (await app.access.authenticate(first.accessToken)).sessionId }])
  t.match((await as(app, second).call('GET', '/auth/sessions')).json()[0], { current: Boolean })
})

test('a user revokes a session of their own; that of another is not found', async (t) => {
  const { app } = await build(t)
  const [mohamed, phone, ali] = [await signIn(app), await signIn(app), await signIn(app, 2)]
  const idOf = async ({ accessToken }: { accessToken: string }) =>
    (await app.access.authenticate(accessToken)).sessionId
  const { call } = as(app, mohamed)
  t.equal((await call('DELETE', `/auth/sessions/${await idOf(ali)}`)).statusCode, 404)
  t.equal((await as(app, ali).call('GET', '/auth/sessions')).statusCode, 200)
  const id = await idOf(phone)
  t.equal((await call('DELETE', `/auth/sessions/${id}`)).statusCode, 204)
  t.equal((await call('DELETE', `/auth/sessions/${id}`)).statusCode, 404)
  t.equal((await as(app, phone).call('GET', '/auth/sessions')).statusCode, 401)
  t.equal((await call('DELETE', '/auth/sessions/no-session')).statusCode, 400)
})

test('sessions are for those who have signed in', async (t) => {
  const { app } = await build(t, { ANONYMOUS_SCOPES: 'users:read' })
  for (const [method, url] of [
    ['POST', '/auth/sign-out'],
    ['GET', '/auth/sessions'],
    ['DELETE', '/auth/sessions'],
    ['DELETE', `/auth/sessions/${'A'.repeat(22)}`],
  ] as const) {
    t.equal((await app.inject({ method, url })).statusCode, 401, `${method} ${url} without a credential`)
    const key = await app.inject({ method, url, headers: { 'x-api-key': app.apiKeys.first ?? '' } })
    t.equal(key.statusCode, 403, `${method} ${url} with the admin key`)
  }
})

test('a session that one server revokes is refused by another over the same file within a second', async (t) => {
  const folder = temporaryFolder(t)
  const [one, other] = [await build(t, { DATA_DIR: folder }), await build(t, { DATA_DIR: folder })]
  const session = await signIn(one.app)
  t.equal((await as(other.app, session).call('GET', '/auth/sessions')).statusCode, 200)
  t.equal((await as(one.app, session).call('POST', '/auth/sign-out')).statusCode, 204)
  await wait(1000)
  const refused = await as(other.app, session).call('GET', '/auth/sessions')
  t.match(refused.json(), { status: 401, detail: 'The session has ended' })
})

test('the key set is public, may be cached for five minutes, and verifies the tokens', async (t) => {
  const { app } = await build(t, { ANONYMOUS_SCOPES: ' ', PUBLIC_URL: 'https://api.example.com' })
  const response = await app.inject('/.well-known/jwks.json')
  t.equal(response.statusCode, 200)
  t.equal(response.headers['cache-control'], 'public, max-age=300')
  t.notMatch(response.body, /"d":/)
  const { accessToken } = await signIn(app)
  const issuer = 'https://api.example.com'
  const verified = await jwtVerify(accessToken, createLocalJWKSet(response.json()), { issuer, audience: issuer })
  t.match(verified.payload, { sub: '1', scope: scopes.join(' ') })
})

test('tokens that are no tokens are refused with the challenge of RFC 6750', async (t) => {
  const { app } = await build(t)
  const { accessToken, refreshToken } = await signIn(app)
  const [header, payload] = accessToken.split('.')
  for (const token of [
    'eyJ.eyJ.sig',
    `${header}.${payload}.`,
    `${accessToken}=`,
    refreshToken,
    `${header}.${payload}.${'A'.repeat(86)}`,
  ]) {
    const response = await app.inject({ url: '/users', headers: bearer(token) })
    t.equal(response.statusCode, 401, token)
    t.match(response.headers['www-authenticate'], /error="invalid_token"/, token)
    t.match(response.json(), { code: 'unauthenticated' })
  }
})

test('operations on sessions are in the document, each under its own name', async (t) => {
  const { app } = await build(t)
  const names = [...app.contract.values()].filter(({ tag }) => tag === 'sessions').map(({ operationId }) => operationId)
  t.same(names.sort(), ['getJwks', 'listSessions', 'refreshSession', 'revokeSession', 'signOut', 'signOutEverywhere'])
  t.match(app.swagger(), { paths: { '/auth/refresh': { post: { operationId: 'refreshSession' } } } })
})
