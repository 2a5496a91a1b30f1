/** How a resource declares what it stores; the storage makes table, statements and JSON from it, for both engines. */

import type { Static, TObject } from '@sinclair/typebox'
import type { CreateTableBuilder, RawBuilder, SchemaModule } from 'kysely'
import type { RowEvents } from './event.ts'

/** A column kept beside a property for comparing it: `emailKey` of `email`. */
export interface ComparisonKey<Property> {
  of: Property
  /** The form in which two values are compared. Must be pure: its results are stored. */
  normalise: (value: string) => string
  /** Two rows may not have the same key; the second is refused with `conflict`. */
  unique?: boolean
}

export interface Declaration<Input extends TObject = TObject> {
  /** Table name, plural. */
  name: string
  /** Singular, as a message to people says it: `User`. */
  label: string
  /** The properties that a caller sets. `id`, `version`, `createdAt` and `updatedAt` come with every collection. */
  input: Input
  keys?: Record<string, ComparisonKey<keyof Static<Input> & string>>
  /** Properties that a list can be filtered by: equal, or beginning with the given text. */
  filters?: Partial<Record<keyof Static<Input> & string, 'equals' | 'startsWith'>>
  /** What its changes tell to those who listen. */
  events?: RowEvents
  /** Applied in order, each once; append only. */
  migrations: readonly Migration[]
  /** Rows of a new database. */
  seed?: readonly Static<Input>[]
}

/** A declaration as the storage reads it, whatever its properties are. */
export type AnyDeclaration = Omit<Declaration, 'keys' | 'filters' | 'seed'> & {
  keys?: Record<string, ComparisonKey<string>> | undefined
  filters?: Partial<Record<string, 'equals' | 'startsWith'>> | undefined
  seed?: readonly Record<string, unknown>[] | undefined
}

export interface Migration {
  /** Unique and stable, such as `users-1-create`. */
  id: string
  up: (tools: MigrationTools) => readonly { compile(): { readonly sql: string } }[]
}

/** What a migration builds with: Kysely's schema builder and column types that mean the same on both engines. */
export interface MigrationTools {
  schema: SchemaModule
  /** Starts a table with an `id` that grows with each row, and is never given twice. */
  createNumbered: (name: string) => CreateTableBuilder<string, string>
  /** Starts a table with the four columns that every collection has. */
  createCollection: (name: string) => CreateTableBuilder<string, string>
  /** Text, compared byte by byte. */
  text: RawBuilder<unknown>
  /** Whole number up to 2^53. */
  integer: RawBuilder<unknown>
  real: RawBuilder<unknown>
}
