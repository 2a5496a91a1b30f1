/** The only file that knows better-sqlite3: a connection with its settings, and its statements by text. */

import Database from 'better-sqlite3'
import { Problem } from '../../errors.ts'
import { UniqueViolation } from '../storage.ts'

export type Prepared = Database.Statement<unknown[][]>

/** Longest wait for another process's lock, in ms; the event loop waits along. */
const lockTimeout = 1000

export class Connection {
  /** Statements hold no reference to the database handle, so that it lives here. */
  readonly #database: Database.Database
  readonly #statements = new Map<string, Prepared>()
  readonly #plucked = new Map<string, Prepared>()

  /** @throws when the file is not a database, cannot be written, or does not take the settings. */
  constructor(file: string) {
    this.#database = new Database(file, { timeout: lockTimeout })
    this.#set('journal_mode', 'wal')
    // Builds differ in their default for WAL; only FULL (2) syncs each commit.
    this.#set('synchronous', 'full', 2)
    this.#set('foreign_keys', 'on', 1)
    this.#database.pragma('cache_size = -16000')
  }

  #set(name: string, value: string, expected: string | number = value): void {
    this.#database.pragma(`${name} = ${value}`)
    const actual = this.#database.pragma(name, { simple: true })
    if (actual !== expected) throw new Error(`SQLite did not take ${name} = ${value} (it is ${actual})`)
  }

  /** Changes when another connection commits, not with this one's own commits. */
  get dataVersion(): number {
    return this.preparePlucked('pragma data_version').get([]) as unknown as number
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction
  }

  /** Runs SQL that returns nothing and is not run again. */
  execute(sql: string): void {
    this.#database.exec(sql)
  }

  /** Runs one statement that returns nothing, prepared once. */
  run(sql: string): void {
    this.prepare(sql).run([])
  }

  prepare(sql: string): Prepared {
    return this.#statements.get(sql) ?? this.#keep(this.#statements, sql, this.#database.prepare<unknown[][]>(sql))
  }

  /** Like {@link prepare}; gives the first column instead of rows. */
  preparePlucked(sql: string): Prepared {
    return this.#plucked.get(sql) ?? this.#keep(this.#plucked, sql, this.#database.prepare<unknown[][]>(sql).pluck())
  }

  #keep(statements: Map<string, Prepared>, sql: string, prepared: Prepared): Prepared {
    statements.set(sql, prepared)
    return prepared
  }

  /** Moves the log into the file, so that the file alone is the database. May be called again. */
  close(): void {
    if (!this.#database.open) return
    try {
      this.#database.pragma('wal_checkpoint(TRUNCATE)')
    } finally {
      this.#database.close()
    }
  }
}

/** The disk is full or fails, or another process holds the file. */
const outside = /^SQLITE_(FULL|IOERR|BUSY|LOCKED|READONLY|CANTOPEN|NOMEM)/

/** A driver's error as the storage interface names it. */
export function translate(error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error
  if (outside.test(error.code)) return unavailable(error)
  if (!error.message.startsWith('UNIQUE constraint failed: ')) return error
  const [, table = '', column = ''] = /: (\w+)\.(\w+)/.exec(error.message) ?? []
  return new UniqueViolation(table, column)
}

export function unavailable(cause: unknown): Problem {
  return new Problem('unavailable', 'The database cannot be used', { cause, headers: { 'retry-after': '1' } })
}
