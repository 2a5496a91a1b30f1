/** What changes tell: in their own transaction, in an order that no reader misses one in. */

import { type Test, test } from 'tap'
import { userCollection } from '../../../routes/users/collection.ts'
import { UserDetail } from '../../../routes/users/schema.ts'
import { Feed } from '../../../src/events/feed.ts'
import { EventLog, type LoggedEvent } from '../../../src/events/log.ts'
import { type NewDatabase, type Opened, openUsers, parsed, person, reopenUsers } from '../setup.ts'

const source = 'http://localhost:8080'

async function follow(t: Test, { engine }: Pick<Opened, 'engine'>) {
  const log = new EventLog(engine, () => source)
  const feed = new Feed(log, (error) => t.comment(error))
  engine.watch(() => feed.wake())
  await feed.start()
  t.teardown(() => feed.close())
  return { log, feed }
}

/** Everything that has been written, given its sequence. */
async function all(log: EventLog, after = 0): Promise<LoggedEvent[]> {
  while (await log.order()) {}
  return log.read(after, 10_000)
}

/** Takes this many events. */
async function take(feed: Feed, after: number, count: number): Promise<LoggedEvent[]> {
  const taken: LoggedEvent[] = []
  const signal = AbortSignal.timeout(10_000)
  for await (const events of feed.follow(after, signal)) {
    taken.push(...events)
    if (taken.length >= count) break
  }
  return taken
}

async function collected(batches: AsyncIterable<readonly LoggedEvent[]>): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = []
  for await (const batch of batches) events.push(...batch)
  return events
}

const sequences = (events: LoggedEvent[]) => events.map(({ sequence }) => sequence)
const from = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index)

