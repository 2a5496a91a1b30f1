/** Shapes as XML Schema types (XSD 1.0), each name made once. */

import { ContractError } from '../../contract/contract-error.ts'
import type { EnumShape, Field, ObjectShape, Shape } from '../../contract/walk.ts'
import { escapeAttribute, escapeText } from './encode.ts'
import { type Order, orderedFields } from './order.ts'

/** What can stand as the type of an element: a name, or a definition in place. */
type TypeOf = { name: string } | { inline: string }

export class Types {
  readonly #order: Order
  readonly #known = new Map<string, { from: string; text: string }>()

  constructor(order: Order) {
    this.#order = order
  }

  /** The definitions of all named types that were asked for, by name. */
  get definitions(): string {
    return [...this.#known]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { text }]) => text)
      .join('')
  }

  /** An element of a message: its type has no name of its own. */
  message(shape: ObjectShape): string {
    return `<xs:element name="${shape.name}">${documented(shape.description)}<xs:complexType>${this.#sequence(shape)}</xs:complexType></xs:element>`
  }

  /** The name of an object's type. */
  named(shape: ObjectShape): string {
    return this.#once(shape.name, shape, () => {
      const content = documented(shape.description) + this.#sequence(shape)
      return `<xs:complexType name="${shape.name}">${content}</xs:complexType>`
    })
  }

  #sequence(shape: ObjectShape): string {
    const elements = orderedFields(shape, this.#order).map((field) => this.#element(field))
    return elements.length === 0 ? '<xs:sequence/>' : `<xs:sequence>${elements.join('')}</xs:sequence>`
  }

  #element({ name, shape, required, nullable, description, deprecated }: Field): string {
    const isList = shape.kind === 'list'
    const least = required && !isList ? '' : ' minOccurs="0"'
    const most = isList ? ' maxOccurs="unbounded"' : ''
    const nil = isList ? nullable || shape.nullableItems || !required : nullable
    const type = isList ? this.#item(shape.items) : this.#typeOf(shape)
    const text = deprecated ? `Deprecated. ${description ?? ''}`.trim() : description
    const attributes = `name="${name}"${'name' in type ? ` type="${type.name}"` : ''}${least}${most}${nil ? ' nillable="true"' : ''}`
    const content = documented(text) + ('inline' in type ? type.inline : '')
    return content === '' ? `<xs:element ${attributes}/>` : `<xs:element ${attributes}>${content}</xs:element>`
  }

  /** A list of lists has an element around each inner one. */
  #item(shape: Shape): TypeOf {
    if (shape.kind !== 'list') return this.#typeOf(shape)
    return { inline: inlineSequence(this.#element(plainField('item', shape))) }
  }

  #typeOf(shape: Shape): TypeOf {
    switch (shape.kind) {
      case 'object':
        return { name: `tns:${this.named(shape)}` }
      case 'union':
        return { name: `tns:${this.#union(shape)}` }
      case 'enum':
        return { name: `tns:${this.#once(shape.name, shape, () => enumeration(shape))}` }
      case 'string':
        return shape.constant === undefined ? { name: 'xs:string' } : { inline: restriction([shape.constant]) }
      case 'record': {
        const fields = [plainField('key', { kind: 'string' }), plainField('value', shape.values)]
        const entry = `<xs:element name="entry" minOccurs="0" maxOccurs="unbounded">${inlineSequence(
          fields.map((field) => this.#element(field)).join(''),
        )}</xs:element>`
        return { inline: inlineSequence(entry) }
      }
      case 'integer':
        return { name: shape.large ? 'xs:long' : 'xs:int' }
      case 'list':
        return this.#item(shape)
      default:
        return { name: simpleTypes[shape.kind] }
    }
  }

  #union(shape: Extract<Shape, { kind: 'union' }>): string {
    return this.#once(shape.name, shape, () => {
      const choices = shape.members
        .map((member) => `<xs:element name="${member.name}" type="tns:${this.named(member)}"/>`)
        .join('')
      return `<xs:complexType name="${shape.name}">${documented(shape.description)}<xs:choice>${choices}</xs:choice></xs:complexType>`
    })
  }

  /** @throws {ContractError} when two different shapes have one name. */
  #once(name: string, shape: Shape, make: () => string): string {
    const from = JSON.stringify(shape)
    const made = this.#known.get(name)
    if (made !== undefined && made.from !== from)
      throw new ContractError(`the XML type ${name} stands for two different schemas: give one another $id`)
    if (made === undefined) {
      const entry = { from, text: '' }
      this.#known.set(name, entry)
      entry.text = make()
    }
    return name
  }
}

const simpleTypes = {
  'date-time': 'xs:dateTime',
  number: 'xs:double',
  boolean: 'xs:boolean',
  /** JSON as text. */
  unknown: 'xs:string',
} as const

/** An annotation, or nothing. */
export function documented(text: string | undefined): string {
  return text === undefined
    ? ''
    : `<xs:annotation><xs:documentation>${escapeText(text)}</xs:documentation></xs:annotation>`
}

export function plainField(name: string, shape: Shape): Field {
  return {
    name,
    shape,
    required: true,
    nullable: false,
    description: undefined,
    deprecated: false,
    refersTo: undefined,
  }
}

function inlineSequence(elements: string): string {
  return `<xs:complexType><xs:sequence>${elements}</xs:sequence></xs:complexType>`
}

function enumeration({ name, description, values }: EnumShape): string {
  return restriction(values).replace('<xs:simpleType>', `<xs:simpleType name="${name}">${documented(description)}`)
}

function restriction(values: readonly string[]): string {
  const each = values.map((value) => `<xs:enumeration value="${escapeAttribute(value)}"/>`).join('')
  return `<xs:simpleType><xs:restriction base="xs:string">${each}</xs:restriction></xs:simpleType>`
}
