/** The GraphQL schema of the operations: safe methods are queries, the others mutations; live ones can be subscribed to. */

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
  const subscriptions: GraphQLFieldConfigMap<unknown, GraphQLContext> = {}
  const sorted = [...contract.values()].sort((a, b) => (a.operationId < b.operationId ? -1 : 1))
  for (const operation of sorted) {
    const isQuery = operation.method === 'GET'
    const fields = isQuery ? queries : mutations
    fields[operation.operationId] = fieldOf(operation, types, !isQuery)
    if (operation.live) subscriptions[operation.operationId] = liveFieldOf(operation, types)
  }
  const root = (name: string, description: string, fields: typeof queries) =>
    Object.keys(fields).length === 0 ? undefined : new GraphQLObjectType({ name, description, fields })
  return new GraphQLSchema({
    query: root('Query', 'Operations that change nothing.', queries),
    mutation: root('Mutation', 'Operations that change something.', mutations),
    subscription: root('Subscription', 'Operations that tell what happens.', subscriptions),
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

/** Tells items one by one, as they come to be: the pages that they would be part of have an end. */
function liveFieldOf(operation: Operation, types: Types): GraphQLFieldConfig<unknown, GraphQLContext> {
  const unwrap = unwrapFields(inputFieldsOf(operation)) as ((args: Args) => Args) | undefined
  return {
    type: types.item(operation),
    description: `${operation.summary}, as it happens; from the cursor on where there is one.`,
    args: types.arguments(operation, ['limit']),
    extensions: { calls: true },
    subscribe: (_source, args: Args, context) => context.listen(operation, unwrap === undefined ? args : unwrap(args)),
    resolve: (item) => item,
  }
}
