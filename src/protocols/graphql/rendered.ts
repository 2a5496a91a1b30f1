/**
 * Fields of a root whose rows are selected whole: their text goes on as REST has it, neither parsed nor rendered again.
 *
 * Such a field is compiled against a schema beside the one that clients see, in which it has a twin whose type is a
 * scalar; arguments, errors, paths and directives are those of the field itself.
 */

import type { TObject, TSchema } from '@sinclair/typebox'
import {
  type DocumentNode,
  type FieldNode,
  type GraphQLFieldConfigMap,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import type { Operation } from '../../contract/operation.ts'
import { type Output, outputOf } from '../../contract/shape.ts'
import type { GraphQLContext } from './context.ts'
import { enumValueName } from './types.ts'

/** JSON that is ready. */
export class Rendered {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toJSON(): unknown {
    return JSON.parse(this.text)
  }
}

const RenderedScalar = new GraphQLScalarType<Rendered, Rendered>({ name: 'Rendered' })
const twinOf = (name: string) => `${name}__rendered`

export class RenderedFields {
  readonly schema: GraphQLSchema
  readonly #outputs: ReadonlyMap<string, Output>

  constructor(schema: GraphQLSchema, contract: ReadonlyMap<string, Operation>) {
    this.#outputs = new Map([...contract.values()].map((each) => [each.operationId, outputOf(each)]))
    const { query, mutation, types: all, ...config } = schema.toConfig()
    const types = all.filter((type) => type !== query && type !== mutation)
    this.schema = new GraphQLSchema({ ...config, types, query: withTwins(query), mutation: withTwins(mutation) })
  }

  /** The document with twins in the place of those fields that are selected whole; nothing where there is none. */
  rewrite(document: DocumentNode): DocumentNode | undefined {
    let found = false
    const definitions = document.definitions.map((definition) => {
      if (definition.kind !== Kind.OPERATION_DEFINITION || !isPlain(definition)) return definition
      const selections = definition.selectionSet.selections.map((field) => {
        if (field.kind !== Kind.FIELD || !this.#isWhole(field)) return field
        found = true
        const { selectionSet: _, ...node } = field
        return { ...node, alias: field.alias ?? field.name, name: { ...field.name, value: twinOf(field.name.value) } }
      })
      return { ...definition, selectionSet: { ...definition.selectionSet, selections } }
    })
    return found ? { ...document, definitions } : undefined
  }

  #isWhole({ name, selectionSet }: FieldNode): boolean {
    const output = this.#outputs.get(name.value)
    if (output === undefined || output.kind === 'nothing' || selectionSet === undefined) return false
    if (output.kind !== 'page') return selectsWhole(selectionSet, output.schema)
    const [items, cursor, ...others] = plainFields(selectionSet) ?? []
    if (others.length > 0 || items?.name.value !== 'items' || cursor?.name.value !== 'nextCursor') return false
    return items.selectionSet !== undefined && selectsWhole(items.selectionSet, output.items)
  }
}

/** Twins have the arguments and the resolver of their fields, which knows them by their type. */
function withTwins(type: GraphQLObjectType<unknown, GraphQLContext> | null | undefined) {
  if (type == null) return type
  const { fields, ...config } = type.toConfig()
  const twins: GraphQLFieldConfigMap<unknown, GraphQLContext> = { ...fields }
  for (const [name, field] of Object.entries(fields)) twins[twinOf(name)] = { ...field, type: RenderedScalar }
  return new GraphQLObjectType({ ...config, fields: twins })
}

/** Whether a resolver is asked for its twin's text. */
export function isRendered(type: unknown): boolean {
  return type === RenderedScalar
}

/** Fields of a query or mutation alone, no two of which would become one, and none that tells of the schema. */
function isPlain({ operation, selectionSet: { selections } }: OperationDefinitionNode): boolean {
  if (operation === 'subscription') return false
  if (selections.some((each) => each.kind === Kind.FIELD && /^__(?:schema|type)$/.test(each.name.value))) return false
  const keys = selections.map((each) => (each.kind === Kind.FIELD ? (each.alias ?? each.name).value : ''))
  return !keys.includes('') && new Set(keys).size === keys.length
}

/** The fields of a selection, where they are nothing but fields under their own names. */
function plainFields({ selections }: SelectionSetNode): readonly FieldNode[] | undefined {
  const plain = selections.flatMap((each) =>
    each.kind === Kind.FIELD && !each.alias && !each.directives?.length && !each.arguments?.length ? [each] : [],
  )
  return plain.length === selections.length ? plain : undefined
}

/** Whether a selection has every property of a schema, in its order, and JSON of the schema is what GraphQL would say. */
function selectsWhole(selection: SelectionSetNode | undefined, schema: TSchema): boolean {
  const { anyOf, type, items } = schema as { anyOf?: TSchema[]; type?: string | string[]; items?: TSchema }
  if (Array.isArray(anyOf)) {
    const [only, ...others] = anyOf.filter((each) => each.type !== 'null')
    return only !== undefined && others.length === 0 && selectsWhole(selection, only)
  }
  if (type === 'array') return items !== undefined && selectsWhole(selection, items)
  if (selection === undefined) return isSame(schema)
  const { properties, required, additionalProperties } = schema as Partial<TObject>
  if (type !== 'object' || properties === undefined || additionalProperties !== false) return false
  const names = Object.keys(properties)
  const fields = plainFields(selection)
  if (fields?.length !== names.length || required?.length !== names.length) return false
  return fields.every(
    ({ name, selectionSet }, index) =>
      name.value === names[index] && selectsWhole(selectionSet, properties[name.value] as TSchema),
  )
}

/** Whether a value without fields is the same in JSON and in GraphQL: its names, and whole numbers within 2^53. */
function isSame({ type, minimum, maximum, enum: names, const: constant }: TSchema): boolean {
  if (names !== undefined)
    return (names as unknown[]).every((name) => typeof name === 'string' && enumValueName(name) === name)
  if (constant !== undefined) return typeof constant === 'string'
  if (type === 'integer') return Number.isSafeInteger(minimum) && Number.isSafeInteger(maximum)
  return type === 'string' || type === 'boolean' || type === 'number'
}
