import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { maxSessions } from '../../src/auth/session-sql.ts'
import { argument, statement } from '../../src/storage/dialect.ts'
import { openPostgres } from '../../src/storage/postgres/index.ts'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import { temporaryFolder } from '../helper.ts'
import { startPostgres } from '../storage/postgres-server.ts'
import { raw } from '../storage/setup.ts'
import { client, day, holdClock, minute, type Process, startProcess } from './session-setup.ts'

const mohamed = { userId: 1, scopes: ['users:read', 'keys:read'] }
const ended = { code: 'unauthenticated', message: 'The session has ended' }
const wrong = { code: 'unauthenticated', message: 'The refresh token is wrong, used or expired' }

const start = (t: Test) => startProcess(t, openSqlite(temporaryFolder(t)))
const principalOf = async ({ sessions }: Process, token: string) => sessions.authenticate(token)
const audited = async ({ rows }: Process) =>
  (await rows('select type, outcome, principal, target, address, request_id from audit_events order by id')) as {
    type: string
  }[]

test('a session gives an access token for its user and a refresh token', async (t) => {
  const process = await start(t)
  const tokens = await process.sessions.start(mohamed, client)
  t.match(tokens, {
    accessToken: /^eyJ/,
    tokenType: 'Bearer',
    expiresIn: 600,
    refreshToken: /^sptr_[\w-]{43}$/,
    scope: 'users:read keys:read',
  })
  const [session] = await process.sessions.list(1)
  t.match(session, { id: /^[\w-]{22}$/, address: '192.0.2.1', userAgent: 'curl/8', createdAt: /Z$/, lastUsedAt: /Z$/ })
  const principal = await principalOf(process, tokens.accessToken)
  t.match(principal, { kind: 'user', id: 'user:1', userId: 1, sessionId: session?.id })
  t.same([...principal.scopes], mohamed.scopes)
  t.same(await audited(process), [
    {
      type: 'session.started',
      outcome: 'success',
      principal: 'user:1',
      target: `session:${session?.id}`,
      address: '192.0.2.1',
      request_id: 'request-1',
    },
  ])
})

test('neither token is found in the database', async (t) => {
  const process = await start(t)
  const { accessToken, refreshToken } = await process.sessions.start(mohamed, client)
  const everything = JSON.stringify([
    await process.rows('select * from sessions'),
    await process.rows('select * from refresh_tokens'),
    await process.rows('select * from audit_events'),
  ])
  t.notMatch(everything, refreshToken)
  t.notMatch(everything, refreshToken.slice('sptr_'.length))
  t.notMatch(everything, accessToken)
})

test('a session is not started for a user who is gone', async (t) => {
  const process = await start(t)
  await t.rejects(process.sessions.start({ ...mohamed, userId: 99 }, client), { code: 'unauthenticated' })
  t.same(await audited(process), [], 'and nothing is said to have happened')
})

test('a session is not started when what its proof rests on has changed', async (t) => {
  const process = await start(t)
  const holds = statement(
    'proof',
    process.engine.dialect.kysely.updateTable('users').set({ version: 1 }).where('email', '=', argument('email')),
  )
  const prove = (email: string) => process.sessions.start(mohamed, client, [[holds, { email }, 1]])
  await t.rejects(prove('gone@example.com'), { code: 'unauthenticated' })
  t.same(await process.sessions.list(1), [])
  t.ok(await prove('mohamed@example.com'))
})

test('refreshing gives a new pair, and renews the session', async (t) => {
  const advance = holdClock(t)
  const process = await start(t)
  const { sessions } = process
  let tokens = await sessions.start(mohamed, client)
  const [before] = await sessions.list(1)
  for (let week = 0; week < 6; week += 1) {
    advance(7 * day)
    const next = await sessions.refresh(tokens.refreshToken, { ...client, ip: '192.0.2.7', headers: {} })
    t.not(next.refreshToken, tokens.refreshToken)
    t.match(await principalOf(process, next.accessToken), { userId: 1, sessionId: before?.id })
    tokens = next
  }
  const [after, ...others] = await sessions.list(1)
  t.same(others, [])
  const lastUsedAt = new Date().toISOString()
  t.same(after, { ...before, lastUsedAt, address: '192.0.2.7', userAgent: '' })
})

