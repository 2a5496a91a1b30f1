/** Contacts by the id of their user, over REST. */

import type { Values } from './mapping.ts'
import { isRace, Refusal } from './refusal.ts'
import type { Attempt } from './session.ts'
import type { SalesforceSettings } from './settings.ts'

export interface Contact {
  /** When it was last changed, by anybody; to the second. */
  modstamp: string
  /** That it was last changed by the server. */
  isOurs: boolean
  values: Values
}

export class Contacts {
  readonly #object: string
  readonly #externalId: string
  readonly #fields: readonly string[]

  constructor({ object, externalId, mapping }: SalesforceSettings) {
    this.#object = object
    this.#externalId = externalId
    this.#fields = mapping.names
  }

  /** Nothing where there is none. */
  async get({ connection, userId: self }: Attempt, userId: number): Promise<Contact | undefined> {
    try {
      const fields = ['SystemModstamp', 'LastModifiedById', ...this.#fields]
      const record = await connection.retrieve(this.#object, this.#at(userId), { fields })
      const values = Object.fromEntries(this.#fields.map((field) => [field, record[field] ?? null]))
      return { modstamp: String(record.SystemModstamp), isOurs: record.LastModifiedById === self, values }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** Makes it, or sets these of its fields. */
  async upsert({ connection }: Attempt, userId: number, values: Values): Promise<void> {
    const record = { [this.#externalId]: userId, ...values }
    const upsert = () => connection.upsert(this.#object, record, this.#externalId)
    await upsert().catch((error: unknown) => {
      if (isRace(error, this.#externalId)) return upsert()
      throw error
    })
  }

  async remove({ connection }: Attempt, userId: number): Promise<void> {
    try {
      await connection.destroy(this.#object, this.#at(userId))
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }

  #at(userId: number): string {
    return `${this.#externalId}/${userId}`
  }
}

/** There is no such record; where there is no such field, the answer says so. */
function isMissing(error: unknown): boolean {
  return (
    error instanceof Refusal &&
    error.has('NOT_FOUND', 'ENTITY_IS_DELETED') &&
    !error.errors.some(({ message }) => /external id field/i.test(message))
  )
}
