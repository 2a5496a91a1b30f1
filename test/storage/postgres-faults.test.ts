/** What PostgreSQL does to a server that uses it: lost connections, restarts, deadlocks, time limits. */

import t, { type Test, test } from 'tap'
import { User } from '../../routes/users/schema.ts'
import { openPostgres } from '../../src/storage/postgres/index.ts'
import { startPostgres } from './postgres-server.ts'
import { countOf, insertCommand, openUsers, parsed, person, raw, until } from './setup.ts'

const server = await startPostgres(t)
const unavailable = { code: 'unavailable', headers: { 'retry-after': '1' } }

/** Users on a new database; `limits` as in a connection string. */
async function openNew(t: Test, limits = '') {
  const url = await server.database()
  const opened = await openUsers(t, async () => ({ open: () => openPostgres(url + limits), settings: {} }))
  return { url, ...opened }
}

const connections = (url: string) =>
  server.query(
    url,
    `select pid from pg_stat_activity where application_name = 'septet' and datname = current_database()`,
  )

test('reads go on while every connection is ended again and again, on one connection at a time', async (t) => {
  const { url, users } = await openNew(t)
  await users.insert(User, person(1))
  await until(async () => (await connections(url)).length > 0, 'a connection')
  let [reads, asked] = [0, 0]
  for (let round = 0; round < 10; round++) {
    await server.terminate(url)
    const end = Date.now() + 60
    while (Date.now() < end) {
      const names = await Promise.all([1, 1, 1].map(async (id) => parsed((await users.get(User, id)).json).name))
      reads += names.filter((name) => name === 'Person 1').length
      asked += names.length
    }
  }
  t.ok(asked > 100, `${asked} reads`)
  t.equal(reads, asked)
  t.equal((await connections(url)).length, 1)
})

test('writes go on after every connection was ended; those that meet a lost one are unavailable', async (t) => {
  const { url, engine, users } = await openNew(t)
  let kept = 0
  for (let round = 0; round < 5; round++) {
    const before = await Promise.all([0, 1, 2].map((each) => users.insert(User, person(round * 100 + each))))
    kept += before.length
    await server.terminate(url)
    // As many as there were connections, if the server has not heard of any end yet.
    let failed = 0
    await until(async () => {
      try {
        await users.insert(User, person(round * 100 + 50 + failed))
        return true
      } catch (error) {
        t.match(error, unavailable)
        failed++
        return false
      }
    }, 'a write passes')
    t.ok(failed <= before.length, `${failed} failed`)
    kept++
  }
  t.equal(await countOf(engine, 'users'), kept)
})

test('a connection that is lost inside a transaction fails that write only', async (t) => {
  const { url, engine } = await openNew(t)
  const waiting = engine.write([
    insertCommand(engine, 'A', 'a@example.com'),
    [raw('select pg_sleep(60)'), {}],
    insertCommand(engine, 'B', 'b@example.com'),
  ])
  const failed = t.rejects(waiting, unavailable)
  await until(async () => (await busy(url)).length === 1, 'the write sleeps')
  await server.terminate(url)
  await failed
  await engine.write([insertCommand(engine, 'C', 'c@example.com'), insertCommand(engine, 'D', 'd@example.com')])
  t.equal(await countOf(engine, 'users'), 2)
})

test('while the server is down each answer is unavailable, soon; after its restart all goes on', async (t) => {
  const { engine, users } = await openNew(t)
  const { id } = await users.insert(User, person(1))
  await server.stop()
  const start = Date.now()
  await t.rejects(async () => users.get(User, id), unavailable)
  await t.rejects(async () => users.page(User, { limit: 5 }), unavailable)
  await t.rejects(users.insert(User, person(2)), unavailable)
  await t.rejects(
    engine.write([insertCommand(engine, 'A', 'a@x.org'), insertCommand(engine, 'B', 'b@x.org')]),
    unavailable,
  )
  await t.rejects(engine.ping(), unavailable)
  await t.rejects(engine.migrate([]), unavailable)
  t.ok(Date.now() - start < 3000)
  await server.start()
  t.match(parsed((await users.get(User, id)).json), person(1))
  await engine.ping()
  await users.insert(User, person(3))
  t.equal(await users.count(), 2)
})

