import * as openid from 'openid-client'
import { test } from 'tap'
import { holdClock } from '../auth/account-setup.ts'
import { allow, authorizationOf, fatima, hassan, type OpenServer, openServer, reports } from '../auth/oauth-setup.ts'

const enter = async ({ app }: OpenServer, { email, password }: typeof fatima) => {
  const answer = await app.inject({ method: 'POST', url: '/auth/sign-in', payload: { email, password } })
  return { authorization: `Bearer ${answer.json<{ accessToken: string }>().accessToken}` }
}

test('a user sees what applications were allowed, and takes it back', async (t) => {
  const server = await openServer(t)
  const { app } = server
  await server.join(fatima)
  await server.join(hassan)
  const client = await server.client(reports)
  const { url, redeem } = await authorizationOf(await server.discover(client))
  const tokens = await redeem(await allow(server, url))
  t.equal(await server.status(tokens.access_token), 200)
  const headers = await enter(server, fatima)
  const listed = (await app.inject({ url: '/me/grants', headers })).json<{ id: string }[]>()
  t.match(listed, [
    { clientId: client.id, clientName: 'Reports', scopes: ['openid', 'profile', 'email', 'users:read'] },
  ])
  const path = `/me/grants/${listed[0]?.id}`
  const others = await enter(server, hassan)
  t.same((await app.inject({ url: '/me/grants', headers: others })).json(), [], 'nobody sees another’s')
  t.equal((await app.inject({ method: 'DELETE', url: path, headers: others })).statusCode, 404)
  t.equal(await server.status(tokens.access_token), 200)
  t.equal((await app.inject({ method: 'DELETE', url: path, headers })).statusCode, 204)
  t.equal(await server.status(tokens.access_token), 401)
  t.match(await openid.refreshTokenGrant(await server.discover(client), tokens.refresh_token ?? '').catch((e) => e), {
    error: 'invalid_grant',
  })
  t.same((await app.inject({ url: '/me/grants', headers })).json(), [])
  t.equal((await app.inject({ method: 'DELETE', url: path, headers })).statusCode, 404)
  t.equal((await server.audited('grant.withdrawn')).length, 1)
})

test('an application that was allowed in several browsers is one, and loses everything at once', async (t) => {
  const server = await openServer(t)
  const { app } = server
  await server.join(fatima)
  const [client, other] = [await server.client(reports), await server.client({ ...reports, name: 'Other' })]
  const allowed = async (of: typeof client, scope: string) => {
    const config = await server.discover(of)
    const { url, redeem } = await authorizationOf(config, { scope })
    return { config, ...(await redeem(await allow(server, url))) }
  }
  const first = await allowed(client, 'openid users:read offline_access')
  const second = await allowed(client, 'openid keys:read')
  const kept = await allowed(other, 'openid users:read')
  const headers = await enter(server, fatima)
  const listed = async () =>
    (await app.inject({ url: '/me/grants', headers })).json<{ id: string; clientId: string; scopes: string[] }[]>()
  const [one] = (await listed()).filter(({ clientId }) => clientId === client.id)
  t.equal((await listed()).length, 2)
  t.same(one?.scopes.toSorted(), ['keys:read', 'offline_access', 'openid', 'users:read'])
  t.equal((await app.inject({ method: 'DELETE', url: `/me/grants/${one?.id}`, headers })).statusCode, 204)
  t.match(await listed(), [{ clientId: other.id }])
  t.same([await server.status(first.access_token), await server.status(second.access_token, '/keys')], [401, 401])
  t.equal(await server.status(kept.access_token), 200)
  const again = openid.refreshTokenGrant(first.config, first.refresh_token ?? '')
  t.match(await again.catch((error) => error), { error: 'invalid_grant' })
  const left = await server.rows(
    `select model from oauth_payloads where client_id = '${client.id}' and user_id is not null`,
  )
  t.same(left, [])
})

test('an application cannot look at or take back what others were allowed', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const { url, redeem } = await authorizationOf(await server.discover(await server.client(reports)))
  const { access_token } = await redeem(await allow(server, url))
  t.equal(await server.status(access_token, '/me/grants'), 403)
  t.equal(await server.status(access_token, `/me/grants/${'a'.repeat(43)}`, 'DELETE'), 403)
})

test('what a public client refreshes ends when its first refresh token would have ended', async (t) => {
  const forward = holdClock(t)
  const server = await openServer(t, { SESSION_DAYS: '30' })
  await server.join(fatima)
  const redirectUris = ['http://127.0.0.1/callback']
  const client = await server.client({ ...reports, clientType: 'public', redirectUris })
  const config = await server.discover(client)
  const { url, redeem } = await authorizationOf(config, { redirect_uri: 'http://127.0.0.1:5000/callback' })
  let { refresh_token = '' } = await redeem(await allow(server, url))
  for (const days of [10, 10, 9]) {
    forward(days * 86_400_000)
    refresh_token = (await openid.refreshTokenGrant(config, refresh_token)).refresh_token ?? ''
  }
  forward(2 * 86_400_000)
  t.match(await openid.refreshTokenGrant(config, refresh_token).catch((error) => error), { error: 'invalid_grant' })
})
