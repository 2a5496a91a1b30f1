/** The storage interface: single-statement reads, and writes as data that commit all or nothing. */

import type { Eventually } from '../contract/eventually.ts'
import { Problem } from '../errors.ts'
import type { Migration } from '../schemas/collection.ts'
import type { Dialect } from './dialect.ts'

/** One SQL text of one engine, prepared once per connection under its name. */
export interface Statement {
  readonly name: string
  readonly sql: string
  /** In order of their placeholders: the name of an argument, or a constant. */
  readonly parameters: readonly Parameter[]
  /** An insert that gives one row, `{ id }`, without saying so in its SQL where the engine knows the id anyway. */
  readonly givesId?: true
  /** That it writes an event: once kept, its write is told. */
  readonly emits?: true
}

export type Parameter = { readonly argument: string } | { readonly constant: unknown }
export type Arguments = Readonly<Record<string, unknown>>
export type Row = Readonly<Record<string, unknown>>
/** With `rows`, the whole write is undone unless the command returns, or else changes, as many. */
export type Command = readonly [statement: Statement, args: Arguments, rows?: number | undefined]

/** What is written in the transaction of a change. Where it meets other rows than it expects, the change has met none. */
export interface Alongside {
  before?: readonly Command[]
  behind?: readonly Command[]
}

export interface Storage {
  readonly dialect: Dialect
  /** The first row, or `undefined`. */
  first<Result extends object = Row>(statement: Statement, args: Arguments): Eventually<Result | undefined>
  /** Every row. */
  all<Result extends object = Row>(statement: Statement, args: Arguments): Eventually<Result[]>
  /** The only column of every row. */
  texts(statement: Statement, args: Arguments): Eventually<string[]>
  /**
   * Runs the commands in one transaction and resolves, once it is durable, with the rows each returned.
   *
   * @throws {UniqueViolation} when a unique key exists already; nothing is kept.
   * @throws {UnexpectedRows} when a command met another number of rows than it expected; nothing is kept.
   */
  write(commands: readonly Command[]): Promise<Row[][]>
  /**
   * A number that grows when another process has written (told within 100 ms). Only an engine that sees all its
   * writers has it; only over such an engine are reads kept in memory.
   */
  generation?(): number
  /**
   * Tells whenever events may have been written: at once after a write of this process, soon after one of another
   * (SQLite within 100 ms). Once for a storage; ends with it.
   */
  watch(onChange: () => void): void
  /** Applies those migrations that the database lacks, under a lock, and returns their ids. */
  migrate(migrations: readonly Migration[]): Promise<string[]>
  /** Rejects when the database does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** A write met a row with the same unique key. */
export class UniqueViolation extends Error {
  override readonly name = 'UniqueViolation'
  readonly table: string
  readonly column: string

  constructor(table: string, column: string) {
    super(`${table}.${column} exists already`)
    this.table = table
    this.column = column
  }
}

/** A write met another number of rows than it was made for: what it rests on has changed. */
export class UnexpectedRows extends Error {
  override readonly name = 'UnexpectedRows'
  /** What it is called that met them. */
  readonly statement: string

  constructor({ name }: Statement, expected: number, actual: number) {
    super(`${name} met ${actual} rows, not ${expected}`)
    this.statement = name
  }
}

/** For `catch`: what a write throws, told as a conflict where it met other rows than it was made for. */
export function orConflict(detail: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof UnexpectedRows ? new Problem('conflict', detail, { cause: error }) : error
  }
}

/** @throws {UnexpectedRows} */
export function expectRows([statement, , expected]: Command, actual: number): void {
  if (expected !== undefined && expected !== actual) throw new UnexpectedRows(statement, expected, actual)
}

/** The values of a statement's placeholders. */
export function bind({ parameters }: Statement, args: Arguments): unknown[] {
  return parameters.map((parameter) => ('argument' in parameter ? args[parameter.argument] : parameter.constant))
}