test('a refresh token that is used again ends its session and every token of it, and is told', async (t) => {
  const process = await start(t)
  const { sessions } = process
  const first = await sessions.start(mohamed, client)
  const other = await sessions.start(mohamed, client)
  const second = await sessions.refresh(first.refreshToken, client)
  const third = await sessions.refresh(second.refreshToken, client)
  for (const { accessToken } of [first, second, third]) t.match(await principalOf(process, accessToken), { userId: 1 })

  await t.rejects(sessions.refresh(first.refreshToken, { ...client, ip: '203.0.113.9' }), wrong)
  for (const { accessToken } of [first, second, third]) await t.rejects(principalOf(process, accessToken), ended)
  await t.rejects(sessions.refresh(third.refreshToken, client), wrong)
  t.match(await principalOf(process, other.accessToken), { userId: 1 }, 'another session of the user goes on')
  const events = (await audited(process)).filter(({ type }) => type === 'session.reuse-detected')
  t.match(events, [{ outcome: 'failure', principal: 'user:1', target: /^session:/, address: '203.0.113.9' }])
  t.equal(events.length, 1)
})

test('a client that lost the answer and asks again at once is not told from a thief', async (t) => {
  holdClock(t)
  const process = await start(t)
  const { refreshToken } = await process.sessions.start(mohamed, client)
  const next = await process.sessions.refresh(refreshToken, client)
  await t.rejects(process.sessions.refresh(refreshToken, client), wrong)
  await t.rejects(principalOf(process, next.accessToken), ended)
})

