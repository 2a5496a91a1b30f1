/** The embedded engine: one SQLite file, WAL, `synchronous=FULL`, one writer with group commit. */

import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Migration } from '../../schemas/collection.ts'
import { sqlite } from '../dialect.ts'
import { pending } from '../migrations.ts'
import { emits } from '../outbox.ts'
import { type Arguments, bind, type Command, type Row, type Statement, type Storage } from '../storage.ts'
import { Connection, translate } from './driver.ts'
import { GroupWriter } from './group-writer.ts'

/** How often another process's writes are looked for, in ms. */
const lookEvery = 100

/**
 * Opens `septet.sqlite` in a folder, and makes both where they are missing.
 *
 * @throws when the folder or the file cannot be written.
 */
export function openSqlite(folder: string): Storage {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'septet.sqlite')
  // Made for its user alone, where it is missing; SQLite gives its log the rights of the file.
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
  return new SqliteStorage(new Connection(file))
}

class SqliteStorage implements Storage {
  readonly dialect = sqlite
  #onChange: (() => void) | undefined
  readonly #connection: Connection
  readonly #writer: GroupWriter
  #watch: NodeJS.Timeout | undefined
  #looked = false
  #timer: NodeJS.Timeout | undefined
  #generation = 0

  constructor(connection: Connection) {
    this.#connection = connection
    this.#writer = new GroupWriter(connection)
  }

  first<Result extends object = Row>(statement: Statement, args: Arguments): Result | undefined {
    try {
      return this.#connection.prepare(statement.sql).get(bind(statement, args)) as Result | undefined
    } catch (error) {
      throw translate(error)
    }
  }

  all<Result extends object = Row>(statement: Statement, args: Arguments): Result[] {
    try {
      return this.#connection.prepare(statement.sql).all(bind(statement, args)) as Result[]
    } catch (error) {
      throw translate(error)
    }
  }

  texts(statement: Statement, args: Arguments): string[] {
    try {
      return this.#connection.preparePlucked(statement.sql).all(bind(statement, args)) as string[]
    } catch (error) {
      throw translate(error)
    }
  }

  write(commands: readonly Command[]): Promise<Row[][]> {
    const writing = this.#writer.write(commands)
    return emits(commands) ? this.#told(writing) : writing
  }

  async #told(writing: Promise<Row[][]>): Promise<Row[][]> {
    const rows = await writing
    this.#onChange?.()
    return rows
  }

  watch(onChange: () => void): void {
    let seen = this.#connection.dataVersion
    this.#onChange = onChange
    this.#watch = setInterval(() => {
      const version = this.#connection.dataVersion
      if (version === seen) return
      seen = version
      onChange()
    }, lookEvery).unref()
  }

  /** A timer says when a look is due: to ask the clock costs each read more than to find its row in memory. */
  generation(): number {
    if (this.#looked) return this.#generation
    this.#looked = true
    this.#timer = setTimeout(() => {
      this.#looked = false
    }, lookEvery).unref()
    this.#generation = this.#connection.dataVersion
    return this.#generation
  }

  /** The write lock of `BEGIN IMMEDIATE` is the migration lock too. */
  async migrate(migrations: readonly Migration[]): Promise<string[]> {
    const connection = this.#connection
    connection.execute('begin immediate')
    try {
      connection.execute('create table if not exists migrations (id text primary key, applied_at text not null)')
      const rows = connection.prepare('select id from migrations').all([]) as { id: string }[]
      const missing = pending(migrations, new Set(rows.map(({ id }) => id)))
      for (const { id, up } of missing) {
        for (const step of up(sqlite.migration)) connection.execute(step.compile().sql)
        connection.prepare('insert into migrations (id, applied_at) values (?, ?)').run([id, new Date().toISOString()])
      }
      connection.execute('commit')
      return missing.map(({ id }) => id)
    } catch (error) {
      if (connection.inTransaction) connection.execute('rollback')
      throw error
    }
  }

  async ping(): Promise<void> {
    this.#connection.prepare('select 1').get([])
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    clearInterval(this.#watch)
    await this.#writer.drain()
    this.#connection.close()
  }
}