test('a write that fails with a serialization failure is tried again, four times at most', async (t) => {
  const { url, engine, users } = await openNew(t)
  const failWhile = (condition: string) =>
    server.query(
      url,
      `create sequence if not exists tries; select setval('tries', 1, false);
       create or replace function fail() returns trigger language plpgsql as $$ begin
         if ${condition} then raise exception 'once more' using errcode = '40001'; end if; return new; end $$;
       create or replace trigger fail before insert on users for each row execute function fail()`,
    )
  const tries = async () => Number((await server.query(url, 'select last_value from tries'))[0].last_value)
  await failWhile(`nextval('tries') <= 3`)
  await users.insert(User, person(1))
  t.equal(await tries(), 4)
  await failWhile(`nextval('tries') <= 3`)
  await engine.write([[raw('select 1'), {}], insertCommand(engine, 'B', 'b@example.com')])
  t.equal(await tries(), 4)
  await failWhile(`nextval('tries') > 0`)
  await t.rejects(users.insert(User, person(2)), unavailable)
  t.equal(await tries(), 4)
  t.equal(await users.count(), 2)
})

test('two writes that lock the same rows crosswise both pass', async (t) => {
  const { engine, users } = await openNew(t)
  await users.insert(User, person(1))
  await users.insert(User, person(2))
  const raise = (id: number) => [raw(`update users set version = version + 1 where id = ${id}`), {}] as const
  const pause = [raw('select pg_sleep(0.3)'), {}] as const
  await Promise.all([engine.write([raise(1), pause, raise(2)]), engine.write([raise(2), pause, raise(1)])])
  t.same([(await users.get(User, 1)).version, (await users.get(User, 2)).version], [3, 3])
})

test('a statement that takes too long is a timeout and keeps nothing', async (t) => {
  const { engine, users } = await openNew(t, '?statement_timeout=300')
  const sleep = raw('select pg_sleep(20)')
  await t.rejects(async () => engine.first(sleep, {}), { code: 'timeout' })
  await t.rejects(async () => engine.texts(sleep, {}), { code: 'timeout' })
  await t.rejects(engine.write([[sleep, {}]]), { code: 'timeout' })
  await t.rejects(engine.write([insertCommand(engine, 'A', 'a@example.com'), [sleep, {}]]), { code: 'timeout' })
  t.equal(await users.count(), 0)
})

test('a connection that answers no more is given up: reads go to a new one, a write is unavailable', async (t) => {
  const { url, users, engine } = await openNew(t, '?query_timeout=500')
  await users.insert(User, person(1))
  await users.get(User, 1)
  const frozen = (await connections(url)).map(({ pid }) => Number(pid))
  t.equal(frozen.length, 2, 'one that reads, one that writes')
  try {
    for (const pid of frozen) process.kill(pid, 'SIGSTOP')
    const reads = Promise.all([1, 2, 3].map(async () => parsed((await users.get(User, 1)).json).id))
    const write = t.rejects(engine.write([insertCommand(engine, 'B', 'b@example.com')]), unavailable)
    t.same(await reads, [1, 1, 1])
    await write
    await users.insert(User, person(3))
  } finally {
    for (const pid of frozen) process.kill(pid, 'SIGCONT')
  }
  t.equal((await users.page(User, { limit: 1, filter: { email: person(3).email } })).next, undefined)
})

test('a migration may take longer than a request', async (t) => {
  const url = await server.database()
  const engine = openPostgres(`${url}`)
  t.teardown(() => engine.close())
  const sql = `create table limits as select current_setting('statement_timeout') as value`
  await engine.migrate([{ id: 'limits-1-create', up: () => [{ compile: () => ({ sql }) }] }])
  t.same(await engine.texts(raw('select value from limits'), {}), ['0'])
  t.match(await engine.first(raw(`select current_setting('statement_timeout') as value`), {}), { value: '10s' })
})

test('a wrong password, host or database is unavailable, and its cause is kept for the log', async (t) => {
  const url = new URL(await server.database())
  const wrong = (change: (url: URL) => void) => {
    const copy = new URL(url)
    change(copy)
    return openPostgres(copy.href)
  }
  const cases: [string, RegExp, (url: URL) => void][] = [
    ['port', /ECONNREFUSED/, (copy) => (copy.port = '1')],
    ['password', /password/, (copy) => (copy.password = 'wrong')],
    ['database', /does not exist/, (copy) => (copy.pathname = '/nowhere')],
  ]
  for (const [what, message, change] of cases) {
    const engine = wrong(change)
    await t.rejects(engine.migrate([]), { code: 'unavailable', cause: { message } }, what)
    await t.rejects(engine.ping(), { code: 'unavailable' }, what)
    await engine.close()
  }
})

const busy = (url: string) => server.query(url, `select pid from pg_stat_activity where wait_event = 'PgSleep'`)
