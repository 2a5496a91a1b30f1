/** A resource's rows: reads by id and by page, writes with preconditions, all as statements compiled from its declaration. */

import type { Static, TObject } from '@sinclair/typebox'
import { preconditionFailed } from '../contract/etag.ts'
import { type Eventually, whenever } from '../contract/eventually.ts'
import type { Once } from '../contract/idempotency.ts'
import { JsonText } from '../contract/json-text.ts'
import { Problem } from '../errors.ts'
import type { Declaration } from '../schemas/collection.ts'
import { type Change, CollectionSql, endOf, keyValues, prefixEnd, render } from './collection-sql.ts'
import { decodeCursor, encodeCursor, type Order, parseSort } from './cursor.ts'
import { Kept } from './kept.ts'
import { emitted } from './outbox.ts'
import {
  type Alongside,
  type Arguments,
  type Command,
  type Row,
  type Statement,
  type Storage,
  UnexpectedRows,
  UniqueViolation,
} from './storage.ts'

/** One row as a view shows it; `json` is rendered text, typed as the value. */
export interface Found<Value> {
  id: number
  version: number
  json: Value
}

export interface Created<Value> extends Found<Value> {
  /** The change had been made before, by a request with the same `Idempotency-Key`; `json` is its reply. */
  replayed: boolean
}

export interface PageQuery {
  limit: number
  cursor?: string | undefined
  /** Property name, with `-` before it for descending order. Default `id`. */
  sort?: string | undefined
  filter?: Filter
}

/** Values of the declared filters, by property; any collection can be filtered by some `id`s too. */
export type Filter = Readonly<{ id?: readonly number[] | undefined; [property: string]: FilterValue }>
type FilterValue = string | readonly number[] | undefined

export interface Page<Value> {
  items: Value[]
  /** Cursor of the next page; absent on the last. */
  next: string | undefined
}

/** Versions that a caller accepts as the current one: `If-Match`, already read. */
export type Versions = 'any' | readonly number[]

type Version = Pick<Found<unknown>, 'id' | 'version'>

export class Collection<Input extends TObject> {
  readonly declaration: Declaration<Input>
  readonly #storage: Storage
  readonly #sql: CollectionSql
  readonly #kept: Kept | undefined

  /** `keep`: bytes of rendered rows to hold in memory for each view, where the engine allows it. */
  constructor(storage: Storage, declaration: Declaration<Input>, keep: number) {
    this.declaration = declaration
    this.#storage = storage
    this.#sql = new CollectionSql(storage.dialect, declaration)
    const { generation } = storage
    if (generation && keep > 0) this.#kept = new Kept(keep, generation.bind(storage))
  }