test('of two refreshes at the same instant one succeeds, and the session ends', async (t) => {
  const process = await start(t)
  const { refreshToken } = await process.sessions.start(mohamed, client)
  const both = await Promise.allSettled([1, 2].map(() => process.sessions.refresh(refreshToken, client)))
  t.same(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  t.same(await process.sessions.list(1), [])
  t.equal((await process.rows('select mac from refresh_tokens')).length, 0)
})

test('a refresh token that nobody was given is refused', async (t) => {
  const process = await start(t)
  const { refreshToken, accessToken } = await process.sessions.start(mohamed, client)
  const forged = [
    '',
    'sptr_',
    `sptr_${randomBytes(32).toString('base64url')}`,
    `${refreshToken}A`,
    refreshToken.slice(5),
  ]
  for (const text of [...forged, refreshToken.toUpperCase(), accessToken, "sptr_' or 1=1 --"]) {
    await t.rejects(process.sessions.refresh(text, client), wrong, text)
  }
  t.ok(await process.sessions.refresh(refreshToken, client), 'and the one that was given is still good')
})

test('a session ends when it has not been used for its days', async (t) => {
  const advance = holdClock(t)
  const process = await start(t)
  const { refreshToken } = await process.sessions.start(mohamed, client)
  advance(30 * day)
  await t.rejects(process.sessions.refresh(refreshToken, client), ended)
  t.same(await process.sessions.list(1), [])
})

test('a session ends after twelve times its days, however much it is used', async (t) => {
  const advance = holdClock(t)
  const process = await start(t)
  let tokens = await process.sessions.start(mohamed, client)
  for (let turn = 0; turn < 17; turn += 1) {
    advance(20 * day)
    tokens = await process.sessions.refresh(tokens.refreshToken, client)
  }
  advance(20 * day - minute)
  tokens = await process.sessions.refresh(tokens.refreshToken, client)
  t.ok(await principalOf(process, tokens.accessToken))
  advance(minute)
  await t.rejects(principalOf(process, tokens.accessToken), ended, 'the access token, which has nine minutes left, too')
  await t.rejects(process.sessions.refresh(tokens.refreshToken, client), ended)
})

test('an access token ends with its time, and at once with its session', async (t) => {
  const advance = holdClock(t)
  const process = await start(t)
  const { accessToken, refreshToken } = await process.sessions.start(mohamed, client)
  t.ok(await principalOf(process, accessToken))
  advance(10 * minute + 4000)
  t.ok(await principalOf(process, accessToken))
  advance(1000)
  await t.rejects(principalOf(process, accessToken), { message: 'The access token has expired' })
  const next = await process.sessions.refresh(refreshToken, client)
  const [session] = await process.sessions.list(1)
  t.equal(await process.sessions.revoke(session?.id ?? '', 1, client), true)
  await t.rejects(principalOf(process, next.accessToken), ended)
  t.match((await audited(process)).at(-1), {
    type: 'session.revoked',
    outcome: 'success',
    target: `session:${session?.id}`,
  })
})

test('a revoked session, a deleted user and a disabled account are honoured by another process within a second', async (t) => {
  const folder = temporaryFolder(t)
  const [one, other] = [await startProcess(t, openSqlite(folder)), await startProcess(t, openSqlite(folder))]
  const revoked = await one.sessions.start(mohamed, client)
  const [{ id } = { id: '' }] = await one.sessions.list(1)
  const deleted = await one.sessions.start({ ...mohamed, userId: 2 }, client)
  const disabled = await one.sessions.start(mohamed, client)
  const reused = await one.sessions.start(mohamed, client)
  const all = [revoked, deleted, disabled, reused]
  for (const { accessToken } of all) t.ok(await principalOf(other, accessToken))

  const since = performance.now()
  await one.sessions.revoke(id, 1, client)
  await one.sessions.refresh(reused.refreshToken, client)
  await t.rejects(one.sessions.refresh(reused.refreshToken, client), wrong)
  await one.engine.write([[raw('delete from users where id = 2'), {}]])
  other.scopes.delete(1)
  await wait(since + 1000 - performance.now())
  for (const { accessToken } of all) await t.rejects(principalOf(other, accessToken), ended)
})

test('scopes that the user no longer holds are gone from the token within a second; new ones are not added', async (t) => {
  const advance = holdClock(t)
  const process = await start(t)
  const { sessions, scopes } = process
  const { accessToken, refreshToken } = await sessions.start(mohamed, client)
  const member = async () => [...(await principalOf(process, accessToken)).scopes]
  t.same(await member(), ['users:read', 'keys:read'])
  scopes.set(1, ['users:read', 'users:write'])
  advance(1000)
  t.same(await member(), ['users:read'])
  scopes.set(1, ['admin'])
  advance(1000)
  t.same(await member(), ['users:read', 'keys:read'])

  scopes.set(1, ['users:read'])
  const next = await sessions.refresh(refreshToken, client)
  t.equal(next.scope, 'users:read')
  scopes.delete(1)
  await t.rejects(sessions.refresh(next.refreshToken, client), ended)

  scopes.set(2, ['admin'])
  const admin = await sessions.start({ userId: 2, scopes: ['admin'] }, client)
  scopes.set(2, ['users:read'])
  t.same(
    [...(await principalOf(process, admin.accessToken)).scopes],
    ['users:read'],
    'whoever was admin keeps what is left',
  )
})

test('a verified token is answered at once, without a promise', async (t) => {
  const process = await start(t)
  const { accessToken } = await process.sessions.start(mohamed, client)
  const principal = await process.sessions.authenticate(accessToken)
  t.equal(process.sessions.authenticate(accessToken), principal)
})

test('a token that is refused stays refused, however often it is sent', async (t) => {
  const process = await start(t)
  const { accessToken } = await process.sessions.start(mohamed, client)
  const forged = `${accessToken.slice(0, -2)}${accessToken.at(-2) === 'A' ? 'B' : 'A'}${accessToken.at(-1)}`
  for (let time = 0; time < 3; time += 1) {
    await t.rejects(principalOf(process, forged), { message: 'The access token is not signed by this server' })
  }
})

test('a user ends sessions one by one, or all but one, and none of others', async (t) => {
  const process = await start(t)
  const { sessions } = process
  const [first, second, third] = [
    await sessions.start(mohamed, client),
    await sessions.start(mohamed, client),
    await sessions.start(mohamed, client),
  ]
  const ali = await sessions.start({ ...mohamed, userId: 2 }, client)
  const idOf = async ({ accessToken }: { accessToken: string }) =>
    (await principalOf(process, accessToken)).sessionId ?? ''
  t.equal(await sessions.revoke(await idOf(ali), 1, client), false, 'of another user')
  t.equal(await sessions.revoke('nothing', 1, client), false)
  const gone = await idOf(first)
  t.equal(await sessions.revoke(gone, 1, client), true)
  t.equal(await sessions.revoke(gone, 1, client), false)
  const kept = await idOf(third)
  await sessions.revokeAllOf(1, kept)
  t.match(await sessions.list(1), [{ id: kept }])
  await t.rejects(principalOf(process, second.accessToken), ended)
  t.ok(await principalOf(process, third.accessToken))
  await sessions.revokeAllOf(1)
  await t.rejects(principalOf(process, third.accessToken), ended)
  await t.rejects(sessions.refresh(third.refreshToken, client), wrong)
  t.ok(await principalOf(process, ali.accessToken))
})

test('a user has a hundred sessions at most; a further one ends the one used least lately', async (t) => {
  const advance = holdClock(t)
  const process = await start(t)
  const first = await process.sessions.start(mohamed, client)
  advance(1000)
  const second = await process.sessions.start(mohamed, client)
  advance(1000)
  const kept = await process.sessions.refresh(first.refreshToken, client)
  for (let count = 2; count <= maxSessions; count += 1) await process.sessions.start(mohamed, client)
  t.equal((await process.sessions.list(1)).length, maxSessions)
  await t.rejects(principalOf(process, second.accessToken), ended)
  t.ok(await principalOf(process, kept.accessToken))
})

test('what has expired and what was spent long ago is deleted, and nothing else', async (t) => {
  const advance = holdClock(t)
  const process = await start(t)
  const { sessions, rows } = process
  await sessions.start(mohamed, client)
  let tokens = await sessions.start(mohamed, client)
  const counts = async () =>
    (
      await rows('select (select count(*) from sessions) as sessions, (select count(*) from refresh_tokens) as tokens')
    )[0]
  const refreshLater = async () => {
    advance(20 * day)
    tokens = await sessions.refresh(tokens.refreshToken, client)
    await sessions.forgetExpired()
  }
  await refreshLater()
  t.same(await counts(), { sessions: 2, tokens: 3 })
  await refreshLater()
  t.same(await counts(), { sessions: 1, tokens: 3 }, 'the unused session is gone')
  await refreshLater()
  t.same(await counts(), { sessions: 1, tokens: 3 }, 'the first token was spent 40 days ago')
})

test('PostgreSQL: one of many refreshes in two processes succeeds, reuse ends the session, keys are agreed on', async (t) => {
  const server = await startPostgres(t)
  const url = await server.database()
  const [one, other] = await Promise.all([startProcess(t, openPostgres(url)), startProcess(t, openPostgres(url))])
  t.same((await one.rows('select number from signing_keys order by number')).length, 2)
  t.same(one.keys.keySet(), other.keys.keySet())
  for (let round = 0; round < 5; round += 1) {
    const { refreshToken, accessToken } = await one.sessions.start(mohamed, client)
    t.ok(await principalOf(other, accessToken))
    const attempts = [one, other, one, other, one, other].map(({ sessions }) => sessions.refresh(refreshToken, client))
    const settled = await Promise.allSettled(attempts)
    t.equal(settled.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const { reason } of settled.filter((each) => each.status === 'rejected')) t.match(reason, wrong)
    t.same(await other.sessions.list(1), [])
  }
  const deleted = await one.sessions.start({ ...mohamed, userId: 2 }, client)
  t.ok(await principalOf(other, deleted.accessToken))
  await one.engine.write([[raw('delete from users where id = 2'), {}]])
  await wait(1000)
  await t.rejects(principalOf(other, deleted.accessToken), ended)
  await t.rejects(one.sessions.start({ ...mohamed, userId: 2 }, client), { code: 'unauthenticated' })
  for (let count = 0; count <= maxSessions; count += 1) await one.sessions.start(mohamed, client)
  t.equal((await other.sessions.list(1)).length, maxSessions)
  await other.sessions.forgetExpired()
})
