import type { FastifyInstance } from 'fastify'
import t, { type Test, test } from 'tap'
import { build } from '../helper.ts'
import { type Made, makeKey } from '../keys.ts'
import { startPostgres } from '../storage/postgres-server.ts'
import { raw } from '../storage/setup.ts'
import { fatima, openAccounts } from './account-setup.ts'

const managing = ['keys:read', 'keys:write', 'users:read']
const postgres = await startPostgres(t)

const ask = (app: FastifyInstance, key: string, method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object) =>
  app.inject({ method, url, headers: { 'x-api-key': key }, ...(payload && { payload }) })
const create = (app: FastifyInstance, by: string, more: object = {}) =>
  ask(app, by, 'POST', '/keys', { name: 'a key', scopes: ['users:read'], ...more })
const later = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()

const engines: [string, () => Promise<Record<string, string>>][] = [
  ['SQLite', async () => ({})],
  ['PostgreSQL', async () => ({ DATABASE_URL: await postgres.database() })],
]

for (const [name, settingsOf] of engines) {
  const open = async (t: Test) => {
    const { app } = await build(t, await settingsOf())
    return { app, admin: app.apiKeys.first ?? '' }
  }

  test(`${name}: the secret that a rotation replaced opens what it did, and manages no keys`, async (t) => {
    const { app, admin } = await open(t)
    const old = await makeKey(app, admin, managing)
    const child = await makeKey(app, old.key, ['users:read'])
    const { key } = (await ask(app, admin, 'POST', `/keys/${old.id}/rotate`, {})).json<Made>()
    t.equal((await ask(app, old.key, 'GET', '/users')).statusCode, 200)
    t.equal((await ask(app, old.key, 'GET', `/keys/${child.id}`)).statusCode, 200)
    const managed = (by: string) => [
      () => create(app, by),
      () => ask(app, by, 'POST', `/keys/${child.id}/rotate`, {}),
      () => ask(app, by, 'DELETE', `/keys/${child.id}`),
    ]
    for (const refused of managed(old.key)) {
      t.match((await refused()).json(), { code: 'forbidden', detail: /The secret of this key was replaced/ })
    }
    for (const allowed of managed(key)) t.match((await allowed()).statusCode, /20[014]/)
  })

  test(`${name}: a key that expires makes none that lasts longer, and rotates none that does`, async (t) => {
    const { app, admin } = await open(t)
    const expiresAt = later(7)
    const brief = await makeKey(app, admin, managing, { expiresAt })
    t.equal((await makeKey(app, brief.key, ['users:read'])).expiresAt, expiresAt)
    t.equal(
      (await makeKey(app, brief.key, ['users:read'], { expiresAt: later(6) })).expiresAt?.slice(0, 10),
      later(6).slice(0, 10),
    )
    const longer = await create(app, brief.key, { expiresAt: later(8) })
    t.match(longer.json(), { code: 'validation-failed', errors: [{ in: 'body', pointer: '/expiresAt' }] })
    const chief = await makeKey(app, admin, ['admin'], { expiresAt })
    const lasting = await makeKey(app, admin, ['users:read'])
    const rotated = await ask(app, chief.key, 'POST', `/keys/${lasting.id}/rotate`, {})
    t.match(rotated.json(), { code: 'forbidden', detail: 'The key is good for longer than yours' })
    t.equal((await ask(app, chief.key, 'POST', `/keys/${brief.id}/rotate`, {})).statusCode, 200)
  })

  test(`${name}: a key has at most a hundred keys that are not revoked; admin any number`, async (t) => {
    const { app, admin } = await open(t)
    const maker = await makeKey(app, admin, managing)
    const other = await makeKey(app, admin, managing)
    for (let count = 0; count < 99; count += 1) await makeKey(app, maker.key, ['users:read'])
    const last = await makeKey(app, maker.key, ['users:read'])
    const refused = await create(app, maker.key)
    t.match(refused.json(), { code: 'conflict', detail: /There are 100 keys that are not revoked/ })
    t.equal((await create(app, other.key)).statusCode, 201)
    t.equal((await create(app, admin)).statusCode, 201)
    await ask(app, maker.key, 'DELETE', `/keys/${last.id}`)
    t.equal((await create(app, maker.key)).statusCode, 201)
  })

  test(`${name}: of two who revoke at once both are told that it is revoked, and it is told once`, async (t) => {
    const { app, admin } = await open(t)
    const { id, key } = await makeKey(app, admin, ['users:read'])
    t.equal((await ask(app, key, 'GET', '/users')).statusCode, 200)
    const answers = await Promise.all([1, 2, 3].map(() => ask(app, admin, 'DELETE', `/keys/${id}`)))
    t.same(new Set(answers.map(({ statusCode }) => statusCode)), new Set([204]))
    t.equal((await ask(app, key, 'GET', '/users')).statusCode, 401)
    const trail = await ask(app, admin, 'GET', '/audit-events?type=key.revoked')
    t.equal(trail.json<unknown[]>().length, 1)
  })

  test(`${name}: keys that a revoked key made go on, and are found by who made them`, async (t) => {
    const { app, admin } = await open(t)
    const maker = await makeKey(app, admin, managing)
    const child = await makeKey(app, maker.key, ['users:read'])
    await ask(app, admin, 'DELETE', `/keys/${maker.id}`)
    t.equal((await ask(app, child.key, 'GET', '/users')).statusCode, 200)
    const made = await ask(app, admin, 'GET', `/keys?createdBy=api-key:${maker.id}`)
    t.match(made.json(), [{ id: child.id }])
    t.equal(made.json<unknown[]>().length, 1)
  })

  test(`${name}: the last use never goes back, and is written later where it could not be`, async (t) => {
    const { app, admin } = await open(t)
    const [one, other] = [await makeKey(app, admin, ['users:read']), await makeKey(app, admin, ['users:read'])]
    const { engine } = app.storage
    const lastUse = async ({ id }: Made) => (await ask(app, admin, 'GET', `/keys/${id}`)).json<Made>().lastUsedAt
    for (const { key } of [one, other]) await ask(app, key, 'GET', '/users')
    await engine.write([
      [raw(`update api_keys set last_used_at = '2999-01-01T00:00:00.000Z' where id = '${one.id}'`), {}],
    ])
    await engine.write([[raw('alter table api_keys rename column last_used_at to missing'), {}]])
    await t.rejects(app.apiKeys.writeUses())
    await engine.write([[raw('alter table api_keys rename column missing to last_used_at'), {}]])
    await app.apiKeys.writeUses()
    t.equal(await lastUse(one), '2999-01-01T00:00:00.000Z')
    t.match(await lastUse(other), /Z$/)
  })

  test(`${name}: a user’s keys end with a reset of the password, and with nothing less`, async (t) => {
    const { app, join, enter, post, token, admin } = await openAccounts(t, await settingsOf())
    const userId = await join()
    const made = await post('/keys', { name: 'mine', scopes: ['users:read'] }, await enter())
    const { key } = made.json<Made>()
    const status = async () => (await ask(app, key, 'GET', '/users')).statusCode
    t.equal(await status(), 200)
    const toAdmin = { role: 'admin', disabled: false }
    await app.inject({ method: 'PUT', url: `/accounts/${userId}`, headers: admin, payload: toAdmin })
    t.equal(await status(), 200, 'a change of role narrows it by itself')
    const other = await makeKey(app, admin['x-api-key'], ['users:read'])
    await post('/auth/request-password-reset', { email: fatima.email })
    await post('/auth/reset-password', { token: await token('reset-password'), password: 'a red tram at midnight' })
    t.equal(await status(), 401)
    t.equal((await ask(app, other.key, 'GET', '/users')).statusCode, 200)
    const listed = await ask(app, admin['x-api-key'], 'GET', `/keys?createdBy=user:${userId}`)
    t.match(listed.json(), [{ revokedAt: /Z$/ }])
  })
}
