import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { test } from 'tap'
import { build } from '../helper.ts'
import { adminKeyOf, type Made, makeKey } from '../keys.ts'

const closed = {
  NODE_ENV: 'production',
  SECRET: 'a secret of more than 32 characters',
  PUBLIC_URL: 'https://api.example.com',
  ANONYMOUS_SCOPES: '',
}

const ask = (
  app: FastifyInstance,
  key: string,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  url: string,
  payload?: object,
) => app.inject({ method, url, headers: { 'x-api-key': key }, ...(payload && { payload }) })

const statusOf = async (app: FastifyInstance, key: string, url = '/users') =>
  (await ask(app, key, 'GET', url)).statusCode

test('the first start makes an admin key, in a file that only its user reads; the next makes none', async (t) => {
  const { app, folder, logs } = await build(t, closed)
  const key = adminKeyOf(folder)
  t.match(key, /^spt_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$/)
  t.equal(statSync(join(folder, 'admin-key')).mode & 0o777, 0o600)
  t.equal(app.apiKeys.first, key)
  t.equal(await statusOf(app, key), 200)
  t.notMatch(JSON.stringify(logs()), key, 'it is not in the log')
  await app.close()
  const again = await build(t, { ...closed, DATA_DIR: folder })
  t.equal(again.app.apiKeys.first, undefined)
  t.equal(adminKeyOf(folder), key)
  t.equal(await statusOf(again.app, key), 200)
})

test('a key opens what its scopes say, as X-API-Key and as Bearer, and names what is missing', async (t) => {
  const { app, folder } = await build(t, closed)
  const { key } = await makeKey(app, adminKeyOf(folder), ['users:read'])
  t.equal(await statusOf(app, key), 200)
  const bearer = await app.inject({ url: '/users', headers: { authorization: `Bearer ${key}` } })
  t.equal(bearer.statusCode, 200)
  const refused = await ask(app, key, 'DELETE', '/users/1')
  t.match(refused.json(), { status: 403, code: 'forbidden', detail: 'The credential lacks the scope users:write' })
  t.equal(refused.headers['www-authenticate'], 'Bearer realm="septet", error="insufficient_scope", scope="users:write"')
})

test('a key is shown once, and only a MAC of it is stored', async (t) => {
  const { app, folder } = await build(t, closed)
  const admin = adminKeyOf(folder)
  const answer = await ask(app, admin, 'POST', '/keys', { name: 'import', scopes: ['users:read'] })
  t.equal(answer.headers['cache-control'], 'no-store')
  const { key, ...shown } = answer.json<Made>()
  t.match(shown, { name: 'import', scopes: ['users:read'], createdBy: /^api-key:/, expiresAt: null, revokedAt: null })
  t.same((await ask(app, admin, 'GET', `/keys/${shown.id}`)).json(), shown)
  await app.close()
  const stored = readFileSync(join(folder, 'septet.sqlite'), 'latin1')
  t.ok(stored.includes(shown.id), 'the file holds the id')
  t.notOk(stored.includes(key.slice(-38)), 'and not the secret')
})

test('a key with a typing error is refused without a look at the storage', async (t) => {
  const { app, folder } = await build(t, closed)
  const key = adminKeyOf(folder)
  const last = key.at(-1) === 'A' ? 'B' : 'A'
  const typo = key.slice(0, -1) + last
  t.match((await ask(app, typo, 'GET', '/users')).json(), { status: 401, detail: 'The API key has a typing error' })
})

test('unknown, revoked and expired keys get one and the same answer', async (t) => {
  const { app, folder } = await build(t, closed)
  const admin = adminKeyOf(folder)
  const revoked = await makeKey(app, admin, ['users:read'])
  t.equal((await ask(app, admin, 'DELETE', `/keys/${revoked.id}`)).statusCode, 204)
  t.equal((await ask(app, admin, 'DELETE', `/keys/${revoked.id}`)).statusCode, 204, 'twice is as once')
  const expiresAt = new Date(Date.now() + 300).toISOString()
  const expired = await makeKey(app, admin, ['users:read'], { expiresAt })
  t.equal(await statusOf(app, expired.key), 200, 'before it expires')
  const other = await build(t, closed)
  const unknown = adminKeyOf(other.folder)
  await new Promise((resolve) => setTimeout(resolve, 1300))
  for (const key of [unknown, revoked.key, expired.key]) {
    const { requestId, ...problem } = (await ask(app, key, 'GET', '/users')).json()
    t.ok(requestId)
    t.same(problem, {
      type: 'urn:septet:problem:unauthenticated',
      title: 'Unauthenticated',
      status: 401,
      detail: 'The API key is not valid',
      code: 'unauthenticated',
    })
  }
})

