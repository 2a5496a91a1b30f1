/** Which property of a user is which field of a contact, and what becomes of values on the way. */

import { ConfigError } from '../../config.ts'
import { fold } from '../../schemas/email.ts'

export interface MappedField {
  /** Of the user. */
  readonly property: string
  /** Of the contact. */
  readonly field: string
}

/** By field; of a contact, or of a user as the contact is to be. */
export type Values = Readonly<Record<string, unknown>>

/** Set by Salesforce, or what the contact is known by. */
const reserved = ['Id', 'SystemModstamp']
/** What jsforce takes for the name of the object; a field `Type` can be written so. */
const notFields = ['type', 'attributes']

export class Mapping {
  readonly fields: readonly MappedField[]

  private constructor(fields: readonly MappedField[]) {
    this.fields = fields
  }

  /** @throws {ConfigError} for a field or property that is named twice, and for the one that names the user. */
  static of(setting: string, externalId: string): Mapping {
    const fields = setting.split(' ').map((pair) => {
      const [property = '', field = ''] = pair.split(':')
      return { property, field }
    })
    const names = fields.flatMap(({ property, field }) => [`property ${property}`, `field ${field.toLowerCase()}`])
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice) throw new ConfigError(`SALESFORCE_FIELDS names the ${twice} twice`)
    const taken = fields.find(
      ({ field }) => notFields.includes(field) || [...reserved, externalId].some((name) => isSameName(name, field)),
    )
    if (taken) throw new ConfigError(`SALESFORCE_FIELDS cannot name ${taken.field}`)
    return new Mapping(fields)
  }

  get names(): string[] {
    return this.fields.map(({ field }) => field)
  }

  /** @throws {ConfigError} for a property that users do not have. */
  check(properties: readonly string[]): void {
    const missing = this.fields.find(({ property }) => !properties.includes(property))
    if (missing) throw new ConfigError(`SALESFORCE_FIELDS names ${missing.property}, which users do not have`)
  }

  /** A user as its contact is to be. */
  valuesOf(user: Readonly<Record<string, unknown>>): Values {
    return Object.fromEntries(this.fields.map(({ property, field }) => [field, plain(user[property])]))
  }
}

/** API names are the same in any case. */
function isSameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

/** Salesforce keeps no empty text, and no lists or objects. */
function plain(value: unknown): unknown {
  if (value === undefined || value === null || value === '') return null
  return typeof value === 'object' ? JSON.stringify(value) : value
}

/**
 * Whether two values are one to Salesforce: it trims texts, writes addresses in lower case, and times to the second; a
 * field may hold as text what is a number here.
 */
export function isSame(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other)
}

export function areSame(one: Values, other: Values): boolean {
  return [...Object.keys(one), ...Object.keys(other)].every((field) => isSame(one[field], other[field]))
}

const address = /^[^\s@]+@[^\s@]+$/
const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/

function canonical(value: unknown): string {
  const text = String(value ?? '').trim()
  if (address.test(text)) return fold(text)
  const time = moment.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? text : `second ${Math.floor(time / 1000)}`
}
