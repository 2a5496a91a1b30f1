/** What the cases of the conformance suite share: a database, and a store over it. */

import type { Test } from 'tap'
import { userCollection } from '../../routes/users/collection.ts'
import type { UserDetail, UserInput } from '../../routes/users/schema.ts'
import type { JsonText } from '../../src/contract/json-text.ts'
import type { Collection } from '../../src/storage/collection.ts'
import { CollectionSql, keyValues } from '../../src/storage/collection-sql.ts'
import { statement } from '../../src/storage/dialect.ts'
import type { Command, Row, Statement, Storage } from '../../src/storage/storage.ts'
import { Store } from '../../src/storage/store.ts'

/** One database of an engine, empty at first. */
export interface Database {
  /** Opens it; may be called again, for a second process or after a close. */
  open(): Storage
  /** The settings that lead the server to it. */
  settings: Record<string, string>
}

export type NewDatabase = (t: Test) => Promise<Database>

export interface Opened {
  database: Database
  engine: Storage
  store: Store
  users: Collection<typeof UserInput>
}

/** As in the server: rendered rows are kept in memory where the engine allows it. */
export const keepBytes = 1_000_000

/** A migrated store of users on a database of its own, closed with the test. */
export async function openUsers(t: Test, create: NewDatabase, seed = false): Promise<Opened> {
  const database = await create(t)
  const opened = { database, ...(await reopenUsers(database, seed)) }
  t.teardown(() => opened.store.close())
  return opened
}

/** Opens a database as a further process does; the caller closes the store. */
export async function reopenUsers({ open }: Pick<Database, 'open'>, seed = false) {
  const engine = open()
  const store = new Store(engine, keepBytes)
  const users = store.collection(userCollection)
  await store.migrate(seed)
  return { engine, store, users }
}

/** A row of users as a command of the storage interface, without the collection in between. */
export function insertCommand({ dialect }: Storage, name: string, email: string): Command {
  const now = new Date().toISOString()
  const insert = new CollectionSql(dialect, userCollection).insert
  return [insert, { name, email, ...keyValues(userCollection, { name, email }), now }]
}

/** SQL of a test's own. */
export function raw(sql: string): Statement {
  return statement('test', { compile: () => ({ sql, parameters: [] }) as never })
}

export async function countOf(engine: Storage, table: string): Promise<number> {
  const row = await engine.first<{ total: number }>(raw(`select count(*) as total from ${table}`), {})
  return row?.total ?? -1
}

/** Rendered JSON, parsed. */
export function parsed<Value>(json: Value): Value {
  return JSON.parse(textOf(json)) as Value
}

export function textOf(json: unknown): string {
  return (json as JsonText).text
}

export type Detail = typeof UserDetail.static
export type Rows = readonly Row[]

/** `person(7)`: what a caller says of the seventh user. */
export function person(number: number, name = `Person ${number}`) {
  return { name, email: `person-${number}@example.com` }
}

/** Repeats a check until it holds. */
export async function until(holds: () => Promise<boolean>, what: string, milliseconds = 5000): Promise<void> {
  const end = Date.now() + milliseconds
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
