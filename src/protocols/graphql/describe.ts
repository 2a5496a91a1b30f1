/** The GraphQL schema of the operations: safe methods are queries, the others mutations. */

import {
  GraphQLBoolean,
  type GraphQLFieldConfig,
  type GraphQLFieldConfigMap,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLSchema,
} from 'graphql'
import { ContractError } from '../../contract/contract-error.ts'
import type { Operation } from '../../contract/operation.ts'
import { inputOf, type Output, outputOf } from '../../contract/shape.ts'
import { type ObjectShape, readObject, readShape } from '../../contract/walk.ts'
import type { GraphQLContext } from './context.ts'
import { Types } from './types.ts'

/** @throws {ContractError} for what GraphQL cannot say. */
export function describe(contract: ReadonlyMap<string, Operation>): GraphQLSchema {
  const types = new Types()
  types.linkOf = createLinks(contract, types)
  const queries: GraphQLFieldConfigMap<unknown, GraphQLContext> = {}
  const mutations: GraphQLFieldConfigMap<unknown, GraphQLContext> = {}
  const sorted = [...contract.values()].sort((a, b) => (a.operationId < b.operationId ? -1 : 1))
  for (const operation of sorted) {
    const isQuery = operation.method === 'GET'
    const fields = isQuery ? queries : mutations
    fields[operation.operationId] = fieldOf(operation, types, !isQuery)
  }
  const root = (name: string, description: string, fields: typeof queries) =>
    Object.keys(fields).length === 0 ? undefined : new GraphQLObjectType({ name, description, fields })
  return new GraphQLSchema({
    query: root('Query', 'Operations that change nothing.', queries),
    mutation: root('Mutation', 'Operations that change something.', mutations),
  })
}

/**
 * What a property names is found by its own declaration (`x-operation`), else by its name: `postId` is what `getPost`
 * gets. That must be an operation that gets an object by one path parameter.
 */
function createLinks(contract: ReadonlyMap<string, Operation>, types: Types): Types['linkOf'] {
  return (field) => {
    const stem = /^(\w+)Id$/.exec(field.name)?.[1]
    const target = field.refersTo ?? (stem && `get${capitalOf(stem)}`)
    const operation = target === undefined ? undefined : contract.get(target)
    if (operation === undefined) {
      if (field.refersTo === undefined) return undefined
      throw new ContractError(`${field.name}: x-operation names no operation: ${field.refersTo}`)
    }
    const [parameter, ...others] = Object.keys(operation.params?.properties ?? {})
    const output = outputOf(operation)
    if (stem === undefined || parameter === undefined || others.length > 0 || output.kind !== 'object') return undefined
    if (operation.method !== 'GET') return undefined
    return {
      name: stem,
      type: typeOf(operation, output, types, capitalOf(operation.operationId)),
      resolve: (source, _args, context) => context.load(operation, parameter, source[field.name]),
    }
  }
}

function capitalOf(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}

function fieldOf(operation: Operation, types: Types, changes: boolean): GraphQLFieldConfig<unknown, GraphQLContext> {
  const { operationId, summary, description } = operation
  const capital = capitalOf(operationId)
  const input = readObject(inputOf(operation), capital, `${operationId}: schema`)
  const output = outputOf(operation)
  return {
    type: typeOf(operation, output, types, capital),
    description: `${summary}. ${description}`,
    args: types.inputFields(input.fields),
    resolve: (_source, args: Record<string, unknown>, context, info) =>
      context.call(operation, output, args, info.path.key, changes),
  }
}

/** Nullable: a field that fails takes none of the others with it. */
function typeOf(operation: Operation, output: Output, types: Types, capital: string): GraphQLOutputType {
  const path = `${operation.operationId}: schema.response.${operation.success.status}`
  if (output.kind === 'nothing') return GraphQLBoolean
  if (output.kind !== 'page') return types.output(readShape(output.schema, `${capital}Result`, path).shape)
  const { shape } = readShape(output.items, `${capital}Item`, path)
  if (shape.kind !== 'object') throw new ContractError(`${path}: a page must be of objects`)
  return types.page(shape as ObjectShape)
}
