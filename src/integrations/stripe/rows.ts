/** Rows that follow what Stripe says, whoever else writes them at the same time. */

import type { Static, TObject } from '@sinclair/typebox'
import type { JsonText } from '../../contract/json-text.ts'
import { Problem } from '../../errors.ts'
import type { Collection, Found } from '../../storage/collection.ts'

/** A row as this folder reads it. */
export type Versioned<Row> = Row & { readonly version: number }

export class Rows<Input extends TObject, View extends TObject> {
  readonly collection: Collection<Input>
  readonly #view: View

  /** `view`: everything of a row. */
  constructor(collection: Collection<Input>, view: View) {
    this.collection = collection
    this.#view = view
  }

  /** @throws {Problem} `not-found` */
  async get(id: number): Promise<Versioned<Static<View>>> {
    return this.#read(await this.collection.get(this.#view, id))
  }

  /** Nothing where somebody has changed the row since it was read. */
  async change(
    { id, version }: { id: number; version: number },
    changes: Partial<Static<Input>>,
  ): Promise<Versioned<Static<View>> | undefined> {
    try {
      return this.#read(await this.collection.update(this.#view, id, changes, [version]))
    } catch (error) {
      if (error instanceof Problem && error.code === 'precondition-failed') return undefined
      throw error
    }
  }

  #read({ version, json }: Found<Static<View>>): Versioned<Static<View>> {
    return { ...((json as unknown as JsonText).toJSON() as Static<View>), version }
  }
}
