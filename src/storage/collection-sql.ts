/** The statements of one collection, compiled from its declaration and kept by what they depend on. */

import type { TObject } from '@sinclair/typebox'
import { type Compilable, type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import type { AnyDeclaration } from '../schemas/collection.ts'
import type { Order } from './cursor.ts'
import { argument, type Dialect, statement, type Tables, textArgument } from './dialect.ts'
import { columnOf, emission } from './outbox.ts'
import type { Row, Statement } from './storage.ts'

/** What can happen to a row. */
export type Change = 'created' | 'updated' | 'deleted'

type Select = SelectQueryBuilder<Tables, string, unknown>

export class CollectionSql {
  readonly #dialect: Dialect
  readonly #declaration: AnyDeclaration
  readonly #table: string
  readonly #kept = new Map<object | string, Map<string, Statement>>()
  readonly #keyByProperty = new Map<string, string>()

  constructor(dialect: Dialect, declaration: AnyDeclaration) {
    this.#dialect = dialect
    this.#declaration = declaration
    this.#table = declaration.name
    for (const [key, { of }] of Object.entries(declaration.keys ?? {})) this.#keyByProperty.set(of, key)
    const names = [...Object.keys(declaration.input.properties), ...Object.keys(declaration.keys ?? {})]
    const values = Object.fromEntries(names.map((name) => [columnOf(name), argument(name)]))
    const insert = dialect.kysely
      .insertInto(this.#table)
      .values({ ...values, version: 1, created_at: argument('now'), updated_at: argument('now') })
    this.insert = { ...statement(`${this.#table} insert`, dialect.givingId(insert)), givesId: true }
    const emissionOf = (change: Change) => {
      const { path, owner, [change]: event } = declaration.events ?? { path: '' }
      const which = change === 'created' ? 'last' : 'given'
      const ofOwner = owner === undefined ? undefined : sql.ref<number>(columnOf(owner))
      return event && emission(dialect, this.#table, path, event, which, ofOwner)
    }
    this.emissions = { created: emissionOf('created'), updated: emissionOf('updated'), deleted: emissionOf('deleted') }
  }

  /** One row; `checked`, only while it has the given version. */
  get(view: TObject, checked = false): Statement {
    return this.#keep(view, checked ? 'get checked' : 'get', () => {
      const query = this.#from()
        .select(['version', this.#json(view)])
        .where('id', '=', argument('id'))
      return checked ? query.where('version', '=', argument('version')) : query
    })
  }

  get version(): Statement {
    return this.#keep('', 'version', () => this.#from().select(['id', 'version']).where('id', '=', argument('id')))
  }

  page(view: TObject, order: Order, filters: readonly string[], continued: boolean): Statement {
    const { property, descending } = order
    return this.#keep(view, `page ${property} ${descending} ${continued} ${filters.join()}`, () => {
      const key = this.#comparison(property)
      const direction = descending ? 'desc' : 'asc'
      let query = this.#filtered(this.#from().select(this.#json(view)), filters).orderBy(key, direction)
      if (key !== 'id') query = query.orderBy('id', direction)
      if (continued) query = query.where(after(key, descending))
      return query.limit(argument<number>('limit'))
    })
  }

  count(filters: readonly string[]): Statement {
    return this.#keep('', `count ${filters.join()}`, () =>
      this.#filtered(
        this.#from().select((expression) => expression.fn.countAll().as('total')),
        filters,
      ),
    )
  }

  /** Adds a row and gives its id. */
  readonly insert: Statement

  update(view: TObject, names: readonly string[], checked: boolean): Statement {
    return this.#keep(view, `update ${checked} ${names.join()}`, () => {
      const values = Object.fromEntries(names.map((name) => [columnOf(name), argument(name)]))
      const query = this.#dialect.kysely
        .updateTable(this.#table)
        .set({ ...values, version: sql`version + 1`, updated_at: argument('now') })
        .where('id', '=', argument('id'))
      return (checked ? query.where('version', '=', argument('version')) : query).returning([
        'version',
        this.#json(view),
      ])
    })
  }

  remove(checked: boolean): Statement {
    return this.#keep('', `remove ${checked}`, () => {
      const query = this.#dialect.kysely.deleteFrom(this.#table).where('id', '=', argument('id'))
      return (checked ? query.where('version', '=', argument('version')) : query).returning('id')
    })
  }

  /** Tells of a change; nothing where the collection declares no event of this kind. */
  readonly emissions: Readonly<Record<Change, Statement | undefined>>

  /** Stores the reply to an insert that ran just before it in the same write. */
  keepReply(view: TObject): Statement {
    return this.#keep(view, 'keep reply', () => {
      const given = ['scope', 'key', 'fingerprint'].map((name) => textArgument(name).as(name))
      const reply = this.#from()
        .select([...given, 'id', 'version', this.#json(view), textArgument('now').as('now')])
        .where('id', '=', this.#dialect.lastId(this.#table))
      return this.#dialect.kysely
        .insertInto('idempotency_keys')
        .columns(['scope', 'key', 'fingerprint', 'resource_id', 'version', 'reply', 'created_at'])
        .expression(reply)
    })
  }

  get reply(): Statement {
    return this.#keep('', 'reply', () =>
      this.#dialect.kysely
        .selectFrom('idempotency_keys')
        .select(['fingerprint', 'resource_id as id', 'version', 'reply as json'])
        .where('scope', '=', argument('scope'))
        .where('key', '=', argument('key')),
    )
  }

  /** Whether a value that came with a cursor can be compared with the property, or with its key. */
  compares(property: string): (value: unknown) => boolean {
    switch (this.#typeOf(property)) {
      case 'integer':
        return Number.isSafeInteger
      case 'number':
        return Number.isFinite
      default:
        return (value) => typeof value === 'string' && !value.includes('\0')
    }
  }

  #typeOf(property: string): unknown {
    if (property === 'id' || property === 'version') return 'integer'
    return this.#keyByProperty.has(property) ? 'string' : this.#declaration.input.properties[property]?.type
  }

  /** The function from a property's value to what it is compared by. */
  keyOf(property: string): (value: unknown) => unknown {
    const key = this.#declaration.keys?.[this.#keyByProperty.get(property) ?? '']
    return (value) => (key ? key.normalise(value as string) : value)
  }

  /** The property whose comparison key is in this column. */
  propertyOfKey(column: string): string {
    for (const [property, key] of this.#keyByProperty) if (columnOf(key) === column) return property
    return column
  }

  #from(): Select {
    return this.#dialect.kysely.selectFrom(this.#table) as unknown as Select
  }

  #json(view: TObject) {
    const columns = Object.fromEntries(Object.keys(view.properties).map((name) => [name, columnOf(name)]))
    return this.#dialect.json(columns).as('json')
  }

  #comparison(property: string): string {
    return columnOf(this.#keyByProperty.get(property) ?? property)
  }

  #filtered(query: Select, filters: readonly string[]): Select {
    return filters.reduce((narrowed, property) => {
      if (property === 'id') return narrowed.where(this.#dialect.among('id', 'id'))
      const column = this.#comparison(property)
      const value = argument<string>(property)
      return this.#declaration.filters?.[property] === 'startsWith'
        ? narrowed.where(column, '>=', value).where(column, '<', argument<string>(endOf(property)))
        : narrowed.where(column, '=', value)
    }, query)
  }

  #keep(view: object | string, name: string, build: () => Compilable): Statement {
    const statements = this.#kept.get(view) ?? new Map<string, Statement>()
    this.#kept.set(view, statements)
    const kept = statements.get(name) ?? statement(`${this.#table} ${name}`, build())
    statements.set(name, kept)
    return kept
  }
}

