/** What only the embedded engine promises: its file, its settings, its handle. */

import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import Database from 'better-sqlite3'
import { type Test, test } from 'tap'
import { User } from '../../routes/users/schema.ts'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import { temporaryFolder } from '../helper.ts'
import { openUsers, person, raw, reopenUsers } from './setup.ts'

const start = join(import.meta.dirname, '../../src/start.js')

const openNew = async (t: Test) => {
  const folder = temporaryFolder(t)
  return { folder, ...(await openUsers(t, async () => ({ open: () => openSqlite(folder), settings: {} }))) }
}

test('each commit is synced to the disk, in a write-ahead log', async (t) => {
  const { engine } = await openNew(t)
  // Asked on the connection that writes: the setting is the connection's, not the file's.
  t.same(await engine.first(raw('pragma synchronous'), {}), { synchronous: 2 })
  t.same(await engine.first(raw('pragma journal_mode'), {}), { journal_mode: 'wal' })
  t.same(await engine.first(raw('pragma foreign_keys'), {}), { foreign_keys: 1 })
})

test('the folder and the files that are made can be read by their user alone', async (t) => {
  const folder = join(temporaryFolder(t), 'data')
  const { store, users } = await reopenUsers({ open: () => openSqlite(folder) })
  t.teardown(() => store.close())
  await users.insert(User, person(1))
  const modeOf = (name: string) => (statSync(join(folder, name)).mode & 0o777).toString(8)
  t.same(['', 'septet.sqlite', 'septet.sqlite-wal', 'septet.sqlite-shm'].map(modeOf), ['700', '600', '600', '600'])
})

test('after the close, the file alone is the database', async (t) => {
  const folder = temporaryFolder(t)
  const { store, users } = await reopenUsers({ open: () => openSqlite(folder) })
  await Promise.all(Array.from({ length: 100 }, (_, index) => users.insert(User, person(index))))
  const file = join(folder, 'septet.sqlite')
  t.ok(statSync(`${file}-wal`).size > 0, 'while open, the log has the writes')
  await store.close()
  t.notOk(existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0)
  copyFileSync(file, join(folder, 'copy.sqlite'))
  const copy = new Database(join(folder, 'copy.sqlite'), { readonly: true })
  t.teardown(() => copy.close())
  t.same(copy.prepare('select count(*) as total from users').get(), { total: 100 })
  t.equal(copy.pragma('integrity_check', { simple: true }), 'ok')
})

test('the database handle outlives garbage collection while statements are in use', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const { users } = await openNew(t)
  const { id } = await users.insert(User, person(0))
  for (let round = 1; round <= 40; round++) {
    const garbage = Array.from({ length: 1000 }, () => new Array(100).fill(round))
    collect()
    await new Promise((resolve) => setImmediate(resolve))
    await users.insert(User, person(garbage.length + round))
    if ((await users.get(User, id)).id !== id) t.fail('the row is gone')
  }
  t.equal(await users.count(), 41)
})

test('a place that cannot hold the database is refused with its reason', async (t) => {
  const folder = temporaryFolder(t)
  const places: Record<string, [RegExp, (place: string) => void]> = {
    'a file': [/EEXIST|ENOTDIR/, (place) => writeFileSync(place, '')],
    'below/a/file': [
      /ENOTDIR/,
      (place) => {
        mkdirSync(join(place, '../..'))
        writeFileSync(join(place, '..'), '')
      },
    ],
    'a folder in place of the file': [
      /unable to open database file/,
      (place) => mkdirSync(join(place, 'septet.sqlite'), { recursive: true }),
    ],
    'a file of something else': [/file is not a database/, (place) => garbage(place, Buffer.alloc(8192, 'garbage'))],
    'a damaged database': [/malformed|not a database/, (place) => garbage(place, damaged(t))],
  }
  for (const [what, [reason, prepare]] of Object.entries(places)) {
    const place = join(folder, what.replaceAll(' ', '-'))
    prepare(place)
    const opened = async () => {
      const engine = openSqlite(place)
      t.teardown(() => engine.close())
      await engine.migrate([])
    }
    await t.rejects(opened(), { message: reason }, what)
    const env = { PATH: process.env.PATH, DATA_DIR: place }
    const failed = await promisify(execFile)(process.execPath, [start, 'migrate'], { env }).catch((error) => error)
    t.equal(failed.code, 1, what)
    t.match(failed.stderr, reason, what)
    t.ok(failed.stderr.startsWith(`septet: DATA_DIR ${place} cannot be used: `), failed.stderr)
    t.equal(failed.stderr.split('\n').length, 2, 'one line')
  }
})

test('a folder that is not there is made, with those above it', async (t) => {
  const engine = openSqlite(join(temporaryFolder(t), 'a', 'b', 'c'))
  t.teardown(() => engine.close())
  t.same(await engine.migrate([]), [])
})

function garbage(place: string, bytes: Buffer): void {
  mkdirSync(place)
  writeFileSync(join(place, 'septet.sqlite'), bytes)
}

/** A database whose first page has a right header and a wrong rest. */
function damaged(t: Test): Buffer {
  const file = join(temporaryFolder(t), 'whole.sqlite')
  const whole = new Database(file)
  whole.exec('create table things (a); insert into things values (1)')
  const bytes = whole.serialize()
  whole.close()
  return bytes.fill(0xff, 100)
}
