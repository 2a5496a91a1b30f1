import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LightMyRequestResponse } from 'fastify'
import { test } from 'tap'
import type { NewOAuthClient, OAuthClient } from '../../src/auth/oauth/clients.ts'
import { callback, machine, openServer, reports } from '../auth/oauth-setup.ts'
import { makeKey } from '../keys.ts'

const form = { grant_type: 'client_credentials', scope: 'users:read' }

test('a client is shown with its secret once, of which only a MAC is stored', async (t) => {
  const { app, admin, folder } = await openServer(t)
  const answer = await app.inject({ method: 'POST', url: '/oauth-clients', headers: admin, payload: reports })
  t.equal(answer.statusCode, 201)
  t.equal(answer.headers['cache-control'], 'no-store')
  const { clientSecret = '', ...shown } = answer.json<NewOAuthClient>()
  t.match(clientSecret, /^sptc_[\w-]{43}$/)
  t.match(shown, { id: /^[0-9a-f]{16}$/, ...reports, createdBy: /^api-key:/, previousUntil: null })
  t.same((await app.inject({ url: `/oauth-clients/${shown.id}`, headers: admin })).json(), shown)
  t.same((await app.inject({ url: '/oauth-clients', headers: admin })).json(), [shown])
  await app.close()
  const stored = readFileSync(join(folder, 'septet.sqlite'), 'latin1')
  t.ok(stored.includes(shown.id))
  t.notOk(stored.includes(clientSecret.slice(5)))
})

test('clients are for administrators', async (t) => {
  const { app, client } = await openServer(t)
  const { id } = await client(machine)
  const { key } = await makeKey(app, app.apiKeys.first ?? '', ['users:read', 'keys:write'])
  for (const [method, url, payload] of [
    ['GET', '/oauth-clients'],
    ['POST', '/oauth-clients', machine],
    ['GET', `/oauth-clients/${id}`],
    ['POST', `/oauth-clients/${id}/rotate-secret`, {}],
    ['DELETE', `/oauth-clients/${id}`],
  ] as const) {
    const send = (headers: Record<string, string>) => app.inject({ method, url, headers, ...(payload && { payload }) })
    t.equal((await send({})).statusCode, 401, `${method} ${url}`)
    t.equal((await send({ 'x-api-key': key })).statusCode, 403, `${method} ${url}`)
  }
})

test('a client that would be unsafe is not made', async (t) => {
  const { app, admin } = await openServer(t)
  const pointerOf = async (change: object) => {
    const payload = { ...reports, ...change }
    const answer = await app.inject({ method: 'POST', url: '/oauth-clients', headers: admin, payload })
    t.equal(answer.statusCode, 400, JSON.stringify(change))
    return answer.json<{ errors: { pointer: string }[] }>().errors[0]?.pointer
  }
  t.equal(
    await pointerOf({ clientType: 'public', grantTypes: ['client_credentials', 'authorization_code'] }),
    '/grantTypes',
  )
  t.equal(await pointerOf({ grantTypes: ['refresh_token'], redirectUris: [] }), '/grantTypes')
  t.equal(await pointerOf({ grantTypes: ['password'] }), '/grantTypes/0')
  t.equal(await pointerOf({ grantTypes: ['implicit'] }), '/grantTypes/0')
  t.equal(await pointerOf({ redirectUris: [] }), '/redirectUris')
  t.equal(await pointerOf({ grantTypes: ['client_credentials'] }), '/redirectUris')
  t.equal(await pointerOf({ scopes: ['users:fly'] }), '/scopes/0')
  t.equal(await pointerOf({ scopes: [] }), '/scopes')
  for (const uri of [
    '/callback',
    'http://reports.example.com/callback',
    `${callback}#fragment`,
    `${callback}#`,
    'https://*.example.com/callback',
    'https://reports;sandbox.example.com/callback',
    'https://reports,example.com/callback',
    'https://user@example.com/callback',
    'https://example.com\\@evil.example/',
    ' https://example.com/',
    'com.example.app:/callback',
    'javascript:alert(1)',
  ]) {
    t.equal(await pointerOf({ redirectUris: [callback, uri] }), '/redirectUris/1', uri)
  }
  for (const uri of ['javascript:alert(1)', 'data:text/html,x', 'myapp:/callback', 'http://192.0.2.1/callback']) {
    t.equal(await pointerOf({ clientType: 'public', redirectUris: [uri] }), '/redirectUris/0', uri)
  }
})

