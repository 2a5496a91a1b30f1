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

type Fields = Readonly<Record<string, unknown>>

/** To a query (SOQL). */
interface Answered {
  records: Fields[]
  /** Of a long answer, where it goes on. */
  nextRecordsUrl?: string
}

/** Users asked for in one query: a URL has up to 16,384 characters. */
const atOnce = 500

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
      const record = await connection.retrieve(this.#object, this.#at(userId), { fields: this.#read })
      return this.#contactOf(record, self)
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /**
   * Whether a contact is not the user's any more: deleted, or with another external id. Salesforce says of one that the
   * server may not see that it is not there.
   */
  async isGone({ connection }: Attempt, id: string): Promise<boolean> {
    const soql = `select IsDeleted from ${this.#object} where Id = '${id}'`
    const { records }: Answered = await connection.request(`/queryAll?q=${encodeURIComponent(soql)}`)
    return records.length > 0
  }

  /** Of these users, by their id; of one there are several where the external id is not unique. */
  async among({ connection, userId: self }: Attempt, userIds: readonly number[]): Promise<Map<number, Contact[]>> {
    const found = new Map<number, Contact[]>()
    for (let at = 0; at < userIds.length; at += atOnce) {
      const ids = userIds.slice(at, at + atOnce).map((id) => `'${id}'`)
      const where = `${this.#externalId} in (${ids.join(',')})`
      const soql = `select ${[this.#externalId, ...this.#read].join(',')} from ${this.#object} where ${where}`
      let next: string | undefined = `/query?q=${encodeURIComponent(soql)}`
      while (next !== undefined) {
        const { records, nextRecordsUrl }: Answered = await connection.request(next)
        for (const record of records) {
          const userId = Number(valueIn(record, this.#externalId))
          found.set(userId, [...(found.get(userId) ?? []), this.#contactOf(record, self)])
        }
        next = nextRecordsUrl
      }
    }
    return found
  }

  /** Makes it, or sets these of its fields. `read`: refused with 412 where it has changed since; Salesforce sees seconds. */
  async upsert({ connection }: Attempt, userId: number, values: Values, read?: Contact): Promise<void> {
    const record = { [this.#externalId]: userId, ...values }
    const headers = read && { 'if-unmodified-since': secondOf(read.modstamp) }
    const upsert = () => connection.upsert(this.#object, record, this.#externalId, { ...(headers && { headers }) })
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

  get #read(): string[] {
    return ['SystemModstamp', 'LastModifiedById', ...this.#fields]
  }

  #contactOf(record: Fields, self: string): Contact {
    const values = Object.fromEntries(this.#fields.map((field) => [field, valueIn(record, field) ?? null]))
    return { modstamp: String(record.SystemModstamp), isOurs: record.LastModifiedById === self, values }
  }

  #at(userId: number): string {
    return `${this.#externalId}/${userId}`
  }
}

/** As headers say it (RFC 9110 section 5.6.7), not before the moment. */
function secondOf(moment: string): string {
  return new Date(Math.ceil(Date.parse(moment) / 1000) * 1000).toUTCString()
}

/** The settings may write the name of a field in another case than Salesforce does. */
function valueIn(record: Fields, field: string): unknown {
  if (field in record) return record[field]
  return Object.entries(record).find(([name]) => name.toLowerCase() === field.toLowerCase())?.[1]
}

/** There is no such record; where there is no such field, the answer says so. */
function isMissing(error: unknown): boolean {
  return (
    error instanceof Refusal &&
    error.has('NOT_FOUND', 'ENTITY_IS_DELETED') &&
    !error.errors.some(({ message }) => /external id field/i.test(message))
  )
}
