import suite, { type Test, test } from 'tap'
import { Allowances, allowanceMigrations } from '../../src/auth/account-allowances.ts'
import { Secrets } from '../../src/auth/secrets.ts'
import { lockAfter, networkOf, Throttle, throttleMigrations } from '../../src/auth/throttle.ts'
import { openPostgres } from '../../src/storage/postgres/index.ts'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { temporaryFolder } from '../helper.ts'
import { startPostgres } from '../storage/postgres-server.ts'
import { raw } from '../storage/setup.ts'
import { holdClock, hour, minute, second } from './account-setup.ts'

const server = await startPostgres(suite)
const secrets = new Secrets(['a secret of more than 32 characters'])
const guess = { emailKey: 'fatima@example.com', ip: '192.0.2.7' }

/** Opens a further process on the same database at each call. */
type Open = () => Promise<Storage>

const onSqlite = async (t: Test): Promise<Open> => {
  const folder = temporaryFolder(t)
  return async () => openSqlite(folder)
}

async function start(t: Test, open: Open) {
  const engine = await open()
  t.teardown(() => engine.close())
  await engine.migrate([...throttleMigrations, ...allowanceMigrations])
  const throttle = new Throttle(engine, secrets)
  const fail = (attempt = guess) => engine.write(throttle.failure(attempt))
  return { engine, throttle, fail, allowances: new Allowances(engine, secrets) }
}

test('each failure from the fifth locks for twice as long, up to a quarter of an hour', (t) => {
  const seconds = [4, 5, 6, 7, 14, 15, 16, 100, 5000].map((failures) => lockAfter(failures, 5) / second)
  t.same(seconds, [0, 1, 2, 4, 512, 900, 900, 900, 900])
  t.end()
})

test('a caller is an IPv4 address or the /64 of an IPv6 address', (t) => {
  t.equal(networkOf('192.0.2.7'), '192.0.2.7')
  t.equal(networkOf('::ffff:192.0.2.7'), '192.0.2.7')
  t.equal(networkOf('2001:db8:0:1::7'), '2001:db8:0:1::/64')
  t.equal(networkOf('2001:0DB8:0000:0001:9:9:9:9'), '2001:db8:0:1::/64')
  t.equal(networkOf('2001:db8::7'), '2001:db8:0:0::/64')
  t.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64')
  t.equal(networkOf('::1'), '0:0:0:0::/64')
  t.end()
})

/** The same cases on both engines. */
function conformance(name: string, create: (t: Test) => Promise<Open>): void {
  test(`${name}: twenty failures at once are twenty`, async (t) => {
    const { fail } = await start(t, await create(t))
    const counted = await Promise.all(Array.from({ length: 20 }, () => fail()))
    const numbers = counted.map(([address]) => Number(address?.[0]?.failures)).sort((a, b) => a - b)
    t.same(
      numbers,
      Array.from({ length: 20 }, (_, index) => index + 1),
    )
  })

  test(`${name}: the fifth failure locks an address for a second, the sixth for two, in every process`, async (t) => {
    const pass = holdClock(t)
    const open = await create(t)
    const { throttle, fail } = await start(t, open)
    const other = await start(t, open)
    for (const number of [1, 2, 3, 4]) {
      t.notOk(throttle.locks((await fail())[0]))
      t.equal(await throttle.check(guess), number)
    }
    t.ok(throttle.locks((await other.fail())[0]))
    await t.rejects(throttle.check(guess), { code: 'rate-limited', headers: { 'retry-after': '1' } })
    await t.rejects(other.throttle.check({ ...guess, ip: '192.0.2.8' }), { code: 'rate-limited' })
    t.equal(await throttle.check({ ...guess, emailKey: 'ali@example.com' }), 0, 'other addresses are free')
    pass(second)
    t.equal(await throttle.check(guess), 5)
    await fail()
    await t.rejects(throttle.check(guess), { code: 'rate-limited', headers: { 'retry-after': '2' } })
  })

  test(`${name}: a caller is locked from the fiftieth failure, whatever it guesses at`, async (t) => {
    const pass = holdClock(t)
    const { engine, throttle, fail } = await start(t, await create(t))
    for (let number = 1; number < 50; number += 1) await fail({ ...guess, emailKey: `${number}@example.com` })
    t.equal(await throttle.check({ ...guess, emailKey: '50@example.com' }), 0)
    await fail({ ...guess, emailKey: '50@example.com' })
    const next = { ...guess, emailKey: '51@example.com' }
    await t.rejects(throttle.check(next), { code: 'rate-limited', headers: { 'retry-after': '1' } })
    await engine.write([throttle.clear({ emailKey: '50@example.com' })])
    await t.rejects(throttle.check(next), { code: 'rate-limited' }, 'a success does not free the caller')
    t.equal(await throttle.check({ ...next, ip: '192.0.2.8' }), 0, 'other callers are free')
    pass(hour + 1)
    await fail(next)
    t.equal(await throttle.check(next), 1, 'an hour later it starts anew')
  })

  test(`${name}: a success clears an address, and a day without failure does`, async (t) => {
    const pass = holdClock(t)
    const { engine, throttle, fail } = await start(t, await create(t))
    for (const _ of [1, 2, 3, 4, 5]) await fail()
    await engine.write([throttle.clear(guess)])
    t.equal(await throttle.check(guess), 0)
    for (const _ of [1, 2, 3, 4, 5]) await fail()
    pass(24 * hour + 1)
    await fail()
    t.equal(await throttle.check(guess), 1)
    pass(24 * hour + 1)
    await engine.write([throttle.forget()])
    t.same(await engine.all(raw('select * from sign_in_failures'), {}), [])
  })

  test(`${name}: neither addresses nor callers can be read from the tables`, async (t) => {
    const { engine, fail, allowances } = await start(t, await create(t))
    await fail()
    await allowances.spend(allowances.subject('sign-up', guess.ip), 1)
    const stored = [
      ...(await engine.all(raw('select * from sign_in_failures'), {})),
      ...(await engine.all(raw('select * from allowances'), {})),
    ]
    t.equal(stored.length, 3)
    t.notMatch(JSON.stringify(stored), /fatima|example|192\.0/)
  })

  test(`${name}: an allowance is used up after so many uses, also at once, and is there again an hour later`, async (t) => {
    const pass = holdClock(t)
    const { engine, allowances } = await start(t, await create(t))
    const subject = allowances.subject('sign-up', guess.ip)
    const uses = await Promise.allSettled(Array.from({ length: 20 }, () => allowances.spend(subject, 3)))
    t.equal(uses.filter(({ status }) => status === 'fulfilled').length, 3)
    await t.rejects(allowances.spend(subject, 3), { code: 'rate-limited', headers: { 'retry-after': '3600' } })
    await t.resolves(allowances.spend(allowances.subject('reset', guess.ip), 3), 'another kind has its own count')
    pass(59 * minute)
    await t.rejects(allowances.spend(subject, 3), { code: 'rate-limited', headers: { 'retry-after': '60' } })
    pass(minute + 1)
    await t.resolves(allowances.spend(subject, 3))
    pass(hour + 1)
    await engine.write([allowances.forget()])
    t.same(await engine.all(raw('select * from allowances'), {}), [])
  })
}

conformance('SQLite', onSqlite)

conformance('PostgreSQL', async () => {
  const url = await server.database()
  return async () => openPostgres(url)
})
