import { test } from 'tap'
import { fatima, hassan, machine, openServer, reports } from '../auth/oauth-setup.ts'
import { makeKey } from '../keys.ts'

const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString()

test('an admin key that expires makes no client, no secret and no administrator that would outlast it', async (t) => {
  const server = await openServer(t)
  const { app, admin } = server
  const client = await server.client(machine)
  const userId = await server.join(fatima)
  const { key } = await makeKey(app, admin['x-api-key'], ['admin'], { expiresAt: tomorrow() })
  const ask = (method: 'POST' | 'PUT', url: string, payload: object) =>
    app.inject({ method, url, payload, headers: { 'x-api-key': key } })
  for (const answer of [
    await ask('POST', '/oauth-clients', machine),
    await ask('POST', `/oauth-clients/${client.id}/rotate-secret`, {}),
    await ask('PUT', `/accounts/${userId}`, { role: 'admin', disabled: false }),
  ]) {
    t.match(answer.json(), { status: 403, detail: /outlast your credential/ })
  }
  t.match((await app.inject({ url: `/accounts/${userId}`, headers: admin })).json(), { role: 'member' })
  t.equal((await app.inject({ url: '/oauth-clients', headers: { 'x-api-key': key } })).statusCode, 200, 'it reads')
})

test('the secret that a rotation replaced manages no clients and no accounts', async (t) => {
  const server = await openServer(t)
  const { app, admin } = server
  const client = await server.client(machine)
  const old = await makeKey(app, admin['x-api-key'], ['admin'])
  await app.inject({ method: 'POST', url: `/keys/${old.id}/rotate`, headers: admin, payload: {} })
  const headers = { 'x-api-key': old.key }
  t.equal((await app.inject({ url: '/oauth-clients', headers })).statusCode, 200, 'it is still good')
  const made = await app.inject({ method: 'POST', url: '/oauth-clients', headers, payload: machine })
  t.match(made.json(), { status: 403, detail: /was replaced/ })
  const removed = await app.inject({ method: 'DELETE', url: `/oauth-clients/${client.id}`, headers })
  t.match(removed.json(), { status: 403, detail: /was replaced/ })
})

test('an application makes, changes and revokes no key, whatever scopes it was given', async (t) => {
  const server = await openServer(t)
  const client = await server.client({ ...machine, scopes: ['admin'] })
  const { body } = await server.send('/oauth/token', client, { grant_type: 'client_credentials', scope: 'admin' })
  const headers = { authorization: `Bearer ${body.access_token}` }
  const { app, admin } = server
  const { id } = await makeKey(app, admin['x-api-key'], ['users:read'])
  const ask = (method: 'POST' | 'PATCH' | 'PUT' | 'DELETE', url: string, payload: object) =>
    app.inject({ method, url, headers, payload })
  const userId = await server.join(fatima)
  for (const answer of [
    await ask('POST', '/keys', { name: 'lasting', scopes: ['users:read'] }),
    await ask('POST', `/keys/${id}/rotate`, {}),
    await ask('PATCH', `/keys/${id}`, { name: 'mine' }),
    await ask('POST', '/oauth-clients', reports),
    await ask('PUT', `/accounts/${userId}`, { role: 'admin', disabled: false }),
    await app.inject({ method: 'DELETE', url: `/keys/${id}`, headers }),
  ]) {
    t.match(answer.json(), { status: 403, detail: /no application can call it/ })
  }
  t.equal((await app.inject({ url: '/keys', headers })).statusCode, 200, 'it reads them')
})

test('an administrator’s address is changed by no credential that expires', async (t) => {
  const server = await openServer(t)
  const { app, admin } = server
  const userId = await server.join(hassan)
  const promote = { method: 'PUT', url: `/accounts/${userId}`, headers: admin } as const
  t.equal((await app.inject({ ...promote, payload: { role: 'admin', disabled: false } })).statusCode, 200)
  const { key } = await makeKey(app, admin['x-api-key'], ['admin'], { expiresAt: tomorrow() })
  const change = {
    method: 'PUT',
    url: `/users/${userId}`,
    payload: { name: 'Hassan', email: 'other@example.com' },
  } as const
  t.match((await app.inject({ ...change, headers: { 'x-api-key': key } })).json(), { status: 403 })
  t.equal((await app.inject({ ...change, headers: admin })).statusCode, 200)
})
