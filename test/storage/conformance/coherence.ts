/** What is kept in memory never differs from what is stored. */

import { test } from 'tap'
import { User, UserDetail } from '../../../routes/users/schema.ts'
import { type NewDatabase, openUsers, parsed, person, reopenUsers, until } from '../setup.ts'

export function coherence(engine: string, create: NewDatabase): void {
  test(`${engine}: after each of four hundred random changes every read gives the present state`, async (t) => {
    const { users } = await openUsers(t, create)
    const model = new Map<number, { name: string; version: number }>()
    const random = randomNumbers(7)
    const wrong: unknown[] = []
    const expect = (what: string, actual: unknown, expected: unknown) => {
      if (JSON.stringify(actual) !== JSON.stringify(expected)) wrong.push({ what, actual, expected })
    }
    for (let step = 0; step < 400; step++) {
      const known = [...model.keys()]
      const id = known[random(known.length)]
      const action = random(4)
      if (id === undefined || action === 0) {
        const created = await users.insert(User, person(step))
        model.set(created.id, { name: person(step).name, version: 1 })
      } else if (action === 1) {
        await users.remove(id)
        model.delete(id)
        await t.rejects(async () => users.get(User, id), { code: 'not-found' })
      } else if (action === 2) {
        const { version } = await users.update(User, id, { name: `Changed ${step}` })
        model.set(id, { name: `Changed ${step}`, version })
      } else {
        await users.update(User, id, { email: 'person-0@example.com' }, [0]).catch(() => {})
      }
      for (const [each, { name, version }] of model) {
        const row = await users.get(step % 2 ? User : UserDetail, each)
        expect(`get ${each}`, [parsed(row.json).name, row.version], [name, version])
      }
      const { items } = await users.page(User, { limit: 1000 })
      expect(
        'page',
        parsed(items).map((row) => [row.id, row.name]),
        [...model].map(([key, row]) => [key, row.name]),
      )
      const changed = [...model.values()].filter(({ name }) => name.startsWith('Changed')).length
      const some = await users.page(User, { limit: 1000, sort: '-name', filter: { name: 'changed' } })
      expect('filtered page', parsed(some.items).length, changed)
    }
    t.same(wrong, [])
  })

  test(`${engine}: what another process writes is read soon`, async (t) => {
    const { database, users } = await openUsers(t, create)
    const other = await reopenUsers(database)
    t.teardown(() => other.store.close())
    const { id } = await users.insert(User, person(1))
    const name = async () => parsed((await users.get(User, id)).json).name
    const names = async () => parsed((await users.page(User, { limit: 5 })).items).map((row) => row.name)
    for (const next of ['First', 'Second', 'Third']) {
      await Promise.all([name(), names()])
      await other.users.update(User, id, { name: next })
      await until(async () => (await name()) === next && (await names())[0] === next, `${next} is read`, 1000)
      t.pass(next)
    }
    await other.users.remove(id)
    await until(async () => (await names()).length === 0, 'the removal is read', 1000)
    await t.rejects(async () => users.get(User, id), { code: 'not-found' })
  })
}

/** The same numbers in each run (mulberry32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) % Math.max(below, 1)
  }
}
