/** Writes of several commands: all or nothing, each for itself. */

import { test } from 'tap'
import { User } from '../../../routes/users/schema.ts'
import { type Command, UniqueViolation } from '../../../src/storage/storage.ts'
import { countOf, insertCommand, type NewDatabase, openUsers, parsed, raw } from '../setup.ts'

export function groups(name: string, create: NewDatabase): void {
  test(`${name}: a write gives the rows that each of its commands returned`, async (t) => {
    const { engine } = await openUsers(t, create)
    const results = await engine.write([
      insertCommand(engine, 'A', 'a@example.com'),
      [raw(`update users set version = 5`), {}],
      insertCommand(engine, 'B', 'b@example.com'),
      [raw('delete from users returning version'), {}],
    ])
    t.match(results, [[{ id: 1 }], [], [{ id: 2 }], [{ version: 5 }, { version: 1 }]])
    t.same(
      results.map((rows) => rows.length),
      [1, 0, 1, 2],
    )
  })

  test(`${name}: a command that meets other rows than it expects undoes its whole write`, async (t) => {
    const { engine } = await openUsers(t, create)
    const rename = (name: string, rows?: number): Command => [
      raw(`update users set name = '${name}' where id = 1`),
      {},
      rows,
    ]
    const renameReturning = (name: string, rows: number): Command => [
      raw(`update users set name = '${name}' where id = 1 returning id`),
      {},
      rows,
    ]
    await t.rejects(engine.write([insertCommand(engine, 'A', 'a@example.com'), rename('B', 2)]), {
      name: 'UnexpectedRows',
    })
    t.equal(await countOf(engine, 'users'), 0, 'the insert before it is undone')
    await t.rejects(engine.write([rename('B', 1)]), { name: 'UnexpectedRows' }, 'alone, none met')
    await engine.write([insertCommand(engine, 'A', 'a@example.com'), [raw('update users set id = 1'), {}, 1]])
    await t.rejects(engine.write([rename('B', 0)]), { name: 'UnexpectedRows' }, 'alone, one too many')
    await t.rejects(engine.write([renameReturning('B', 2)]), { name: 'UnexpectedRows' }, 'by what it returns')
    t.same(await engine.all(raw('select id, name from users'), {}), [{ id: 1, name: 'A' }], 'nothing was kept')
    await engine.write([rename('B', 1), renameReturning('C', 1)])
    t.same(await engine.all(raw('select id, name from users'), {}), [{ id: 1, name: 'C' }])
  })

  test(`${name}: a failing command undoes its own write and no other of the same moment`, async (t) => {
    const { engine } = await openUsers(t, create)
    const user = (email: string) => insertCommand(engine, 'A', `${email}@example.com`)
    await engine.write([user('taken')])
    const outcomes = await Promise.allSettled([
      engine.write([user('first')]),
      engine.write([user('undone-1'), user('taken')]),
      engine.write([user('second'), user('third')]),
      engine.write([user('taken')]),
      engine.write([user('taken'), user('undone-2')]),
      engine.write([user('undone-3'), [raw('insert into no_such_table values (1)'), {}]]),
      engine.write([user('undone-4'), [raw('update users set name = null'), {}]]),
      engine.write([user('fourth')]),
    ])
    t.same(
      outcomes.map(({ status }) => status === 'fulfilled'),
      [true, false, true, false, false, false, false, true],
    )
    for (const index of [1, 3, 4]) {
      const { reason } = outcomes[index] as PromiseRejectedResult
      t.ok(reason instanceof UniqueViolation)
      t.match(reason, { table: 'users', column: 'email_key' })
    }
    const kept = await engine.texts(raw('select email from users order by email'), {})
    t.same(
      kept,
      ['first', 'fourth', 'second', 'taken', 'third'].map((each) => `${each}@example.com`),
    )
  })

  test(`${name}: a read sees a write as soon as it has resolved, and never a part of it`, async (t) => {
    const { engine } = await openUsers(t, create)
    const odd: number[] = []
    let writing = true
    const reader = (async () => {
      while (writing) {
        const total = await countOf(engine, 'users')
        if (total % 2 === 1) odd.push(total)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    for (let index = 0; index < 50; index++) {
      await engine.write([
        insertCommand(engine, 'A', `a-${index}@x.org`),
        insertCommand(engine, 'B', `b-${index}@x.org`),
      ])
      t.equal(await countOf(engine, 'users'), 2 * index + 2)
    }
    writing = false
    await reader
    t.same(odd, [])
  })

  test(`${name}: a failed read names no row and leaves the storage usable`, async (t) => {
    const { engine } = await openUsers(t, create)
    await t.rejects(async () => engine.first(raw('select * from no_such_table'), {}))
    await t.rejects(async () => engine.texts(raw('select * from no_such_table'), {}))
    t.equal(await engine.first(raw('select id from users'), {}), undefined)
    t.same(await engine.texts(raw('select name from users'), {}), [])
  })

  test(`${name}: a statement whose arguments differ between calls is answered for each call`, async (t) => {
    const { users } = await openUsers(t, create)
    const all = Array.from({ length: 30 }, (_, index) =>
      users.insert(User, { name: `N${index}`, email: `n${index}@x.org` }),
    )
    const ids = (await Promise.all(all)).map(({ id }) => id)
    const read = await Promise.all(ids.map((id) => users.get(User, id)))
    t.same(
      read.map(({ json }) => parsed(json).name),
      ids.map((_, index) => `N${index}`),
    )
  })
}
