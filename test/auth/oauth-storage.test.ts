import { createHash } from 'node:crypto'
import * as openid from 'openid-client'
import t, { type Test, test } from 'tap'
import { Payloads } from '../../src/auth/oauth/payloads.ts'
import { UnexpectedRows } from '../../src/storage/storage.ts'
import { build } from '../helper.ts'
import { startPostgres } from '../storage/postgres-server.ts'
import { raw } from '../storage/setup.ts'
import { allow, authorizationOf, Browser, errorOf, fatima, machine, openServer, reports } from './oauth-setup.ts'

const postgres = await startPostgres(t)

const begin = (payloads: Payloads, id: string) =>
  payloads.savingGrant({ isNew: true, before: [], after: [] }, async () => {
    await payloads.saveGrant(id, {}, 60)
    return id
  })

const engines: [string, (t: Test) => Promise<Record<string, string>>][] = [
  ['SQLite', async () => ({})],
  ['PostgreSQL', async () => ({ DATABASE_URL: await postgres.database() })],
]

for (const [name, settingsOf] of engines) {
  const open = async (t: Test) => {
    const { app } = await build(t, await settingsOf(t))
    const { engine } = app.storage
    const payloads = new Payloads(engine, app.secrets)
    const rows = async (sql: string) => engine.all(raw(sql), {})
    return { app, engine, payloads, rows }
  }

  test(`${name}: what is kept is found by its id and model, and its id is nowhere`, async (t) => {
    const { payloads, rows } = await open(t)
    await payloads.upsert('AccessToken', 'the-token', { jti: 'the-token', scope: 'users:read', accountId: '1' }, 60)
    t.same(await payloads.find('AccessToken', 'the-token'), { jti: 'the-token', scope: 'users:read', accountId: '1' })
    t.equal(await payloads.find('RefreshToken', 'the-token'), undefined)
    t.equal(await payloads.find('AccessToken', 'another'), undefined)
    await payloads.upsert('AccessToken', 'the-token', { jti: 'the-token', scope: 'keys:read' }, 60)
    t.match(await payloads.access('the-token'), { scope: 'keys:read' })
    t.notMatch(JSON.stringify(await rows('select * from oauth_payloads')), /the-token|keys:read/)
    await payloads.upsert('Session', 'the-session', { uid: 'the-uid' }, 60)
    t.match(await payloads.findByUid('Session', 'the-uid'), { uid: 'the-uid' })
  })

  test(`${name}: of many who use one code at once, one is the first`, async (t) => {
    const { payloads } = await open(t)
    await payloads.upsert('AuthorizationCode', 'code', { grantId: 'grant' }, 60)
    const first = await Promise.all(Array.from({ length: 20 }, () => payloads.consume('code')))
    t.equal(first.filter(Boolean).length, 1)
    t.ok((await payloads.find('AuthorizationCode', 'code'))?.consumed)
  })

  test(`${name}: what was given for a grant ends with it, and opens nothing that comes later`, async (t) => {
    const { payloads, rows } = await open(t)
    await begin(payloads, 'grant')
    for (const id of ['one', 'two']) await payloads.upsert('AccessToken', id, { grantId: 'grant' }, 60)
    await payloads.upsert('AccessToken', 'other', { grantId: 'another' }, 60)
    t.ok(await payloads.access('one'))
    t.equal(await payloads.access('other'), undefined, 'its grant is not there')
    await payloads.endGrant('grant')
    t.same([await payloads.access('one'), await payloads.access('two')], [undefined, undefined])
    await payloads.upsert('AccessToken', 'late', { grantId: 'grant' }, 60)
    t.equal(await payloads.access('late'), undefined)
    t.equal((await rows('select model from oauth_payloads')).length, 2)
  })

  test(`${name}: a grant that has ended is not saved again`, async (t) => {
    const { payloads, rows } = await open(t)
    await t.rejects(payloads.saveGrant('grant', {}, 60), UnexpectedRows, 'it never was')
    for (const end of [() => payloads.endGrant('grant'), () => payloads.destroy('grant')]) {
      await begin(payloads, 'grant')
      await payloads.saveGrant('grant', { openid: { scope: 'users:read' } }, 60)
      t.match(await payloads.find('Grant', 'grant'), { openid: { scope: 'users:read' } })
      const saves = Array.from({ length: 5 }, () => payloads.saveGrant('grant', {}, 60))
      await Promise.allSettled([...saves.slice(2), end(), ...saves])
      t.same(await rows('select model from oauth_payloads'), [])
    }
  })

  test(`${name}: what a user takes back while an application is allowed more does not come back`, async (t) => {
    const server = await openServer(t, await settingsOf(t))
    await server.join(fatima)
    const config = await server.discover(await server.client(reports))
    const { email, password } = fatima
    const signedIn = await server.app.inject({ method: 'POST', url: '/auth/sign-in', payload: { email, password } })
    const headers = { authorization: `Bearer ${signedIn.json<{ accessToken: string }>().accessToken}` }
    const listed = async () => (await server.app.inject({ url: '/me/grants', headers })).json<{ id: string }[]>()
    const browser = new Browser(server)
    const ask = async () => browser.open((await authorizationOf(config, { scope: 'openid users:read keys:read' })).url)
    await allow(server, (await authorizationOf(config)).url, fatima, browser)
    for (let round = 0; round < 8; round += 1) {
      const [grant] = await listed()
      const pressed = browser.press(await ask(), 'allow')
      if (round % 2) await new Promise((resolve) => setTimeout(resolve, round))
      const path = `/me/grants/${grant?.id}`
      t.equal((await server.app.inject({ method: 'DELETE', url: path, headers })).statusCode, 204)
      await pressed
      t.notOk(
        (await listed()).some(({ id }) => id === grant?.id),
        `round ${round}`,
      )
      await browser.press(await ask(), 'allow')
    }
  })

  test(`${name}: it goes with its user, when it is revoked, and when it has expired`, async (t) => {
    const { app, engine, payloads, rows } = await open(t)
    const left = async () =>
      (await rows('select user_id from oauth_payloads order by user_id')).map(({ user_id: id }) => id)
    await payloads.upsert('AccessToken', 'one', { accountId: '1' }, 60)
    await payloads.upsert('AccessToken', 'two', { accountId: '2' }, 60)
    await engine.write([payloads.revocation(2)])
    t.same(await left(), [1])
    await app.inject({ method: 'DELETE', url: '/users/1' })
    t.same(await left(), [])
    await payloads.upsert('AccessToken', 'old', {}, -1)
    await payloads.upsert('AccessToken', 'new', {}, 60)
    t.same([await payloads.access('old'), await payloads.access('new')], [undefined, {}])
    await engine.write([payloads.forgetExpired()])
    t.equal((await rows('select model from oauth_payloads')).length, 1)
  })

  test(`${name}: who can write to the database but has no secret gets no further`, async (t) => {
    const { payloads, engine } = await open(t)
    await payloads.upsert('AccessToken', 'mine', { scope: 'users:read' }, 60)
    await payloads.upsert('AccessToken', 'admins', { scope: 'admin' }, 60)
    const hashOf = (id: string) => createHash('sha256').update(id).digest('base64url')
    const admins = `select sealed from oauth_payloads where id_hash = '${hashOf('admins')}'`
    const swap = `update oauth_payloads set sealed = (${admins}) where id_hash = '${hashOf('mine')}'`
    t.match(await payloads.access('mine'), { scope: 'users:read' })
    await engine.write([[raw(swap), {}]])
    t.equal(await payloads.access('mine'), undefined)
    t.match(await payloads.access('admins'), { scope: 'admin' })
    await engine.write([[raw(`update oauth_payloads set sealed = 'AAAA'`), {}]])
    t.equal(await payloads.access('admins'), undefined)
  })

  test(`${name}: an application gets in for itself and for a user, and refreshes once`, async (t) => {
    const server = await openServer(t, await settingsOf(t))
    await server.join(fatima)
    const own = await server.discover(await server.client(machine))
    const { access_token } = await openid.clientCredentialsGrant(own, { scope: 'users:read' })
    t.equal(await server.status(access_token), 200)
    const payload = await new Payloads(server.app.storage.engine, server.app.secrets).access(access_token)
    t.ok(Math.abs((payload?.exp ?? 0) - Date.now() / 1000 - 600) < 5, 'and it says when it ends')
    const config = await server.discover(await server.client(reports))
    const { url, redeem } = await authorizationOf(config)
    const first = await redeem(await allow(server, url))
    t.equal(await server.status(first.access_token), 200)
    const twice = await Promise.all(
      [1, 2].map(() => errorOf(openid.refreshTokenGrant(config, first.refresh_token ?? ''))),
    )
    t.match(twice.toSorted(), ['invalid_grant'])
    t.equal(await server.status(first.access_token), 401)
    t.equal((await server.audited('grant.reuse-detected')).length, 1)
  })
}
