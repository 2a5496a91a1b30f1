/** Schema and first rows: each applied once, in order, whoever comes first. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'tap'
import { userCollection } from '../../../routes/users/collection.ts'
import { User } from '../../../routes/users/schema.ts'
import type { Migration } from '../../../src/schemas/collection.ts'
import { coreMigrations } from '../../../src/storage/migrations.ts'
import { countOf, type NewDatabase, openUsers, parsed, person, raw, reopenUsers } from '../setup.ts'

const start = join(import.meta.dirname, '../../../src/start.js')
const run = promisify(execFile)

const known = ['core-1-idempotency', 'core-2-seeds', 'core-3-events', 'users-1-create']

/** A migration of raw SQL. */
const step = (id: string, ...statements: string[]): Migration => ({
  id,
  up: () => statements.map((sql) => ({ compile: () => ({ sql }) })),
})

export function migrations(engine: string, create: NewDatabase): void {
  test(`${engine}: migrations are applied once, in order`, async (t) => {
    const { open } = await create(t)
    const storage = open()
    t.teardown(() => storage.close())
    const list = [
      step('things-1-create', 'create table things (a integer)'),
      step('things-2-add', 'alter table things add column b integer', 'insert into things values (1, 2)'),
    ]
    t.same(await storage.migrate(list.slice(0, 1)), ['things-1-create'])
    t.same(await storage.migrate(list), ['things-2-add'])
    t.same(await storage.migrate(list), [])
    t.equal(await countOf(storage, 'things'), 1)
    const recorded = await storage.texts(raw('select id from migrations order by id'), {})
    t.same(recorded, ['things-1-create', 'things-2-add'])
    await t.rejects(storage.migrate([...list, ...list]), { message: 'two migrations have the same id' })
  })

  test(`${engine}: a failing migration keeps nothing, nor do those before it`, async (t) => {
    const { open } = await create(t)
    const storage = open()
    t.teardown(() => storage.close())
    const first = step('things-1-create', 'create table things (a integer)')
    const broken = step('things-2-fill', 'insert into things values (1)', 'insert into nowhere values (1)')
    await t.rejects(storage.migrate([first, broken]), { message: /nowhere/ })
    await t.rejects(countOf(storage, 'things'))
    const repaired = step('things-2-fill', 'insert into things values (1)')
    t.same(await storage.migrate([first, repaired]), ['things-1-create', 'things-2-fill'])
    t.equal(await countOf(storage, 'things'), 1)
  })

  test(`${engine}: a database that a newer version has migrated is refused`, async (t) => {
    const { database, engine: storage } = await openUsers(t, create)
    const newer = step('users-2-nickname', 'alter table users add column nickname text')
    await storage.migrate([...coreMigrations, ...userCollection.migrations, newer])
    const message = 'the database has migrations that this version does not know: users-2-nickname'
    const older = database.open()
    t.teardown(() => older.close())
    await t.rejects(older.migrate([...coreMigrations, ...userCollection.migrations]), { message })
  })

  test(`${engine}: what a removed resource has left behind is not looked at`, async (t) => {
    const { database, engine: storage } = await openUsers(t, create)
    await storage.migrate([...coreMigrations, step('books-1-create', 'create table books (a integer)')])
    const later = await reopenUsers(database)
    t.teardown(() => later.store.close())
    t.equal((await later.users.insert(User, person(1))).id, 1)
    t.equal(await countOf(later.engine, 'books'), 0)
  })

  test(`${engine}: two that open one new database at once migrate and seed it once`, async (t) => {
    const database = await create(t)
    const both = await Promise.all([reopenUsers(database, true), reopenUsers(database, true)])
    t.teardown(() => Promise.all(both.map(({ store }) => store.close())))
    for (const { engine: storage } of both) {
      t.equal(await countOf(storage, 'users'), 2)
      t.same(await storage.texts(raw('select id from migrations order by id'), {}), known)
    }
  })

  test(`${engine}: four processes that start at once on a new database all come up`, async (t) => {
    const database = await create(t)
    const env = { PATH: process.env.PATH, LOG_LEVEL: 'info', ...database.settings }
    const all = await Promise.all(Array.from({ length: 4 }, () => run(process.execPath, [start, 'migrate'], { env })))
    const applied = all.flatMap(({ stdout }) => stdout.split('\n').filter((line) => line.includes('"migrated"')))
    t.equal(applied.length, 1, 'one of them has migrated')
    const storage = database.open()
    t.teardown(() => storage.close())
    const ids = await storage.texts(raw('select id from migrations order by id'), {})
    t.same(
      ids.filter((id) => known.includes(id)),
      known,
    )
    t.equal(await countOf(storage, 'api_keys'), 1, 'one of them has made the admin key')
    t.same(await storage.texts(raw('select name from users order by id'), {}), ['Mohamed', 'Ali'])
  })

  test(`${engine}: a new database is seeded where that is wanted`, async (t) => {
    const seeded = await openUsers(t, create, true)
    t.same(parsed((await seeded.users.page(User, { limit: 10 })).items), [
      { id: 1, name: 'Mohamed', email: 'mohamed@example.com' },
      { id: 2, name: 'Ali', email: 'ali@example.com' },
    ])
    const bare = await openUsers(t, create, false)
    t.equal(await bare.users.count(), 0)
  })

  test(`${engine}: a deleted seed row stays deleted`, async (t) => {
    const { database, users } = await openUsers(t, create, true)
    await users.remove(1)
    await users.remove(2)
    const later = await reopenUsers(database, true)
    t.teardown(() => later.store.close())
    t.equal(await later.users.count(), 0)
  })

  test(`${engine}: a collection that has rows is not seeded`, async (t) => {
    const { store, users } = await openUsers(t, create, false)
    await users.insert(User, person(1))
    t.same(await store.migrate(true), [])
    t.equal(await users.count(), 1)
  })
}