test('a rotation keeps the replaced secret for its overlap, and no longer', async (t) => {
  const server = await openServer(t)
  const first = await server.client(machine)
  const rotate = async (overlap: number) =>
    (
      await server.app.inject({
        method: 'POST',
        url: `/oauth-clients/${first.id}/rotate-secret`,
        headers: server.admin,
        payload: { overlap },
      })
    ).json<NewOAuthClient>()
  const status = async (client: NewOAuthClient) => (await server.send('/oauth/token', client, form)).status
  const second = await rotate(60)
  t.not(second.clientSecret, first.clientSecret)
  t.same([await status(first), await status(second)], [200, 200])
  const third = await rotate(0)
  t.same([await status(first), await status(second), await status(third)], [401, 401, 200])
  const pub = await server.client({ ...reports, clientType: 'public' })
  const url = `/oauth-clients/${pub.id}/rotate-secret`
  const none = await server.app.inject({ method: 'POST', url, headers: server.admin, payload: {} })
  t.equal(none.statusCode, 409)
})

test('a deleted client gets nothing, and what it got is good for nothing', async (t) => {
  const server = await openServer(t)
  const client = await server.client(machine)
  const token = String((await server.send('/oauth/token', client, form)).body.access_token)
  t.equal(await server.status(token), 200)
  const remove = { method: 'DELETE', url: `/oauth-clients/${client.id}`, headers: server.admin } as const
  t.equal((await server.app.inject(remove)).statusCode, 204)
  t.equal((await server.app.inject(remove)).statusCode, 404)
  t.equal(await server.status(token), 401)
  t.match((await server.send('/oauth/token', client, form)).body, { error: 'invalid_client' })
  t.same(await server.rows('select model from oauth_payloads'), [])
})

test('lists of clients are paged', async (t) => {
  const { app, admin, client } = await openServer(t)
  const made: string[] = []
  for (let count = 0; count < 5; count += 1) made.push((await client(machine)).id)
  const seen: string[] = []
  for (let url: string | undefined = '/oauth-clients?limit=2'; url; ) {
    const answer: LightMyRequestResponse = await app.inject({ url, headers: admin })
    seen.push(...answer.json<OAuthClient[]>().map(({ id }) => id))
    url = /<([^>]+)>/.exec(String(answer.headers.link ?? ''))?.[1]
  }
  t.same(seen, made.toSorted())
})

test('the clients of an administrator who has left are found, and one on a device has no https://localhost', async (t) => {
  const server = await openServer(t)
  const { app, admin } = server
  await server.client(machine)
  const { id, key } = await makeKey(app, admin['x-api-key'], ['admin'])
  const headers = { 'x-api-key': key }
  const made = await app.inject({ method: 'POST', url: '/oauth-clients', headers, payload: machine })
  await app.inject({ method: 'DELETE', url: `/keys/${id}`, headers: admin })
  const found = await app.inject({ url: `/oauth-clients?createdBy=api-key:${id}`, headers: admin })
  t.match(found.json(), [{ id: made.json().id, createdBy: `api-key:${id}` }])
  t.equal(found.json().length, 1)
  const payload = { ...reports, clientType: 'public', redirectUris: ['com.example.app:/x', 'https://localhost/x'] }
  t.match((await app.inject({ method: 'POST', url: '/oauth-clients', headers: admin, payload })).json(), {
    errors: [{ pointer: '/redirectUris/1' }],
  })
})

test('changes of clients are in the audit trail, without secrets', async (t) => {
  const { app, admin, client } = await openServer(t)
  const { id, clientSecret = '' } = await client(machine)
  await app.inject({ method: 'POST', url: `/oauth-clients/${id}/rotate-secret`, headers: admin, payload: {} })
  await app.inject({ method: 'DELETE', url: `/oauth-clients/${id}`, headers: admin })
  const trail = await app.inject({ url: `/audit-events?target=client:${id}`, headers: admin })
  t.match(trail.json(), [
    { type: 'oauth-client.deleted', principal: /^api-key:/, address: '127.0.0.1' },
    { type: 'oauth-client.secret-rotated' },
    { type: 'oauth-client.created', detail: 'scopes: users:read users:write' },
  ])
  t.notMatch(trail.body, clientSecret.slice(5))
})
