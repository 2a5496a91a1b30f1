import type { FastifyInstance } from 'fastify'
import t, { type Test, test } from 'tap'
import type { Principal } from '../../src/contract/principal.ts'
import { build } from '../helper.ts'
import { type Made, makeKey } from '../keys.ts'
import { startPostgres } from '../storage/postgres-server.ts'

const postgres = await startPostgres(t)
const origin = { id: 'request-1', ip: '192.0.2.1', headers: {} }
const userOf = (userId: number): Principal => ({
  kind: 'user',
  id: `user:${userId}`,
  userId,
  scopes: new Set(['keys:read', 'keys:write', 'users:read', 'events:read']),
})

interface Told {
  id: string
  type: string
  subject: string
  data: Record<string, unknown>
}

/** The events of keys that a principal sees. */
async function seenBy(app: FastifyInstance, principal: Principal): Promise<Told[]> {
  while (await app.events.log.order()) {}
  const { items } = await app.events.page<Told>(principal, { types: ['key.*'], limit: 100 })
  return JSON.parse(JSON.stringify(items)) as Told[]
}

const engines: [string, () => Promise<Record<string, string>>][] = [
  ['SQLite', async () => ({})],
  ['PostgreSQL', async () => ({ DATABASE_URL: await postgres.database() })],
]

for (const [name, settingsOf] of engines) {
  const open = async (t: Test) => (await build(t, await settingsOf())).app

  test(`${name}: each change of a key is told as getKey shows it, without a secret`, async (t) => {
    const app = await open(t)
    const admin = app.apiKeys.first ?? ''
    const headers = { 'x-api-key': admin }
    const made = await makeKey(app, admin, ['users:read', 'events:read'], { name: 'a "key" }' })
    const url = `/keys/${made.id}`
    const shown = async () => (await app.inject({ url, headers })).json<Record<string, unknown>>()
    const states = [await shown()]
    await app.inject({ method: 'PATCH', url, headers, payload: { name: 'another' } })
    states.push(await shown())
    const { key } = (await app.inject({ method: 'POST', url: `${url}/rotate`, headers, payload: {} })).json<Made>()
    states.push(await shown())
    await app.inject({ method: 'DELETE', url, headers })
    await app.inject({ method: 'DELETE', url, headers })
    states.push(await shown())
    while (await app.events.log.order()) {}
    const answer = await app.inject({ url: '/events?types=key.*', headers })
    const told = answer.json<Told[]>()
    t.same(
      told.map(({ type, subject }) => [type, subject]),
      ['key.created', 'key.renamed', 'key.rotated', 'key.revoked'].map((type) => [type, url]),
    )
    t.same(
      told.map(({ data }) => data),
      states,
    )
    for (const secret of [made.key, key, 'mac']) t.notMatch(answer.body, secret)
  })

  test(`${name}: of a user's keys it hears itself, of those of nobody administrators alone`, async (t) => {
    const app = await open(t)
    const own = await app.apiKeys.create({ name: 'of one', scopes: ['users:read'] }, userOf(1), origin)
    await app.apiKeys.create({ name: 'of two', scopes: ['users:read'] }, userOf(2), origin)
    await makeKey(app, app.apiKeys.first ?? '', ['users:read'])
    const subjects = async (principal: Principal) => (await seenBy(app, principal)).map(({ subject }) => subject)
    t.same(await subjects(userOf(1)), [`/keys/${own.id}`])
    t.equal((await subjects({ ...userOf(9), scopes: new Set(['admin']) })).length, 3)
    t.same(await subjects({ ...userOf(1), userId: undefined }), [])
    t.same(await subjects({ ...userOf(1), userId: 0 }), await subjects({ ...userOf(9), userId: 0 }))
    await t.rejects(seenBy(app, { ...userOf(1), scopes: new Set(['events:read']) }), { code: 'forbidden' })
  })

  test(`${name}: where all keys of a user are revoked, each is told, and no other`, async (t) => {
    const app = await open(t)
    const make = (userId: number) =>
      app.apiKeys.create({ name: 'a key', scopes: ['users:read'] }, userOf(userId), origin)
    const [one, two, gone] = [await make(1), await make(1), await make(1)]
    await make(2)
    await app.apiKeys.revoke(gone.id, userOf(1), origin)
    await app.storage.engine.write(app.apiKeys.revocation(1))
    const told = (await seenBy(app, userOf(1))).filter(({ type }) => type === 'key.revoked')
    t.same(told.map(({ subject }) => subject).sort(), [gone, one, two].map(({ id }) => `/keys/${id}`).sort())
    t.equal(new Set(told.map(({ id }) => id)).size, 3)
    t.ok(told.every(({ data }) => typeof data.revokedAt === 'string'))
  })

  test(`${name}: the keys of a user who is deleted are told as revoked, and those of one who is not deleted are not`, async (t) => {
    const app = await open(t)
    const headers = { 'x-api-key': app.apiKeys.first ?? '' }
    const own = await app.apiKeys.create({ name: 'a key', scopes: ['users:read'] }, userOf(1), origin)
    const remove = (more: object = {}) =>
      app.inject({ method: 'DELETE', url: '/users/1', headers: { ...headers, ...more } })
    const revoked = async () => (await seenBy(app, userOf(1))).filter(({ type }) => type === 'key.revoked')
    t.equal((await remove({ 'if-match': '"99"' })).statusCode, 412)
    t.same(await revoked(), [])
    t.equal((await remove()).statusCode, 204)
    t.match(await revoked(), [{ subject: `/keys/${own.id}`, data: { name: 'a key', revokedAt: /T/ } }])
  })
}