test('a rotation keeps the replaced secret for its overlap, and no longer', async (t) => {
  const { app, folder } = await build(t, closed)
  const admin = adminKeyOf(folder)
  const first = await makeKey(app, admin, ['users:read'])
  const rotate = async (overlap: number) =>
    (await ask(app, admin, 'POST', `/keys/${first.id}/rotate`, { overlap })).json<Made>()
  const second = await rotate(60)
  t.equal(second.id, first.id)
  t.same([await statusOf(app, first.key), await statusOf(app, second.key)], [200, 200])
  const third = await rotate(0)
  t.same(
    [await statusOf(app, first.key), await statusOf(app, second.key), await statusOf(app, third.key)],
    [401, 401, 200],
  )
})

test('of two rotations at once one wins, and its key is good', async (t) => {
  const { app, folder } = await build(t, closed)
  const admin = adminKeyOf(folder)
  const { id } = await makeKey(app, admin, ['users:read'])
  const answers = await Promise.all([1, 2].map(() => ask(app, admin, 'POST', `/keys/${id}/rotate`, { overlap: 0 })))
  t.same(answers.map(({ statusCode }) => statusCode).sort(), [200, 409])
  const winner = answers.find(({ statusCode }) => statusCode === 200)
  t.equal(await statusOf(app, winner?.json<Made>().key ?? ''), 200)
})

test('nobody gives scopes that they do not hold, by creating or by rotating', async (t) => {
  const { app, folder } = await build(t, closed)
  const admin = adminKeyOf(folder)
  const narrow = await makeKey(app, admin, ['keys:read', 'keys:write', 'users:read'])
  const wide = await ask(app, narrow.key, 'POST', '/keys', { name: 'wide', scopes: ['users:read', 'users:write'] })
  t.match(wide.json(), { status: 403, detail: /do not hold: users:write/ })
  t.equal((await ask(app, narrow.key, 'POST', '/keys', { name: 'wide', scopes: ['admin'] })).statusCode, 403)
  const child = await makeKey(app, narrow.key, ['users:read'])
  t.equal(child.createdBy, `api-key:${narrow.id}`)
  const unknown = await ask(app, admin, 'POST', '/keys', { name: 'x', scopes: ['users:read', 'users:fly'] })
  t.match(unknown.json(), { status: 400, errors: [{ in: 'body', pointer: '/scopes/1' }] })
  const past = await ask(app, admin, 'POST', '/keys', {
    name: 'x',
    scopes: ['admin'],
    expiresAt: '2020-01-01T00:00:00Z',
  })
  t.match(past.json(), { status: 400, errors: [{ in: 'body', pointer: '/expiresAt' }] })
})

test('a key sees the keys that it made, and others are not found', async (t) => {
  const { app, folder } = await build(t, closed)
  const admin = adminKeyOf(folder)
  const one = await makeKey(app, admin, ['keys:read', 'keys:write', 'users:read'])
  const other = await makeKey(app, admin, ['keys:read', 'keys:write', 'users:read'])
  const child = await makeKey(app, one.key, ['users:read'])
  const idsOf = async (key: string) => (await ask(app, key, 'GET', '/keys')).json<Made[]>().map(({ id }) => id)
  t.same(await idsOf(one.key), [child.id])
  t.same(await idsOf(other.key), [])
  t.equal((await idsOf(admin)).length, 4)
  for (const [method, url, body] of [
    ['GET', `/keys/${child.id}`],
    ['PATCH', `/keys/${child.id}`, { name: 'mine' }],
    ['POST', `/keys/${child.id}/rotate`, {}],
    ['DELETE', `/keys/${child.id}`],
  ] as const) {
    t.equal((await ask(app, other.key, method, url, body)).statusCode, 404, `${method} ${url}`)
  }
  t.equal((await ask(app, one.key, 'PATCH', `/keys/${child.id}`, { name: 'mine' })).json().name, 'mine')
})

