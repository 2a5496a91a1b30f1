/** The storage as routes see it: collections by declaration, over whichever engine is open. */

import type { TObject } from '@sinclair/typebox'
import type { Declaration, Migration } from '../schemas/collection.ts'
import type { EventType } from '../schemas/event.ts'
import { Collection } from './collection.ts'
import { argument, statement } from './dialect.ts'
import { coreMigrations } from './migrations.ts'
import { type Storage, UniqueViolation } from './storage.ts'

export class Store {
  readonly engine: Storage
  readonly #collections: Collection<TObject>[] = []
  readonly #migrations: Migration[] = []
  #timer: NodeJS.Timeout | undefined

  readonly #keep: number

  /** `keep`: bytes of rendered rows that a collection may hold in memory for each view. */
  constructor(engine: Storage, keep: number) {
    this.engine = engine
    this.#keep = keep
  }

  /**
   * The collection of a declaration. Its migrations run when the server gets ready, so declare at registration.
   * `keep` as for the constructor.
   */
  collection<Input extends TObject>(declaration: Declaration<Input>, keep = this.#keep): Collection<Input> {
    const collection = new Collection(this.engine, declaration, keep)
    this.#collections.push(collection as unknown as Collection<TObject>)
    return collection
  }

  /** The events that changes of collections emit. */
  get eventTypes(): EventType[] {
    return this.#collections.flatMap(({ declaration: { events } }) =>
      [events?.created, events?.updated, events?.deleted].filter((event) => event !== undefined),
    )
  }

  /** The collection that a resource has declared under this name; known once all routes are registered. */
  named(name: string): Collection<TObject> {
    const collection = this.#collections.find(({ declaration }) => declaration.name === name)
    if (collection === undefined) throw new Error(`no resource has declared the collection ${name}`)
    return collection
  }

  /** Tables that are no collection. They come after the collections, which they may refer to. */
  declare(migrations: readonly Migration[]): void {
    this.#migrations.push(...migrations)
  }

  /** Applies what the database lacks, and fills new collections with their seed where that is wanted. */
  async migrate(seed: boolean): Promise<string[]> {
    const own = this.#collections.flatMap(({ declaration }) => declaration.migrations)
    const applied = await this.engine.migrate([...coreMigrations, ...own, ...this.#migrations])
    if (seed) for (const collection of this.#collections) await this.#seed(collection)
    return applied
  }

  /** A seed is recorded like a migration, in the transaction of its rows: a deleted example user stays deleted. */
  async #seed(collection: Collection<TObject>): Promise<void> {
    const { name, seed = [] } = collection.declaration
    if (seed.length === 0) return
    const { kysely } = this.engine.dialect
    const id = `${name}-seed`
    const done = statement('seeded', kysely.selectFrom('seeds').select('id').where('id', '=', argument('id')))
    if ((await this.engine.first(done, { id })) !== undefined || (await collection.count()) > 0) return
    const record = statement(
      'seed',
      kysely.insertInto('seeds').values({ id: argument('id'), applied_at: argument('now') }),
    )
    try {
      await collection.seed([record, { id, now: new Date().toISOString() }])
    } catch (error) {
      // Another process that started at the same time was first.
      if (!(error instanceof UniqueViolation)) throw error
    }
  }

  /** Deletes kept replies of this age (ms), now and every ten minutes. */
  forgetRepliesAfter(age: number, onError: (error: unknown) => void): void {
    const { kysely } = this.engine.dialect
    const forget = statement(
      'forget replies',
      kysely.deleteFrom('idempotency_keys').where('created_at', '<', argument('before')),
    )
    const run = () => {
      const before = new Date(Date.now() - age).toISOString()
      this.engine.write([[forget, { before }]]).catch(onError)
    }
    run()
    this.#timer = setInterval(run, 600_000).unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.engine.close()
  }
}
