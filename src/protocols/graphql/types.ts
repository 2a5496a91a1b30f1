/** Shapes as GraphQL types, each name made once. */

import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLEnumValueConfigMap,
  type GraphQLFieldConfigMap,
  type GraphQLFieldResolver,
  GraphQLFloat,
  type GraphQLInputFieldConfigMap,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLString,
  GraphQLUnionType,
} from 'graphql'
import { ContractError } from '../../contract/contract-error.ts'
import type { Operation } from '../../contract/operation.ts'
import { inputOf, type Output, outputOf } from '../../contract/shape.ts'
import {
  capitalOf,
  type EnumShape,
  type Field,
  type ObjectShape,
  readObject,
  readShape,
  type Shape,
} from '../../contract/walk.ts'
import type { GraphQLContext } from './context.ts'
import { constantOf, memberName } from './one-of.ts'
import { BigIntScalar, DateTimeScalar, JsonScalar } from './scalars.ts'

/** What a field rests on. */
export interface FieldNotes {
  /** Another operation answers it. */
  calls?: true
  /** The items of a page, which its own field has counted. */
  inPage?: true
  /** Items of a page, without `limit` and at most. */
  page?: { usual: number; most: number }
  /** The property that it is found by. */
  from?: string
}

export function notesOf({ extensions }: { extensions: object }): FieldNotes {
  return extensions as FieldNotes
}

/** Of a field that an operation answers. */
export function notesOfCall(operation: Operation): FieldNotes {
  if (outputOf(operation).kind !== 'page') return { calls: true }
  const limit = operation.querystring?.properties.limit as { default?: number; maximum?: number } | undefined
  const usual = limit?.default ?? 1
  return { calls: true, page: { usual, most: limit?.maximum ?? usual } }
}

/** What a row leads to: a field that another operation answers. */
export interface Link {
  name: string
  type: GraphQLOutputType
  description: string
  args?: () => GraphQLInputFieldConfigMap
  notes: FieldNotes
  resolve: GraphQLFieldResolver<Record<string, unknown>, GraphQLContext>
}

export class Types {
  /** The links of an object; to be set by who knows the operations. */
  linksOf: (shape: ObjectShape) => readonly Link[] = () => []
  readonly #outputs = new Map<string, { type: GraphQLObjectType | GraphQLUnionType; from: string }>()
  readonly #inputs = new Map<string, { type: GraphQLInputObjectType; from: string }>()
  readonly #enums = new Map<string, { type: GraphQLEnumType; from: string }>()

  /** What an operation answers. Nullable: a field that fails takes none of the others with it. */
  answer(operation: Operation): GraphQLOutputType {
    const output = outputOf(operation)
    if (output.kind === 'nothing') return GraphQLBoolean
    const shape = answerShape(operation, output)
    return output.kind === 'page' ? this.page(shape as ObjectShape) : this.output(shape)
  }

  /** An item of the pages that an operation gives. */
  item(operation: Operation): GraphQLObjectType {
    return this.#object(answerShape(operation, outputOf(operation)) as ObjectShape)
  }

  /** The name of the type of what an operation gives, or gives pages of. */
  rowName(operation: Operation): string {
    const shape = answerShape(operation, outputOf(operation))
    return 'name' in shape ? shape.name : ''
  }

  /** The input of an operation, without those properties that the caller knows. */
  arguments(operation: Operation, without: readonly string[] = []): GraphQLInputFieldConfigMap {
    return this.inputFields(inputFieldsOf(operation).filter(({ name }) => !without.includes(name)))
  }

  output(shape: Shape): GraphQLOutputType {
    switch (shape.kind) {
      case 'object':
        return this.#object(shape)
      case 'union':
        return once(this.#outputs, shape.name, shape, () => this.#union(shape)) as GraphQLUnionType
      case 'list': {
        const items = this.output(shape.items)
        return new GraphQLList(shape.nullableItems ? items : new GraphQLNonNull(items))
      }
      default:
        return this.#leaf(shape)
    }
  }

  input(shape: Shape): GraphQLInputType {
    switch (shape.kind) {
      case 'object': {
        const name = shape.name.endsWith('Input') ? shape.name : `${shape.name}Input`
        return once(this.#inputs, name, shape, () => {
          const { description, fields } = shape
          return new GraphQLInputObjectType({ name, description, fields: () => this.inputFields(fields) })
        })
      }
      case 'union':
        return this.#oneOf(shape)
      case 'list': {
        const items = this.input(shape.items)
        return new GraphQLList(shape.nullableItems ? items : new GraphQLNonNull(items))
      }
      default:
        return this.#leaf(shape)
    }
  }

  /** Absent and null differ: what may be absent is nullable here, and the operation's schema judges a null. */
  inputFields(fields: readonly Field[]): GraphQLInputFieldConfigMap {
    return Object.fromEntries(
      fields.map(({ name, shape, required, nullable, description, deprecated }) => {
        const type = this.input(shape)
        return [
          name,
          {
            type: required && !nullable && constantOf(shape) === undefined ? new GraphQLNonNull(type) : type,
            description,
            ...(deprecated && !required && { deprecationReason: 'Deprecated' }),
          },
        ]
      }),
    )
  }