test('lists of keys are paged', async (t) => {
  const { app, folder } = await build(t, closed)
  const admin = adminKeyOf(folder)
  for (let count = 0; count < 4; count += 1) await makeKey(app, admin, ['users:read'])
  const seen: string[] = []
  for (let url: string | undefined = '/keys?limit=2'; url; ) {
    const answer = await ask(app, admin, 'GET', url)
    seen.push(...answer.json<Made[]>().map(({ id }) => id))
    url = /<([^>]+)>/.exec(String(answer.headers.link ?? ''))?.[1]
  }
  t.equal(new Set(seen).size, 5)
  t.equal(seen.length, 5)
})

test('the last use of a key is told, a little late', async (t) => {
  const { app, folder } = await build(t, closed)
  const admin = adminKeyOf(folder)
  const { id, key, lastUsedAt } = await makeKey(app, admin, ['users:read'])
  t.equal(lastUsedAt, null)
  const before = new Date().toISOString()
  await statusOf(app, key)
  await app.apiKeys.writeUses()
  const used = (await ask(app, admin, 'GET', `/keys/${id}`)).json<Made>().lastUsedAt
  t.ok(String(used) >= before && String(used) <= new Date().toISOString(), String(used))
})

test('a key revoked by another process is refused within a second', async (t) => {
  const one = await build(t, closed)
  const admin = adminKeyOf(one.folder)
  const other = await build(t, { ...closed, DATA_DIR: one.folder })
  const { id, key } = await makeKey(one.app, admin, ['users:read'])
  t.equal(await statusOf(other.app, key), 200)
  await ask(one.app, admin, 'DELETE', `/keys/${id}`)
  t.equal(await statusOf(one.app, key), 401, 'at once where it was revoked')
  await new Promise((resolve) => setTimeout(resolve, 1000))
  t.equal(await statusOf(other.app, key), 401, 'elsewhere after a second')
})

test('a secret that SECRET replaced still opens keys, and one that is gone does not', async (t) => {
  const { app, folder } = await build(t, closed)
  const admin = adminKeyOf(folder)
  await app.close()
  const next = 'the next secret of more than 32 characters'
  const both = await build(t, { ...closed, DATA_DIR: folder, SECRET: `${next}, ${closed.SECRET}` })
  t.equal(await statusOf(both.app, admin), 200)
  const { key } = await makeKey(both.app, admin, ['users:read'])
  await both.app.close()
  const { app: last } = await build(t, { ...closed, DATA_DIR: folder, SECRET: next })
  t.same([await statusOf(last, admin), await statusOf(last, key)], [401, 200])
})

test('changes of keys are in the audit trail, with principal, address and request id, and without secrets', async (t) => {
  const { app, folder } = await build(t, closed)
  const admin = adminKeyOf(folder)
  const { id, key } = await makeKey(app, admin, ['users:read'])
  await ask(app, admin, 'PATCH', `/keys/${id}`, { name: 'renamed' })
  const rotated = (await ask(app, admin, 'POST', `/keys/${id}/rotate`, {})).json<Made>()
  await app.inject({ method: 'DELETE', url: `/keys/${id}`, headers: { 'x-api-key': admin, 'x-request-id': 'the-one' } })
  const trail = await ask(app, admin, 'GET', `/audit-events?target=api-key:${id}`)
  t.match(trail.json(), [
    { type: 'key.revoked', outcome: 'success', principal: /^api-key:/, address: '127.0.0.1', requestId: 'the-one' },
    { type: 'key.rotated' },
    { type: 'key.renamed' },
    { type: 'key.created', detail: 'scopes: users:read' },
  ])
  t.notMatch(trail.body, key.slice(17, 40))
  t.notMatch(trail.body, rotated.key.slice(17, 40))
  const filtered = await ask(app, admin, 'GET', '/audit-events?type=key.r&limit=1')
  t.match(filtered.json(), [{ type: 'key.revoked' }])
  t.match(filtered.headers.link, /rel="next"/)
  t.equal((await ask(app, (await makeKey(app, admin, ['users:read'])).key, 'GET', '/audit-events')).statusCode, 403)
})

test('audit events are kept for AUDIT_DAYS', async (t) => {
  const { app, folder } = await build(t, closed)
  const admin = adminKeyOf(folder)
  t.equal((await ask(app, admin, 'GET', '/audit-events')).json<unknown[]>().length, 1)
  await app.audit.forgetAfter(60_000)
  t.equal((await ask(app, admin, 'GET', '/audit-events')).json<unknown[]>().length, 1, 'younger ones stay')
  await app.audit.forgetAfter(-1000)
  t.equal((await ask(app, admin, 'GET', '/audit-events')).json<unknown[]>().length, 0)
})
