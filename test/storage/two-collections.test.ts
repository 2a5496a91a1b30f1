import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import Database from 'better-sqlite3'
import { test } from 'tap'
import type { Declaration } from '../../src/schemas/collection.ts'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import { Store } from '../../src/storage/store.ts'
import { temporaryFolder } from '../helper.ts'

const input = Type.Object({ title: Type.String() })

const declaration = (name: string): Declaration<typeof input> => ({
  name,
  label: name,
  input,
  migrations: [
    { id: `${name}-1-create`, up: ({ createCollection, text }) => [createCollection(name).addColumn('title', text)] },
  ],
})

test('what another program writes is seen by every collection, not only by the first that looks', async (t) => {
  const folder = temporaryFolder(t)
  const store = new Store(openSqlite(folder), 1_000_000)
  t.teardown(() => store.close())
  const collections = ['books', 'notes', 'films'].map((name) => store.collection(declaration(name)))
  await store.migrate(true)
  for (const collection of collections) {
    await collection.insert(input, { title: 'old' })
    await collection.get(input, 1)
  }
  const other = new Database(join(folder, 'septet.sqlite'))
  for (const name of ['books', 'notes', 'films']) other.exec(`update ${name} set title = 'new'`)
  other.close()
  await new Promise((resolve) => setTimeout(resolve, 150))
  for (const collection of collections) {
    t.equal(JSON.stringify((await collection.get(input, 1)).json), '{"title":"new"}', collection.declaration.name)
  }
})
