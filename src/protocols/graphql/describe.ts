/** The GraphQL schema of the operations: safe methods are queries, the others mutations. */

import { type GraphQLFieldConfig, type GraphQLFieldConfigMap, GraphQLObjectType, GraphQLSchema } from 'graphql'
import type { Operation } from '../../contract/operation.ts'
import { outputOf } from '../../contract/shape.ts'
import type { GraphQLContext } from './context.ts'
import { Links } from './links.ts'
import { unwrapFields } from './one-of.ts'
import { isRendered } from './rendered.ts'
import { inputFieldsOf, notesOfCall, Types } from './types.ts'

type Args = Record<string, unknown>

/** @throws {ContractError} for what GraphQL cannot say, and for a reference that leads nowhere. */
export function describe(contract: ReadonlyMap<string, Operation>): GraphQLSchema {
  const types = new Types()
  const links = new Links(contract, types)
  types.linksOf = (shape) => links.of(shape)
  links.prepare()
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

function fieldOf(operation: Operation, types: Types, changes: boolean): GraphQLFieldConfig<unknown, GraphQLContext> {
  const { summary, description } = operation
  const output = outputOf(operation)
  const unwrap = unwrapFields(inputFieldsOf(operation)) as ((args: Args) => Args) | undefined
  return {
    type: types.answer(operation),
    description: `${summary}. ${description}`,
    args: types.arguments(operation),
    extensions: { ...notesOfCall(operation) },
    resolve: (_source, args: Args, context, { path, returnType }) => {
      const as = isRendered(returnType) ? 'text' : 'value'
      const input = unwrap === undefined ? args : unwrap(args)
      return context.call({ operation, output, input, field: path.key, changes, as })
    },
  }
}
