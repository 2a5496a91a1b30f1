/** Shapes as messages and enums, each name made once; their numbers are given later. */

import { ContractError } from '../../contract/contract-error.ts'
import type { EnumShape, Field, ObjectShape, Shape } from '../../contract/walk.ts'
import {
  type Cardinality,
  type EnumType,
  enumPrefixOf,
  type FieldType,
  type MessageField,
  type MessageRole,
  type MessageType,
  pascalOf,
  snakeOf,
  zeroOf,
} from './model.ts'

const none: ReadonlySet<string> = new Set()
const nothingReserved = { numbers: [], names: [] }

export class Types {
  readonly messages = new Map<string, MessageType>()
  readonly enums = new Map<string, EnumType>()
  /** What each name was made from, as text. */
  readonly #from = new Map<string, string>()

  /**
   * A message of these properties.
   *
   * @param bare Lists among them that are never there without an item, so that an absent one says the same.
   * @throws {ContractError} when two different shapes have its name.
   */
  object({ name, description, fields }: ObjectShape, bare: ReadonlySet<string> = none): MessageType {
    return this.#message(name, 'object', description, fields, () => ({
      fields: fields.flatMap((field) => this.#fieldsOf(field, name, bare)),
      constants: fields.flatMap(({ name: property, ...field }) => {
        const text = constantOf(field)
        return text === undefined ? [] : [[property, text] as const]
      }),
    }))
  }

  /** What holds a value of this shape where a field alone would do. */
  #typeOf(shape: Shape, name: string): FieldType {
    switch (shape.kind) {
      case 'object':
        return { kind: 'message', of: this.object(shape) }
      case 'union':
        return { kind: 'message', of: this.#union(shape) }
      case 'list':
      case 'record':
        return { kind: 'message', of: this.#wrapped(shape, name) }
      case 'enum':
        return { kind: 'enum', of: this.#enum(shape) }
      case 'integer':
        return { kind: shape.large ? 'int64' : 'int32' }
      case 'number':
        return { kind: 'double' }
      case 'boolean':
        return { kind: 'bool' }
      case 'date-time':
        return { kind: 'timestamp' }
      case 'unknown':
        return { kind: 'value' }
      case 'string':
        return { kind: 'string' }
    }
  }

  #fieldsOf(field: Field, owner: string, bareLists: ReadonlySet<string>): MessageField[] {
    if (constantOf(field) !== undefined) return []
    const { name: property, shape, required, nullable, description, deprecated } = field
    const path = owner + pascalOf(property)
    // Neither a list nor a record has presence: where that says something, a message around it has.
    const bare =
      (shape.kind === 'list' || shape.kind === 'record') && !nullable && (required || bareLists.has(property))
    const own: MessageField = {
      property,
      name: snakeOf(property),
      number: 0,
      ...(bare ? this.#many(shape, path) : this.#single(this.#typeOf(shape, path), required && !nullable)),
      required,
      nullable: nullable && required && shape.kind !== 'unknown',
      nullOf: undefined,
      description,
      deprecated,
    }
    // Of an optional property, an absent field says that it is absent; null needs a sign of its own.
    if (!nullable || required || shape.kind === 'unknown') return [own]
    return [own, isNull(property)]
  }

  #single(type: FieldType, always: boolean): { type: FieldType; cardinality: Cardinality } {
    return { type, cardinality: always ? 'one' : 'optional' }
  }

  #many(
    shape: Extract<Shape, { kind: 'list' | 'record' }>,
    name: string,
  ): { type: FieldType; cardinality: Cardinality } {
    const [inner, nullable, cardinality, suffix] =
      shape.kind === 'record'
        ? ([shape.values, shape.nullableValues, 'map', 'Value'] as const)
        : ([shape.items, shape.nullableItems, 'repeated', 'Item'] as const)
    const type = this.#typeOf(inner, `${name}${suffix}`)
    if (!nullable || inner.kind === 'unknown') return { type, cardinality }
    const maybe = this.#message(`${name}Maybe`, 'maybe', 'A value, or null without one.', shape, () => ({
      fields: [fieldOf('value', type, 'optional')],
    }))
    return { type: { kind: 'message', of: maybe }, cardinality }
  }

  /** A list or record as a message of its own. */
  #wrapped(shape: Extract<Shape, { kind: 'list' | 'record' }>, name: string): MessageType {
    const [role, suffix, property] =
      shape.kind === 'list' ? (['list', 'List', 'items'] as const) : (['record', 'Record', 'values'] as const)
    return this.#message(`${name}${suffix}`, role, undefined, shape, () => {
      const { type, cardinality } = this.#many(shape, name)
      return { fields: [fieldOf(property, type, cardinality)] }
    })
  }

  #union({ name, description, members }: Extract<Shape, { kind: 'union' }>): MessageType {
    return this.#message(name, 'union', description, members, () => ({
      fields: members.map((member) =>
        fieldOf(member.name, { kind: 'message', of: this.object(member) }, 'one', snakeOf(member.name)),
      ),
    }))
  }

  #enum({ name, description, values }: EnumShape): EnumType {
    const known = this.enums.get(name)
    if (this.#isKnown(name, values) && known) return known
    const made: EnumType = {
      name,
      description,
      values: values.map((value) => ({ name: enumPrefixOf(name) + enumWord(value), number: 0, value })),
      reserved: nothingReserved,
    }
    const names = [zeroOf(name), ...made.values.map((value) => value.name)]
    const twice = names.find((each, index) => names.indexOf(each) !== index)
    if (twice) throw new ContractError(`two values of ${name} are both ${twice} in gRPC`)
    this.enums.set(name, made)
    return made
  }

  #message(
    name: string,
    role: MessageRole,
    description: string | undefined,
    from: unknown,
    make: () => Pick<MessageType, 'fields'> & Partial<MessageType>,
  ): MessageType {
    const known = this.messages.get(name)
    if (this.#isKnown(name, from) && known) return known
    const { fields, constants = [] } = make()
    const names = fields.map((field) => field.name)
    const twice = names.find((each, index) => names.indexOf(each) !== index)
    if (twice) throw new ContractError(`two properties of ${name} are both ${twice} in gRPC`)
    const made: MessageType = { name, role, description, fields, constants, reserved: nothingReserved }
    this.messages.set(name, made)
    return made
  }

  /** @throws {ContractError} when the name stands for something else. */
  #isKnown(name: string, from: unknown): boolean {
    const text = JSON.stringify(from)
    const before = this.#from.get(name)
    this.#from.set(name, text)
    if (before !== undefined && before !== text)
      throw new ContractError(`the gRPC type ${name} stands for two different schemas: give one another $id`)
    return before !== undefined
  }
}

/** A field that no property of a schema has made. */
export function fieldOf(
  property: string,
  type: FieldType,
  cardinality: Cardinality,
  name = snakeOf(property),
): MessageField {
  return {
    property,
    name,
    number: 0,
    type,
    cardinality,
    required: cardinality === 'one',
    nullable: false,
    nullOf: undefined,
    description: undefined,
    deprecated: false,
  }
}

function isNull(property: string): MessageField {
  const field = fieldOf(`${property}IsNull`, { kind: 'bool' }, 'one')
  return { ...field, required: false, nullOf: property, description: `Whether \`${snakeOf(property)}\` is null.` }
}

function constantOf({ shape, required, nullable }: Omit<Field, 'name'>): string | undefined {
  return required && !nullable && shape.kind === 'string' ? shape.constant : undefined
}

/** `api-key` is `API_KEY`, the order `-name` is `NAME_DESC`. */
function enumWord(value: string): string {
  const words = value.startsWith('-') ? `${value.slice(1)}_desc` : value
  return snakeOf(words)
    .toUpperCase()
    .replaceAll(/[^A-Z\d]+/g, '_')
}