/** The rows behind the last one seen; a row value, so that one index range answers it. */
function after(key: string, descending: boolean): RawBuilder<boolean> {
  const operator = sql.raw(descending ? '<' : '>')
  if (key === 'id') return sql`id ${operator} ${argument('afterId')}`
  return sql`(${sql.ref(key)}, id) ${operator} (${argument('afterKey')}, ${argument('afterId')})`
}

/** The argument that holds the end of a prefix's range. */
export function endOf(property: string): string {
  return `${property} end`
}

/** The first text behind all those that begin with a prefix, in code point order. */
export function prefixEnd(prefix: string): string {
  const points = [...prefix].map((character) => character.codePointAt(0) ?? 0)
  while (points.at(-1) === 0x10ffff) points.pop()
  const last = points.pop()
  // Of a prefix that holds nothing but the highest code point there is no such text; this is behind any name.
  if (last === undefined) return '\u{10FFFF}'.repeat(1000)
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1)
}

/** The comparison keys of those properties that the input has. */
export function keyValues(declaration: AnyDeclaration, input: Row): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [name, { of, normalise }] of Object.entries(declaration.keys ?? {})) {
    const value = input[of]
    if (value !== undefined) values[name] = typeof value === 'string' ? normalise(value) : value
  }
  return values
}

/** The text that the statements here would give for this row. */
export function render(view: TObject, row: Row): string {
  const shown: Record<string, unknown> = {}
  for (const property in view.properties) shown[property] = row[property] ?? null
  return JSON.stringify(shown)
}