  #oneOf(shape: Extract<Shape, { kind: 'union' }>): GraphQLInputType {
    const name = `${shape.name}Input`
    const { description, members } = shape
    if (new Set(members.map(memberName)).size < members.length)
      throw new ContractError(`${name}: two members of the union have one name in GraphQL`)
    const fields = () => Object.fromEntries(members.map((each) => [memberName(each), { type: this.input(each) }]))
    return once(this.#inputs, name, shape, () => {
      return new GraphQLInputObjectType({ name, description, isOneOf: true, fields })
    })
  }

  /** A page of these items. */
  page(items: ObjectShape): GraphQLObjectType {
    const name = `${items.name}Page`
    return once(this.#outputs, name, items, () => {
      const fields = {
        items: {
          type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(this.#object(items)))),
          extensions: { inPage: true },
        },
        nextCursor: { type: GraphQLString, description: 'Where the next page starts; null on the last.' },
      }
      return new GraphQLObjectType({ name, description: 'A page.', fields })
    }) as GraphQLObjectType
  }

  #object(shape: ObjectShape): GraphQLObjectType {
    const { name, description } = shape
    return once(this.#outputs, name, shape, () => {
      return new GraphQLObjectType({ name, description, fields: () => this.#fields(shape) })
    }) as GraphQLObjectType
  }

  #fields(shape: ObjectShape): GraphQLFieldConfigMap<Record<string, unknown>, GraphQLContext> {
    const own = Object.fromEntries(
      shape.fields.map(({ name, shape, required, nullable, description, deprecated }) => {
        const type = this.output(shape)
        const deprecation = deprecated && { deprecationReason: 'Deprecated' }
        return [name, { type: required && !nullable ? new GraphQLNonNull(type) : type, description, ...deprecation }]
      }),
    ) as GraphQLFieldConfigMap<Record<string, unknown>, GraphQLContext>
    for (const { name, args, notes, ...link } of this.linksOf(shape)) {
      if (!Object.hasOwn(own, name)) own[name] = { ...link, args: args?.() ?? {}, extensions: { ...notes } }
    }
    return own
  }

  #union({ name, description, members }: Extract<Shape, { kind: 'union' }>): GraphQLUnionType {
    return new GraphQLUnionType({
      name,
      description,
      types: members.map((member) => this.#object(member)),
      resolveType: (value) => memberOf(value as object, members).name,
    })
  }

  #leaf(shape: Shape) {
    switch (shape.kind) {
      case 'string':
        return GraphQLString
      case 'date-time':
        return DateTimeScalar
      case 'integer':
        return shape.large ? BigIntScalar : GraphQLInt
      case 'number':
        return GraphQLFloat
      case 'boolean':
        return GraphQLBoolean
      case 'enum':
        return once(this.#enums, shape.name, shape, () => enumOf(shape))
      default:
        return JsonScalar
    }
  }
}

/** The input of an operation. @throws {ContractError} */
export function inputFieldsOf(operation: Operation): readonly Field[] {
  const { operationId } = operation
  return readObject(inputOf(operation), capitalOf(operationId), `${operationId}: schema`).fields
}

/** @throws {ContractError} for a page of what is no object. */
function answerShape(operation: Operation, output: Output): Shape {
  const { operationId, success } = operation
  if (output.kind === 'nothing') return { kind: 'boolean' }
  const path = `${operationId}: schema.response.${success.status}`
  const capital = capitalOf(operationId)
  if (output.kind !== 'page') return readShape(output.schema, `${capital}Result`, path).shape
  const { shape } = readShape(output.items, `${capital}Item`, path)
  if (shape.kind !== 'object') throw new ContractError(`${path}: a page must be of objects`)
  return shape
}

/** @throws {ContractError} when two different shapes have one name. */
function once<Type>(
  known: Map<string, { type: Type; from: string }>,
  name: string,
  shape: Shape,
  make: () => Type,
): Type {
  const from = JSON.stringify(shape)
  const made = known.get(name)
  if (made?.from === from) return made.type
  if (made) throw new ContractError(`the GraphQL type ${name} stands for two different schemas: give one another $id`)
  const type = make()
  known.set(name, { type, from })
  return type
}

/** The member whose required properties are all there, and whose constants fit. */
function memberOf(value: object, members: readonly ObjectShape[]): ObjectShape {
  const fits = ({ fields }: ObjectShape) =>
    fields.every(({ name, shape, required }) => {
      const own = (value as Record<string, unknown>)[name]
      if (own === undefined) return !required
      return shape.kind !== 'string' || shape.constant === undefined || shape.constant === own
    })
  return members.find(fits) ?? (members[0] as ObjectShape)
}

function enumOf({ name, description, values }: EnumShape): GraphQLEnumType {
  const named: GraphQLEnumValueConfigMap = {}
  for (const value of values) {
    const legal = enumValueName(value)
    if (Object.hasOwn(named, legal))
      throw new ContractError(
        `the values ${String(named[legal]?.value)} and ${value} of ${name} are both ${legal} in GraphQL`,
      )
    named[legal] = { value }
  }
  return new GraphQLEnumType({ name, description, values: named })
}

/** `api-key` is `api_key`, the order `-name` is `name_desc`; most values are names as they are. */
export function enumValueName(value: string): string {
  const words = value.startsWith('-') ? `${value.slice(1)}_desc` : value
  const legal = words.replaceAll(/\W/g, '_').replace(/^(?=\d|__|$)/, '_')
  return ['true', 'false', 'null'].includes(legal) ? `${legal}_` : legal
}
