import { type Test, test } from 'tap'
import { openPostgres } from '../../src/storage/postgres/index.ts'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import { temporaryFolder } from '../helper.ts'
import { startPostgres } from '../storage/postgres-server.ts'
import { raw } from '../storage/setup.ts'
import { client, holdClock, type Process, startProcess } from './session-setup.ts'

const mohamed = { userId: 1, scopes: ['users:read', 'keys:read'] }
const ended = { code: 'unauthenticated', message: 'The session has ended' }

const start = (t: Test) => startProcess(t, openSqlite(temporaryFolder(t)))
const principalOf = async ({ sessions }: Process, token: string) => sessions.authenticate(token)

test('sessions of a user end alone, or with all else that acts for it', async (t) => {
  const { sessions, engine } = await start(t)
  const told: number[] = []
  const used = raw('update users set version = version + 1 where id = 1')
  sessions.follow({ revocation: () => [[used, {}]], forgetVerified: (userId) => told.push(userId) })
  t.equal(sessions.revocations(1).length, 2)
  t.equal(sessions.revocations(1, 'but this').length, 1, 'who stays signed in keeps the rest too')
  await sessions.start(mohamed, client)
  await engine.write(sessions.revocation(1))
  t.same(await sessions.list(1), [])
  await sessions.revokeAllOf(1)
  t.same(told, [1])
})

test('a clock that is set back keeps no session that has ended', async (t) => {
  const advance = holdClock(t)
  const folder = temporaryFolder(t)
  const [one, other] = [await startProcess(t, openSqlite(folder)), await startProcess(t, openSqlite(folder))]
  const { accessToken } = await one.sessions.start(mohamed, client)
  t.ok(await principalOf(other, accessToken))
  await one.sessions.revokeAllOf(1)
  advance(1000)
  advance(-60_000, true)
  await t.rejects(principalOf(other, accessToken), ended)
})

test('on an engine that answers later, what was read before a session ended is not kept, and many share a look-up', async (t) => {
  const engine = openPostgres(await (await startPostgres(t)).database())
  const process = await startProcess(t, engine)
  const { accessToken } = await process.sessions.start(mohamed, client)
  const principal = await principalOf(process, accessToken)
  for (let round = 0; round < 20; round += 1) {
    process.sessions.forgetVerified(1)
    const many = Array.from({ length: 100 }, () => process.sessions.authenticate(accessToken))
    t.equal(new Set(many).size, 1)
    process.sessions.forgetVerified(1)
    t.match(await many[0], { id: principal.id })
    t.ok(process.sessions.authenticate(accessToken) instanceof Promise, 'it is looked up again')
  }
  const answers = Array.from({ length: 20 }, () => process.sessions.authenticate(accessToken))
  await process.sessions.revokeAllOf(1)
  await Promise.allSettled(answers)
  await t.rejects(principalOf(process, accessToken), ended)
})