  /** @throws {Problem} `not-found` */
  get<View extends TObject>(view: View, id: number): Eventually<Found<Static<View>>> {
    const kept = this.#kept?.row(view, id)
    if (kept !== undefined) return kept as Found<Static<View>>
    return whenever(this.#storage.first(this.#sql.get(view), { id }), (row) => {
      if (row === undefined) throw this.#notFound()
      const result = found<Static<View>>(row, id)
      this.#kept?.keepRow(view, result)
      return result
    })
  }

  /** @throws {Problem} `validation-failed` for a cursor that no page of this order has given. */
  page<View extends TObject>(view: View, query: PageQuery): Eventually<Page<Static<View>>> {
    const { limit, cursor, sort = 'id' } = query
    const filter = this.#filter(query.filter)
    // First pages are asked for again and again; those behind them, and those of some ids, are too many to meet one twice.
    const keeps = this.#kept && cursor === undefined && filter.id === undefined
    const key = keeps ? JSON.stringify([limit, sort, filter]) : undefined
    const kept = key && this.#kept?.page(view, key)
    if (kept) return kept as Page<Static<View>>
    const order = parseSort(sort)
    const after = cursor === undefined ? undefined : decodeCursor(cursor, order, this.#sql.compares(order.property))
    const statement = this.#sql.page(view, order, Object.keys(filter), after !== undefined)
    return whenever(
      this.#storage.texts(statement, { ...this.#filterArguments(filter), ...after, limit: limit + 1 }),
      (rows) => {
        const page = this.#pageOf<Static<View>>(rows, limit, order)
        if (key) this.#kept?.keepPage(view, key, page)
        return page
      },
    )
  }

  #pageOf<Value>(rows: string[], limit: number, order: Order): Page<Value> {
    const more = rows.length > limit
    if (more) rows.length = limit
    const last = more ? rows.at(-1) : undefined
    const next = last && encodeCursor(order, JSON.parse(last) as Row, this.#sql.keyOf(order.property))
    return { items: JsonText.of(`[${rows.join(',')}]`), next }
  }

  /** How many rows pass the filter. Reads them all: offer it on request only. */
  async count(filter: PageQuery['filter'] = {}): Promise<number> {
    const given = this.#filter(filter)
    const row = await this.#storage.first<{ total: number }>(
      this.#sql.count(Object.keys(given)),
      this.#filterArguments(given),
    )
    return row?.total ?? 0
  }

  /**
   * Adds a row. With `once`, the reply is stored in the same transaction, and a repeated request gets
   * that reply and changes nothing. `further` commands belong to the same transaction, behind the row.
   *
   * @throws {Problem} `conflict`; `idempotency-key-reused` when the key came with another request.
   */
  async insert<View extends TObject>(
    view: View,
    input: Static<Input>,
    once?: Once,
    further: readonly Command[] = [],
  ): Promise<Created<Static<View>>> {
    const now = new Date().toISOString()
    const commands: Command[] = [[this.#sql.insert, { ...this.#values(input), now }]]
    if (once) commands.push([this.#sql.keepReply(view), { ...once, now }])
    commands.push(...this.#emission('created', now), ...further)
    try {
      const written = (await this.#storage.write(commands)) as [[Pick<Version, 'id'>]]
      this.#kept?.forgetPages()
      const { id } = written[0][0]
      const json = JsonText.of<Static<View>>(render(view, { ...input, id, version: 1, createdAt: now, updatedAt: now }))
      return { id, version: 1, json, replayed: false }
    } catch (error) {
      if (!(error instanceof UniqueViolation)) throw error
      const reply = once && (await this.#storage.first(this.#sql.reply, { scope: once.scope, key: once.key }))
      if (reply === undefined) throw this.#conflict(error)
      if (reply.fingerprint !== once?.fingerprint) {
        throw new Problem('idempotency-key-reused', 'This Idempotency-Key was used for a different request')
      }
      return { ...found<Static<View>>(reply, reply.id as number), replayed: true }
    }
  }

  /**
   * Sets those properties that are given, and raises the version. Further commands belong to the same transaction, and
   * are written with the change alone: not where no property is given, or it meets no row.
   *
   * @throws {Problem} `not-found`, `conflict`, `precondition-failed` when the current version is not accepted.
   */
  async update<View extends TObject>(
    view: View,
    id: number,
    changes: Partial<Static<Input>>,
    versions: Versions = 'any',
    further: Alongside = {},
  ): Promise<Found<Static<View>>> {
    const values = this.#values(changes)
    const columns = Object.keys(values)
    const update = (checked: boolean) => this.#sql.update(view, columns, checked)
    const row = await this.#conditional(id, versions, (version) =>
      columns.length === 0
        ? this.#storage.first(this.#sql.get(view, version !== undefined), { id, version })
        : this.#change('updated', update(version !== undefined), { ...values, id, version }, further),
    )
    return found(row, id)
  }

  /**
   * Removes a row; further commands as of {@link update}.
   *
   * @throws {Problem} `not-found`, `precondition-failed` when the current version is not accepted.
   */
  async remove(id: number, versions: Versions = 'any', further: Alongside = {}): Promise<void> {
    await this.#conditional(id, versions, (version) =>
      this.#change('deleted', this.#sql.remove(version !== undefined), { id, version }, further),
    )
  }

  /** An insert as a command, to be written together with others; for a collection that keeps nothing in memory. */
  insertion(input: Static<Input>): Command {
    if (this.#kept) throw new Error(`${this.declaration.name} keeps pages that would not know of this insert`)
    return [this.#sql.insert, { ...this.#values(input), now: new Date().toISOString() }]
  }

  /** What tells of a change to the row with this id, or to the one just made. */
  #emission(change: Change, now: string, id?: unknown): [] | [Command] {
    const statement = this.#sql.emissions[change]
    return statement ? [[statement, { ...emitted(now), id }]] : []
  }

  /** Adds the declared seed, and whatever records that it was added, in one transaction. */
  async seed(record: Command): Promise<void> {
    const now = new Date().toISOString()
    const rows = (this.declaration.seed ?? []).flatMap((input): Command[] => [
      [this.#sql.insert, { ...this.#values(input), now }],
      ...this.#emission('created', now),
    ])
    await this.#storage.write([record, ...rows])
  }

  /** Runs a change under its precondition; when it meets no row, tells the reasons apart. */
  async #conditional(
    id: number,
    versions: Versions,
    run: (version: number | undefined) => Eventually<Row | undefined>,
  ): Promise<Row> {
    const current = versions === 'any' || versions.length === 1 ? undefined : await this.#current(id)
    const version =
      versions === 'any' ? undefined : versions.find((each) => current === undefined || each === current.version)
    if (versions !== 'any' && version === undefined)
      throw (await this.#current(id)) ? preconditionFailed() : this.#notFound()
    const row = await run(version)
    if (row !== undefined) return row
    throw (await this.#current(id)) ? preconditionFailed() : this.#notFound()
  }

  /** Nothing when it meets no row; then nothing is told. A row that goes is told of while it is there. */
  async #change(
    change: Change,
    statement: Statement,
    args: Arguments,
    { before = [], behind = [] }: Alongside,
  ): Promise<Row | undefined> {
    const now = new Date().toISOString()
    const told = this.#emission(change, now, args.id)
    // A lone statement needs no transaction of its own.
    const rows = before.length + told.length + behind.length === 0 ? undefined : 1
    const command: Command = [statement, { ...args, now }, rows]
    const changing = change === 'deleted' ? [...told, command] : [command, ...told]
    const commands = [...before, ...changing, ...behind]
    try {
      const results = await this.#storage.write(commands)
      this.#kept?.forget(args.id as number)
      return results[commands.indexOf(command)]?.[0]
    } catch (error) {
      if (error instanceof UnexpectedRows) return undefined
      throw error instanceof UniqueViolation ? this.#conflict(error) : error
    }
  }

  #current(id: number): Eventually<Version | undefined> {
    return this.#storage.first<Version>(this.#sql.version, { id })
  }

  /** Property values and the comparison keys made from them. */
  #values(input: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return { ...input, ...keyValues(this.declaration, input) }
  }

  #filter(filter: PageQuery['filter'] = {}): Record<string, string> {
    const given: Record<string, string> = {}
    for (const [property, value] of Object.entries(filter)) {
      if (value === undefined) continue
      given[property] = typeof value === 'string' ? (this.#sql.keyOf(property)(value) as string) : JSON.stringify(value)
    }
    return given
  }

  /** The arguments of a filter: its values, and for a prefix where its range ends. */
  #filterArguments(filter: Record<string, string>): Record<string, string> {
    const args = { ...filter }
    for (const [property, value] of Object.entries(filter)) {
      const kinds: Partial<Record<string, string>> = this.declaration.filters ?? {}
      if (kinds[property] === 'startsWith') args[endOf(property)] = prefixEnd(value)
    }
    return args
  }

  #notFound(): Problem {
    return new Problem('not-found', `${this.declaration.label} not found`)
  }

  #conflict({ column }: UniqueViolation): Problem {
    const property = this.#sql.propertyOfKey(column)
    return new Problem('conflict', `${this.declaration.label} with this ${property} exists already`, {
      errors: [{ in: 'body', pointer: `/${property}`, detail: 'is already in use' }],
    })
  }
}

function found<Value>(row: Row, id: number): Found<Value> {
  return { id, version: row.version as number, json: JsonText.of<Value>(row.json as string) }
}
