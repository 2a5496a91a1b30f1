/** Users as connectors read them: as they are now, with every property that the resource declares. */

import { type TObject, Type } from '@sinclair/typebox'
import { Problem } from '../errors.ts'
import type { Collection } from '../storage/collection.ts'
import { encodeCursor } from '../storage/cursor.ts'
import type { Store } from '../storage/store.ts'
import type { UserRecord, UserRecords } from './connector.ts'

const byId = { property: 'id', descending: false }

export class CollectionRecords implements UserRecords {
  readonly #store: Store
  #view: TObject | undefined

  /** Usable once all routes are registered: they declare the collection. */
  constructor(store: Store) {
    this.#store = store
  }

  get properties(): string[] {
    return Object.keys(this.#viewed.properties)
  }

  async get(id: number): Promise<UserRecord | undefined> {
    try {
      return plain(await this.#users.get(this.#viewed, id)) as UserRecord
    } catch (error) {
      if (error instanceof Problem && error.code === 'not-found') return undefined
      throw error
    }
  }

  async behind(id: number, limit: number): Promise<UserRecord[]> {
    const cursor = encodeCursor(byId, { id }, (value) => value)
    return plain(await this.#users.page(this.#viewed, { limit, cursor })) as UserRecord[]
  }

  count(): Promise<number> {
    return this.#users.count()
  }

  get #users(): Collection<TObject> {
    return this.#store.named('users')
  }

  get #viewed(): TObject {
    this.#view ??= Type.Object({
      id: Type.Integer(),
      ...this.#users.declaration.input.properties,
      createdAt: Type.String(),
      updatedAt: Type.String(),
    })
    return this.#view
  }
}

/** What the storage has rendered, as values. */
function plain(rendered: { json: unknown } | { items: unknown }): unknown {
  return JSON.parse(JSON.stringify('json' in rendered ? rendered.json : rendered.items))
}
