/** What SQL says differently on the two engines; Kysely compiles, once at start, and never runs a query. */

import {
  type Compilable,
  DummyDriver,
  type InsertQueryBuilder,
  Kysely,
  type KyselyConfig,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely'
import type { MigrationTools } from '../schemas/collection.ts'
import type { Parameter, Statement } from './storage.ts'

/** Tables and columns are known at run time only, from declarations. */
// biome-ignore lint/suspicious/noExplicitAny: Kysely's own notation for a schema that is not known statically
export type Tables = any

export interface Dialect {
  readonly name: 'sqlite' | 'postgres'
  readonly kysely: Kysely<Tables>
  readonly migration: MigrationTools
  /** A row as compact JSON text. Values: property name → column. */
  json(columns: Readonly<Record<string, string>>): RawBuilder<string>
  /** The SQL of an insert that gives its id: SQLite knows it by itself, and would pay a temporary table to be asked. */
  givingId(insert: InsertQueryBuilder<Tables, string, object>): Compilable
  /** Whether a column of whole numbers is among those of an argument, a JSON array as text. */
  among(column: string, name: string): RawBuilder<boolean>
  /** The id that this write gave last to a row of this table. */
  lastId(table: string): RawBuilder<number>
}

/** Stands for an argument in a query under construction. */
export function argument<Type>(name: string): RawBuilder<Type> {
  return sql<Type>`${{ argument: name }}`
}

/** An argument in a list of columns, where PostgreSQL cannot see its type. */
export function textArgument(name: string): RawBuilder<string> {
  return sql<string>`cast(${argument(name)} as text)`
}

/** Columns as the properties of a row. Values: property name → column. */
export function selected(columns: Readonly<Record<string, string>>) {
  return Object.entries(columns).map(([property, column]) => sql.ref(column).as(property))
}

let compiledStatements = 0

/** Compiles a query to a statement. Its name is unique in the process and fits PostgreSQL's 63 bytes. */
export function statement(label: string, query: Compilable): Statement {
  const compiled = query.compile()
  const parameters = compiled.parameters.map((value): Parameter => (isArgument(value) ? value : { constant: value }))
  return { name: `${label.slice(0, 48)} #${++compiledStatements}`, sql: compiled.sql, parameters }
}

function isArgument(value: unknown): value is { argument: string } {
  return typeof value === 'object' && value !== null && 'argument' in value
}

const config = (
  dialect: Pick<KyselyConfig['dialect'], 'createAdapter' | 'createIntrospector' | 'createQueryCompiler'>,
) => new Kysely<Tables>({ dialect: { ...dialect, createDriver: () => new DummyDriver() } })

export const sqlite = createDialect(
  'sqlite',
  config({
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }),
)

export const postgres = createDialect(
  'postgres',
  config({
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  }),
)

function createDialect(name: Dialect['name'], kysely: Kysely<Tables>): Dialect {
  const isSqlite = name === 'sqlite'
  const text = isSqlite ? sql`text` : sql`text collate "C"`
  const integer = isSqlite ? sql`integer` : sql`bigint`
  const schema = kysely.schema
  const createNumbered = (table: string) =>
    schema
      .createTable(table)
      .addColumn('id', integer, (column) =>
        isSqlite ? column.primaryKey().autoIncrement() : column.generatedByDefaultAsIdentity().primaryKey(),
      )
  return {
    name,
    kysely,
    json: isSqlite ? sqliteJson : postgresJson,
    givingId: (insert) => (isSqlite ? insert : insert.returning('id')),
    among: (column, name) =>
      isSqlite
        ? sql`${sql.ref(column)} in (select value from json_each(${argument(name)}))`
        : sql`${sql.ref(column)} = any(cast(translate(${argument(name)}, '[]', '{}') as bigint[]))`,
    lastId: (table) =>
      isSqlite
        ? sql`(select seq from sqlite_sequence where name = ${sql.lit(table)})`
        : sql`currval(pg_get_serial_sequence(${sql.lit(table)}, 'id'))`,
    migration: {
      schema,
      text,
      integer,
      real: isSqlite ? sql`real` : sql`double precision`,
      createNumbered,
      createCollection: (table) =>
        createNumbered(table)
          .addColumn('version', integer, (column) => column.notNull())
          .addColumn('created_at', text, (column) => column.notNull())
          .addColumn('updated_at', text, (column) => column.notNull()),
    },
  }
}

function sqliteJson(columns: Readonly<Record<string, string>>): RawBuilder<string> {
  const pairs = Object.entries(columns).map(([property, column]) => sql`${sql.lit(property)}, ${sql.ref(column)}`)
  return sql`json_object(${sql.join(pairs)})`
}

/** `json_build_object` puts spaces around colons, so that the text is joined from its values. */
function postgresJson(columns: Readonly<Record<string, string>>): RawBuilder<string> {
  const pairs = Object.entries(columns).map(
    ([property, column], index) =>
      sql`${sql.lit(`${index === 0 ? '{' : ','}${JSON.stringify(property)}:`)} || coalesce(to_json(${sql.ref(column)})::text, 'null')`,
  )
  return sql`${sql.join(pairs, sql` || `)} || '}'`
}
