/** What deliveries must do over every engine: nothing lost, nothing doubled but by a crash, nobody held back. */

import { setTimeout as wait } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { UserDetail } from '../../routes/users/schema.ts'
import { Deliveries } from '../../src/deliveries/deliveries.ts'
import type { Delivery, Follower, FollowerSource, Outcome, TargetKind } from '../../src/deliveries/delivery.ts'
import { FanOut } from '../../src/deliveries/fan-out.ts'
import { deliveryMigrations } from '../../src/deliveries/migrations.ts'
import { Schedule } from '../../src/deliveries/schedule.ts'
import { Feed } from '../../src/events/feed.ts'
import { EventLog } from '../../src/events/log.ts'
import { countOf, type Database, type NewDatabase, person, raw, reopenUsers, until } from '../storage/setup.ts'

type Send = (delivery: Delivery, signal: AbortSignal) => Promise<Outcome>

const delivered: Outcome = { as: 'delivered', status: 204 }

/** Never answers, until it is cut off. */
const stuck: Send = async (_, signal) => {
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  return { as: 'retry', error: 'cut off' }
}

/** A kind of target of the test's own. */
class Kind implements TargetKind, FollowerSource {
  readonly kind = 'test'
  readonly sent: Delivery[] = []
  readonly closed = new Set<string>()
  readonly #follow: Follower[]
  readonly #answer: Send

  constructor(targets: readonly string[], answer: Send = async () => delivered, after = 0) {
    this.#answer = answer
    this.#follow = targets.map((target) => ({ target, after, selects: () => true }))
  }

  followers(): Follower[] {
    return this.#follow
  }

  open(targets: readonly string[]): string[] {
    return targets.filter((target) => !this.closed.has(target))
  }

  async send(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    if (this.closed.has(delivery.target)) return { as: 'held' }
    this.sent.push(delivery)
    return this.#answer(delivery, signal)
  }

  /** Names of the events that went to a target. */
  of(target: string): string[] {
    return this.sent.filter((each) => each.target === target).map(({ eventId }) => eventId)
  }
}

interface Settings {
  waits?: number[]
  concurrency?: number
  timeout?: number
}

/** A process over a database, with what it sends. */
async function start(t: Test, database: Pick<Database, 'open'>, kind: Kind, settings: Settings = {}) {
  const { engine, store, users } = await reopenUsers(database)
  await engine.migrate(deliveryMigrations)
  const onError = (error: unknown) => t.comment(error)
  const log = new EventLog(engine, () => 'http://localhost')
  const feed = new Feed(log, onError)
  const { waits = [0, 20, 20], concurrency = 10, timeout = 1000 } = settings
  const deliveries = new Deliveries({ engine, schedule: new Schedule(waits), timeout, concurrency, onError })
  deliveries.register(kind)
  deliveries.addFollowers(kind)
  const fanOut = new FanOut({ engine, log, feed, deliveries, onError })
  engine.watch(() => feed.wake())
  await feed.start()
  deliveries.start()
  fanOut.start()
  const stop = async (patience = 1000) => {
    await feed.close()
    await fanOut.stop()
    await deliveries.stop(patience)
  }
  t.teardown(async () => {
    await stop(0)
    await store.close()
  })
  let made = 0
  const addUsers = (count: number) =>
    Promise.all(
      Array.from({ length: count }, () =>
        users.insert(UserDetail, person(++made, `User of ${process.hrtime.bigint()}`)),
      ),
    )
  return { engine, log, deliveries, fanOut, addUsers, stop }
}

const states = async (engine: Awaited<ReturnType<typeof start>>['engine']) =>
  Object.fromEntries(
    (
      await engine.all<{ state: string; total: number }>(
        raw('select state, count(*) as total from deliveries group by state order by state'),
        {},
      )
    ).map(({ state, total }) => [state, total]),
  )