export function events(engine: string, create: NewDatabase): void {
  test(`${engine}: each change tells what it made of the row, as a CloudEvent`, async (t) => {
    const opened = await openUsers(t, create)
    const { users } = opened
    const { log } = await follow(t, opened)
    const created = await users.insert(UserDetail, person(1))
    const changed = await users.update(UserDetail, created.id, { name: 'Renée 😀' })
    await users.remove(created.id)
    const told = (await all(log)).map(({ text }) => JSON.parse(text) as Record<string, unknown>)
    const subject = `/users/${created.id}`
    const common = { specversion: '1.0', source, subject, datacontenttype: 'application/json' }
    t.match(told, [
      { ...common, type: 'user.created', data: parsed(created.json), sequence: '0000000000000001' },
      { ...common, type: 'user.updated', data: parsed(changed.json), sequence: '0000000000000002' },
      { ...common, type: 'user.deleted', data: parsed(changed.json), sequence: '0000000000000003' },
    ])
    t.equal(new Set(told.map(({ id }) => id)).size, 3)
    t.ok(told.every(({ time }) => !Number.isNaN(Date.parse(String(time)))))
  })

  test(`${engine}: the events of a row can concern one user alone`, async (t) => {
    const opened = await openUsers(t, create)
    const { log } = await follow(t, opened)
    const { events, ...rest } = userCollection
    // Whoever has the id that a row has.
    const owned = { ...rest, ...(events && { events: { ...events, owner: 'id' } }) }
    const users = opened.store.collection(owned)
    const { id } = await users.insert(UserDetail, person(1))
    await users.update(UserDetail, id, { name: 'Renée' })
    await users.remove(id)
    t.same(
      (await all(log)).map(({ type, owner }) => [type, owner]),
      ['user.created', 'user.updated', 'user.deleted'].map((type) => [type, id]),
    )
  })

  test(`${engine}: a change that is not made tells nothing`, async (t) => {
    const opened = await openUsers(t, create)
    const { users } = opened
    const { log } = await follow(t, opened)
    const once = { scope: 'createUser', key: 'k', fingerprint: 'f' }
    const { id } = await users.insert(UserDetail, person(1), once)
    await users.insert(UserDetail, person(1), once)
    await t.rejects(users.insert(UserDetail, person(1)), { code: 'conflict' })
    await t.rejects(users.update(UserDetail, id, { name: 'Other' }, [7]), { code: 'precondition-failed' })
    await t.rejects(users.update(UserDetail, id + 1, { name: 'Other' }), { code: 'not-found' })
    await t.rejects(users.remove(id, [7]), { code: 'precondition-failed' })
    await t.rejects(users.remove(id + 1), { code: 'not-found' })
    await users.update(UserDetail, id, {})
    t.same(
      (await all(log)).map(({ type }) => type),
      ['user.created'],
    )
  })

  test(`${engine}: the events of several processes are seen by all, each once, in one order without a gap`, async (t) => {
    const opened = await openUsers(t, create)
    const other = await reopenUsers(opened.database)
    t.teardown(() => other.store.close())
    const here = await follow(t, opened)
    const there = await follow(t, other)
    const count = 200
    const seen = Promise.all([take(here.feed, 0, count), take(there.feed, 0, count)])
    await Promise.all(
      from(0, count).map((number) => (number % 2 ? other : opened).users.insert(UserDetail, person(number))),
    )
    const [first, second] = await seen
    t.same(sequences(first), from(1, count))
    t.same(second, first)
    t.equal(new Set(first.map(({ subject }) => subject)).size, count)
  })

  test(`${engine}: a reader that comes back misses nothing and gets nothing twice, near or far behind`, async (t) => {
    const opened = await openUsers(t, create)
    const { feed } = await follow(t, opened)
    const count = 1300
    for (let done = 0; done < count; done += 50) {
      await Promise.all(from(done, 50).map((number) => opened.users.insert(UserDetail, person(number))))
    }
    const whole = await take(feed, 0, count)
    t.same(sequences(whole), from(1, count))
    for (const after of [1, 299, 300, 301, 1000, 1299]) {
      const rest = await take(feed, after, count - after)
      t.same(sequences(rest), from(after + 1, count - after), `behind ${after}`)
    }
  })

  test(`${engine}: what is told while a feed begins is told once`, async (t) => {
    const { users, engine: storage } = await openUsers(t, create)
    await Promise.all(from(0, 300).map((number) => users.insert(UserDetail, person(number))))
    const feed = new Feed(new EventLog(storage, () => source), (error) => t.comment(error))
    t.teardown(() => feed.close())
    feed.wake()
    const started = feed.start()
    feed.wake()
    await started
    t.equal(feed.newest, 300)
    await users.insert(UserDetail, person(300))
    feed.wake()
    t.same(sequences(await take(feed, 0, 301)), from(1, 301))
    t.same(sequences(await take(feed, 300, 1)), [301])
  })

  test(`${engine}: a reader far behind leaves turns to others`, async (t) => {
    const opened = await openUsers(t, create)
    // The newest 1000 may be in memory.
    const count = 1600
    for (let done = 0; done < count; done += 50) {
      await Promise.all(from(done, 50).map((number) => opened.users.insert(UserDetail, person(number))))
    }
    const { feed } = await follow(t, opened)
    let turns = 0
    const turn = () => {
      turns += 1
      next = setImmediate(turn)
    }
    let next = setImmediate(turn)
    t.same(sequences(await take(feed, 0, count)), from(1, count))
    clearImmediate(next)
    t.ok(turns >= 2, `${turns} turns for three batches of the storage`)
  })

  test(`${engine}: old events go, the sequence goes on, and a reader can tell what it has missed`, async (t) => {
    const opened = await openUsers(t, create)
    const { users, engine: storage } = opened
    const { log } = await follow(t, opened)
    t.same(await log.bounds(), { oldest: 0, newest: 0 })
    await users.insert(UserDetail, person(1))
    await users.insert(UserDetail, person(2))
    await all(log)
    await log.forgetAfter(3_600_000)
    t.same(await log.bounds(), { oldest: 0, newest: 2 })
    await log.forgetAfter(-1000)
    t.same(await log.bounds(), { oldest: 2, newest: 2 })
    await users.insert(UserDetail, person(3))
    t.same(sequences(await all(log)), [3])
    t.same(await log.bounds(), { oldest: 2, newest: 3 })
    await storage.ping()
  })

  test(`${engine}: a reader ends with its signal, and with the feed`, async (t) => {
    const opened = await openUsers(t, create)
    const { feed } = await follow(t, opened)
    const abort = new AbortController()
    const reading = Promise.all([
      collected(feed.follow(0, abort.signal)),
      collected(feed.follow(0, AbortSignal.timeout(60_000))),
    ])
    t.equal(feed.waiting, 2)
    abort.abort()
    await new Promise((resolve) => setImmediate(resolve))
    t.equal(feed.waiting, 1)
    await feed.close()
    t.same(await reading, [[], []])
    t.equal(feed.waiting, 0)
  })
}
