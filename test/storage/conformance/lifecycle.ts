/** Opening, closing and coming back. */

import { test } from 'tap'
import { UserDetail } from '../../../routes/users/schema.ts'
import { type NewDatabase, openUsers, parsed, person, reopenUsers } from '../setup.ts'

export function lifecycle(engine: string, create: NewDatabase): void {
  test(`${engine}: a database that answers can be pinged`, async (t) => {
    const { engine: storage } = await openUsers(t, create)
    await t.resolves(storage.ping())
  })

  test(`${engine}: rows survive close and reopen`, async (t) => {
    const database = await create(t)
    const before = await reopenUsers(database)
    const created = await before.users.insert(UserDetail, person(1))
    await before.store.close()
    const after = await reopenUsers(database)
    t.teardown(() => after.store.close())
    const row = await after.users.get(UserDetail, created.id)
    t.same([row.version, parsed(row.json)], [1, parsed(created.json)])
    t.ok((await after.users.insert(UserDetail, person(2))).id > created.id)
  })

  test(`${engine}: writes that were asked for before the close are kept`, async (t) => {
    const database = await create(t)
    const before = await reopenUsers(database)
    const writes = Promise.all(Array.from({ length: 25 }, (_, index) => before.users.insert(UserDetail, person(index))))
    await before.store.close()
    t.equal((await writes).length, 25)
    const after = await reopenUsers(database)
    t.teardown(() => after.store.close())
    t.equal(await after.users.count(), 25)
  })

  test(`${engine}: a write after the close is refused, not lost in silence`, async (t) => {
    const { store, users } = await reopenUsers(await create(t))
    await store.close()
    await t.rejects(users.insert(UserDetail, person(1)), { code: 'unavailable' })
  })
}
