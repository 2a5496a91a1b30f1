/** Replies kept for their `Idempotency-Key`, in the transaction of the change. */

import { test } from 'tap'
import { UserDetail } from '../../../routes/users/schema.ts'
import { type Once, readOnce } from '../../../src/contract/idempotency.ts'
import { Store } from '../../../src/storage/store.ts'
import { countOf, keepBytes, type NewDatabase, openUsers, person, reopenUsers, textOf, until } from '../setup.ts'

const once = (key: string, body: unknown = person(1), scope = 'createUser'): Once => readOnce(key, scope, body)

export function idempotency(engine: string, create: NewDatabase): void {
  test(`${engine}: a repeated request gets the first reply, and adds nothing`, async (t) => {
    const { engine: storage, users } = await openUsers(t, create)
    const first = await users.insert(UserDetail, person(1), once('k'))
    t.equal(first.replayed, false)
    await users.update(UserDetail, first.id, { name: 'Changed since' })
    for (const key of ['k', '"k"']) {
      const again = await users.insert(UserDetail, person(1), once(key))
      t.same([again.replayed, again.id, again.version], [true, first.id, 1])
      t.equal(textOf(again.json), textOf(first.json), 'the reply as it was then')
    }
    await users.remove(first.id)
    t.equal((await users.insert(UserDetail, person(1), once('k'))).replayed, true, 'even when the user is gone')
    t.equal(await countOf(storage, 'users'), 0)
  })

  test(`${engine}: a key that comes with another request is refused`, async (t) => {
    const { engine: storage, users } = await openUsers(t, create)
    await users.insert(UserDetail, person(1), once('k'))
    const reused = { code: 'idempotency-key-reused' }
    await t.rejects(users.insert(UserDetail, person(2), once('k', person(2))), reused)
    const other = { ...person(1), name: 'Other' }
    await t.rejects(users.insert(UserDetail, other, once('k', other)), reused)
    t.equal(await countOf(storage, 'users'), 1)
    await users.insert(UserDetail, person(2), once('k', person(2), 'another operation'))
    t.equal(await countOf(storage, 'users'), 2, 'a key means nothing outside its scope')
  })

  test(`${engine}: twenty equal requests at once add one row and get one reply`, async (t) => {
    const { engine: storage, users } = await openUsers(t, create)
    const all = Array.from({ length: 20 }, () => users.insert(UserDetail, person(1), once('k')))
    const replies = await Promise.all(all)
    t.equal(new Set(replies.map(({ json }) => textOf(json))).size, 1)
    t.equal(replies.filter(({ replayed }) => !replayed).length, 1)
    t.equal(await countOf(storage, 'users'), 1)
    t.equal(await countOf(storage, 'idempotency_keys'), 1)
  })

  test(`${engine}: of twenty different requests with one key, one is made`, async (t) => {
    const { engine: storage, users } = await openUsers(t, create)
    const all = Array.from({ length: 20 }, (_, index) =>
      users.insert(UserDetail, person(index), once('k', person(index))),
    )
    const outcomes = await Promise.allSettled(all)
    const refused = outcomes.filter(({ status }) => status === 'rejected')
    t.equal(refused.length, 19)
    for (const each of refused) t.match(each, { reason: { code: 'idempotency-key-reused' } })
    t.equal(await countOf(storage, 'users'), 1)
  })

  test(`${engine}: a request that fails keeps no key`, async (t) => {
    const { engine: storage, users } = await openUsers(t, create)
    const { id } = await users.insert(UserDetail, person(1))
    await t.rejects(users.insert(UserDetail, person(1), once('k')), {
      code: 'conflict',
      errors: [{ pointer: '/email' }],
    })
    t.equal(await countOf(storage, 'idempotency_keys'), 0)
    await users.remove(id)
    const retried = await users.insert(UserDetail, person(1), once('k'))
    t.equal(retried.replayed, false)
    t.ok(retried.id > id)
  })

  test(`${engine}: a key is kept for the row of its own write, among many of the same moment`, async (t) => {
    const { users } = await openUsers(t, create)
    const all = Array.from({ length: 40 }, (_, index) =>
      users.insert(UserDetail, person(index), index % 3 === 0 ? undefined : once(`k${index}`, person(index))),
    )
    const first = await Promise.all(all)
    for (const [index, created] of first.entries()) {
      if (index % 3 === 0) continue
      const again = await users.insert(UserDetail, person(index), once(`k${index}`, person(index)))
      t.same([again.replayed, again.id, textOf(again.json)], [true, created.id, textOf(created.json)])
    }
  })

  test(`${engine}: a reply survives close and reopen`, async (t) => {
    const { database, users } = await openUsers(t, create)
    const first = await users.insert(UserDetail, person(1), once('k'))
    const second = await reopenUsers(database)
    t.teardown(() => second.store.close())
    const again = await second.users.insert(UserDetail, person(1), once('k'))
    t.same([again.replayed, textOf(again.json)], [true, textOf(first.json)])
  })

  test(`${engine}: a kept reply is forgotten at its age, not before`, async (t) => {
    const { engine: storage, store, users } = await openUsers(t, create)
    const old = await users.insert(UserDetail, person(1), once('old'))
    await new Promise((resolve) => setTimeout(resolve, 1500))
    await users.insert(UserDetail, person(2), once('new', person(2)))
    store.forgetRepliesAfter(1000, (error) => t.fail(String(error)))
    await until(async () => (await countOf(storage, 'idempotency_keys')) === 1, 'the old reply is forgotten')
    t.equal((await users.insert(UserDetail, person(2), once('new', person(2)))).replayed, true)
    await users.remove(old.id)
    t.equal((await users.insert(UserDetail, person(1), once('old'))).replayed, false, 'its key is free again')
  })

  test(`${engine}: old replies that cannot be forgotten are reported`, async (t) => {
    const database = await create(t)
    const storage = database.open()
    const store = new Store(storage, keepBytes)
    t.teardown(() => store.close())
    const error = await new Promise((resolve) => store.forgetRepliesAfter(1000, resolve))
    t.match(error, { message: /idempotency_keys/ }, 'the table is not there before the first migration')
  })
}