export function deliveries(engineName: string, create: NewDatabase): void {
  test(`${engineName}: each event goes once to each target, and each attempt is kept`, async (t) => {
    const kind = new Kind(['test/1', 'test/2'])
    const { engine, addUsers } = await start(t, await create(t), kind)
    await addUsers(250)
    await until(async () => (await states(engine)).delivered === 500, 'all are delivered')
    for (const target of ['test/1', 'test/2']) t.equal(new Set(kind.of(target)).size, 250, target)
    t.equal(kind.sent.length, 500)
    t.equal(await countOf(engine, 'delivery_attempts'), 500)
    t.match(JSON.parse(kind.sent[0]?.body ?? ''), { specversion: '1.0', type: 'user.created' })
  })

  test(`${engineName}: two processes deliver each event once`, async (t) => {
    const database = await create(t)
    const slowly: Send = async () => {
      await wait(1)
      return delivered
    }
    const kinds = [new Kind(['test/1', 'test/2'], slowly), new Kind(['test/1', 'test/2'], slowly)] as const
    const [one, other] = [await start(t, database, kinds[0]), await start(t, database, kinds[1])]
    await Promise.all([one.addUsers(200), other.addUsers(0)])
    await until(async () => (await states(one.engine)).delivered === 400, 'all are delivered', 20_000)
    const sent = kinds.flatMap((kind) => kind.sent.map(({ target, eventId }) => `${target} ${eventId}`))
    t.equal(sent.length, 400)
    t.equal(new Set(sent).size, 400)
    t.comment(`${kinds[0].sent.length} by one, ${kinds[1].sent.length} by the other`)
  })

  test(`${engineName}: of many claims at once each row is given to one`, async (t) => {
    const kind = new Kind(['test/1'])
    kind.closed.add('test/1')
    const { engine, deliveries, stop } = await start(t, await create(t), kind)
    const events = Array.from({ length: 100 }, (_, index) => ({
      eventId: `e${index}`,
      type: 'a',
      owner: null,
      text: '{}',
    }))
    await stop()
    await engine.write(events.map((event) => deliveries.insertion('test/1', event)))
    const now = Date.now() + 1000
    const claims = Array.from({ length: 20 }, (_, index) =>
      engine.write([
        [deliveries.sql.claim, { target: 'test/1', limit: 10, now, until: now + 60_000, lease: `lease ${index}` }],
      ]),
    )
    const ids = (await Promise.all(claims)).flatMap(([rows = []]) => rows.map(({ id }) => id))
    t.equal(ids.length, new Set(ids).size)
    t.equal(ids.length, 100)
  })

  test(`${engineName}: what a process had taken that died is delivered by another, and what it says later counts no more`, async (t) => {
    const database = await create(t)
    const dead = new Kind(['test/1'], stuck)
    const first = await start(t, database, dead)
    await first.addUsers(3)
    await until(async () => dead.sent.length === 3, 'it has begun')
    // As its end would: its leases are over some time later.
    await first.engine.write([[raw('update deliveries set due = 0'), {}]])
    const alive = new Kind(['test/1'])
    const second = await start(t, database, alive)
    await until(async () => (await states(second.engine)).delivered === 3, 'all are delivered')
    t.same(new Set(alive.of('test/1')), new Set(dead.of('test/1')))
    const late = { id: dead.sent[0]?.id, lease: 'of the dead', state: 'dead', due: 0, status: null, error: null }
    await second.engine.write([[second.deliveries.sql.settle, { ...late, settledAt: null }]])
    t.same(await states(second.engine), { delivered: 3 })
  })

  test(`${engineName}: a failure is attempted again, until the schedule ends`, async (t) => {
    const kind = new Kind(['test/1', 'test/2'], async ({ target, tries }) =>
      target === 'test/1' && tries < 2 ? { as: 'retry', status: 500, error: 'no' } : { as: 'retry', error: 'never' },
    )
    const { engine, addUsers } = await start(t, await create(t), kind)
    await addUsers(2)
    await until(async () => (await states(engine)).dead === 4, 'all are given up')
    t.same(
      kind.sent
        .filter(({ target }) => target === 'test/1')
        .map(({ tries, isLast }) => [tries, isLast])
        .sort(),
      [0, 0, 1, 1, 2, 2].map((tries) => [tries, tries === 2]),
    )
    const [row] = await engine.all(raw('select attempts, error, lease from deliveries order by id limit 1'), {})
    t.match(row, { attempts: 3, error: 'never', lease: null })
  })

  test(`${engineName}: a target that never answers holds back no other`, async (t) => {
    const kind = new Kind(['test/dead', 'test/good'], (delivery, signal) =>
      delivery.target === 'test/good' ? Promise.resolve(delivered) : stuck(delivery, signal),
    )
    const { addUsers } = await start(t, await create(t), kind, { concurrency: 4 })
    await addUsers(100)
    await until(async () => kind.of('test/good').length === 100, 'the other has all')
    t.equal(kind.of('test/dead').length, 4, 'and no more than its share is under way')
  })

  test(`${engineName}: what waits for a target that is closed is delivered once it is open`, async (t) => {
    const kind = new Kind(['test/1'])
    kind.closed.add('test/1')
    const { engine, deliveries, addUsers } = await start(t, await create(t), kind)
    await engine.write([deliveries.insertion('test/1', { eventId: 'before', type: 'a', owner: null, text: '{}' })])
    deliveries.wake()
    await addUsers(1)
    kind.closed.delete('test/1')
    deliveries.wake()
    await until(async () => (await states(engine)).delivered === 2, 'all are delivered')
    t.equal(kind.sent.length, 2)
  })

  test(`${engineName}: a stop waits for attempts under way, and gives back what it cuts off`, async (t) => {
    const database = await create(t)
    const kind = new Kind(['test/slow', 'test/stuck'], async (delivery, signal) => {
      if (delivery.target === 'test/stuck') return stuck(delivery, signal)
      await wait(50)
      return delivered
    })
    const first = await start(t, database, kind)
    await first.addUsers(1)
    await until(async () => kind.sent.length === 2, 'both are under way')
    await first.stop(200)
    t.same(await states(first.engine), { delivered: 1, waiting: 1 })
    const [row] = await first.engine.all(raw("select tries, lease from deliveries where state = 'waiting'"), {})
    t.match(row, { tries: 0, lease: null })
    const again = new Kind(['test/slow', 'test/stuck'])
    await start(t, database, again)
    await until(async () => again.sent.length === 1, 'and the next process sends it at once')
    t.same(again.of('test/stuck'), kind.of('test/stuck'))
  })

  test(`${engineName}: the position moves with the rows, and from it what was read before a crash is read again`, async (t) => {
    const database = await create(t)
    const kind = new Kind(['test/1'])
    const { engine, addUsers, stop } = await start(t, database, kind)
    await addUsers(5)
    await until(async () => (await states(engine)).delivered === 5, 'all are delivered')
    await stop()
    // As a write that was lost would leave it; the rows are those of the events all the same.
    await engine.write([[raw('update delivery_position set last = 2'), {}]])
    const again = new Kind(['test/1'])
    const next = await start(t, database, again)
    await until(
      async () => (await engine.first<{ last: number }>(raw('select last from delivery_position'), {}))?.last === 5,
      'the position is back',
    )
    await next.stop()
    t.same(again.sent, [], 'nothing doubles')
  })

  test(`${engineName}: who follows from now on gets nothing from before, and nobody who follows costs no write`, async (t) => {
    const database = await create(t)
    const nobody = await start(t, database, new Kind([]))
    await nobody.addUsers(7)
    await nobody.stop()
    const position = () => nobody.engine.first(raw('select last from delivery_position'), {})
    t.same(await position(), { last: 0 })
    const kind = new Kind(['test/1'], undefined, 6)
    const { engine } = await start(t, database, kind)
    await until(async () => (await states(engine)).delivered === 1, 'the seventh is delivered')
    t.same(await position(), { last: 7 })
  })

  test(`${engineName}: what is old and settled is forgotten with its attempts, what waits is not`, async (t) => {
    const kind = new Kind(['test/1', 'test/2'])
    kind.closed.add('test/2')
    const { engine, deliveries, addUsers } = await start(t, await create(t), kind)
    await engine.write([deliveries.insertion('test/2', { eventId: 'held', type: 'a', owner: null, text: '{}' })])
    await addUsers(2)
    await until(async () => (await countOf(engine, 'delivery_attempts')) >= 2, 'some are delivered')
    t.match(await deliveries.backlog(), { age: Number })
    await deliveries.forgetAfter(-1000)
    t.notOk((await states(engine)).delivered)
    t.ok((await states(engine)).waiting)
    t.equal(await countOf(engine, 'delivery_attempts'), 0)
  })

  test(`${engineName}: an event that was not read for targets is not forgotten, however old it is`, async (t) => {
    const { log, fanOut, addUsers } = await start(t, await create(t), new Kind(['test/1']))
    t.equal(fanOut.seen, 0, 'before anything was read')
    await addUsers(4)
    await until(async () => fanOut.seen === 4, 'all are read')
    log.mayForget = () => 3
    await log.forgetAfter(-1000)
    t.same(
      (await log.read(0, 10)).map(({ sequence }) => sequence),
      [4],
    )
  })
}
