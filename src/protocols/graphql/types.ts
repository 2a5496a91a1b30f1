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
import type { EnumShape, Field, ObjectShape, Shape } from '../../contract/walk.ts'
import type { GraphQLContext } from './context.ts'
import { BigIntScalar, DateTimeScalar, JsonScalar } from './scalars.ts'

/** What a property leads to: a field beside it, which another operation answers. */
export interface Link {
  name: string
  type: GraphQLOutputType
  resolve: GraphQLFieldResolver<Record<string, unknown>, GraphQLContext>
}

export class Types {
  /** The link of a property; to be set by who knows the operations. */
  linkOf: (field: Field) => Link | undefined = () => undefined
  readonly #outputs = new Map<string, { type: GraphQLObjectType | GraphQLUnionType; from: string }>()
  readonly #inputs = new Map<string, { type: GraphQLInputObjectType; from: string }>()
  readonly #enums = new Map<string, { type: GraphQLEnumType; from: string }>()

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
      // One-of inputs are no part of GraphQL 16: the operation's own schema judges the value.
      case 'union':
        return JsonScalar
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
            type: required && !nullable ? new GraphQLNonNull(type) : type,
            description,
            ...(deprecated && !required && { deprecationReason: 'Deprecated' }),
          },
        ]
      }),
    )
  }

  /** A page of these items. */
  page(items: ObjectShape): GraphQLObjectType {
    const name = `${items.name}Page`
    return once(this.#outputs, name, items, () => {
      const fields = {
        items: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(this.#object(items)))) },
        nextCursor: { type: GraphQLString, description: 'Where the next page starts; null on the last.' },
      }
      return new GraphQLObjectType({ name, description: 'A page.', fields })
    }) as GraphQLObjectType
  }

  #object(shape: ObjectShape): GraphQLObjectType {
    const { name, description, fields } = shape
    return once(this.#outputs, name, shape, () => {
      return new GraphQLObjectType({ name, description, fields: () => this.#fields(fields) })
    }) as GraphQLObjectType
  }

  #fields(fields: readonly Field[]): GraphQLFieldConfigMap<Record<string, unknown>, GraphQLContext> {
    const own = Object.fromEntries(
      fields.map(({ name, shape, required, nullable, description, deprecated }) => {
        const type = this.output(shape)
        const deprecation = deprecated && { deprecationReason: 'Deprecated' }
        return [name, { type: required && !nullable ? new GraphQLNonNull(type) : type, description, ...deprecation }]
      }),
    ) as GraphQLFieldConfigMap<Record<string, unknown>, GraphQLContext>
    for (const field of fields) {
      const link = this.linkOf(field)
      if (link === undefined || Object.hasOwn(own, link.name)) continue
      const { name, type, resolve } = link
      own[name] = { type, resolve, description: `What \`${field.name}\` names; null where it is not there.` }
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
