/** GraphQL by fetch; documents are made from what introspection says. */

import {
  buildClientSchema,
  type GraphQLEnumType,
  type GraphQLField,
  type GraphQLInputObjectType,
  type GraphQLOutputType,
  getIntrospectionQuery,
  getNamedType,
  type IntrospectionQuery,
  isEnumType,
  isInputObjectType,
  isObjectType,
  isUnionType,
} from 'graphql'
import { enumValueName } from '../../../src/protocols/graphql/types.ts'
import { type Input, metaNames, problemOf, type Result, type Wire } from './client.ts'

export const graphql: Wire = {
  name: 'GraphQL',
  differences: [
    {
      reason: 'a property that is absent is null: GraphQL answers every field that was asked for',
      normalise: (result) => ({ ...result, value: withoutNulls(result.value) }),
    },
    {
      reason: 'the values of an enum are names: `api-key` is `api_key`',
      normalise: (result) => ({ ...result, value: withNames(result.value) }),
    },
    {
      reason:
        'input that does not fit its type never becomes a call: GraphQL refuses the document, and points elsewhere',
      when: ({ problem }) => problem?.requestId === '',
      normalise: ({ problem, ...rest }) =>
        problem?.code === 'validation-failed'
          ? { ...rest, problem: { ...problem, pointers: [], detail: '', requestId: '' } }
          : { ...rest, ...(problem && { problem }) },
    },
  ],
  async open(_t, base) {
    const send = async (payload: object, headers: object = {}) => {
      const response = await fetch(`${base}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(payload),
      })
      return (await response.json()) as Answer
    }
    const introspected = await send({ query: getIntrospectionQuery({ oneOf: true }) })
    const schema = buildClientSchema(introspected.data as unknown as IntrospectionQuery)
    const fields = { ...schema.getQueryType()?.getFields(), ...schema.getMutationType()?.getFields() }
    const queries = new Set(Object.keys(schema.getQueryType()?.getFields() ?? {}))
    return {
      async call(operationId, input = {}, headers = {}) {
        const field = fields[operationId] as GraphQLField<unknown, unknown>
        const { query, variables } = documentOf(field, input, queries.has(operationId) ? 'query' : 'mutation')
        return resultOf(field, await send({ query, variables }, headers))
      },
    }
  },
}

interface Answer {
  data?: Record<string, unknown> | null
  errors?: { message: string; extensions?: Record<string, unknown> }[]
  extensions?: { meta?: Record<string, Record<string, string>> }
}

function documentOf({ name, args, type }: GraphQLField<unknown, unknown>, input: Input, kind: string) {
  const known = args.filter((arg) => input[arg.name] !== undefined)
  const unknown = Object.keys(input).filter((given) => !args.some((arg) => arg.name === given))
  const variables = Object.fromEntries(
    known.map((arg) => {
      const named = getNamedType(arg.type)
      const value = input[arg.name]
      if (isInputObjectType(named) && named.isOneOf) return [arg.name, oneOfInput(named, value)]
      return [arg.name, isEnumType(named) ? enumInput(named, value) : value]
    }),
  )
  const declared = known.map((arg) => `$${arg.name}: ${arg.type}`).join(', ')
  const passed = [...known.map((arg) => `${arg.name}: $${arg.name}`), ...unknown.map((given) => `${given}: 1`)].join(
    ', ',
  )
  const call = `${name}${passed && `(${passed})`}`
  return { query: `${kind}${declared && `(${declared})`} { ${call} ${selectionOf(type)} }`, variables }
}

/** A member of a union by its name: that one which has all properties of the value. */
function oneOfInput(type: GraphQLInputObjectType, value: unknown): unknown {
  const member = Object.values(type.getFields()).find((field) => {
    const own = (getNamedType(field.type) as GraphQLInputObjectType).getFields()
    return Object.keys(value as object).every((name) => own[name] !== undefined)
  })
  return member === undefined ? value : { [member.name]: value }
}

function enumInput(type: GraphQLEnumType, value: unknown): unknown {
  const legal = typeof value === 'string' ? enumValueName(value) : value
  return typeof legal === 'string' && type.getValue(legal) ? legal : value
}

/** Every field, to the bottom. */
function selectionOf(type: GraphQLOutputType): string {
  const named = getNamedType(type)
  if (isUnionType(named))
    return `{ ${named
      .getTypes()
      .map((member) => `... on ${member.name} ${selectionOf(member)}`)
      .join(' ')} }`
  if (!isObjectType(named)) return ''
  // A field with arguments is a further call, not a part of this one's result.
  const own = Object.values(named.getFields()).filter(
    (field, _index, all) => field.args.length === 0 && !loaded(field, all),
  )
  return `{ ${own.map((field) => `${field.name} ${selectionOf(field.type)}`).join(' ')} }`
}

/** Fields that another operation fills: of a key `authorId`, `author`; of `invitedBy`, `invitedByUser`. */
function loaded({ name, type }: GraphQLField<unknown, unknown>, beside: readonly GraphQLField<unknown, unknown>[]) {
  const named = getNamedType(type)
  const isOf = (key: string) => name.startsWith(key) && named.name.startsWith(name.slice(key.length))
  return beside.some((key) => key.name === `${name}Id` || (key.name !== name && isObjectType(named) && isOf(key.name)))
}

function resultOf({ name }: GraphQLField<unknown, unknown>, { data, errors, extensions }: Answer): Result {
  const meta = Object.fromEntries(
    Object.entries(extensions?.meta?.[name] ?? {}).filter(([each]) => metaNames.includes(each)),
  )
  const [error] = errors ?? []
  if (error === undefined) {
    const value = data?.[name]
    return { value: value === true ? null : value, meta }
  }
  const { problem, retryAfter, ...more } = error.extensions ?? {}
  // What GraphQL itself refuses has no problem of ours.
  const code = String(problem ?? 'validation-failed')
  const document = { status: 400, requestId: '', ...more, code, detail: error.message }
  const told = retryAfter === undefined ? meta : { ...meta, 'retry-after': String(retryAfter) }
  return { problem: problemOf(document as Parameters<typeof problemOf>[0]), meta: told }
}

function withNames(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value ?? null).replaceAll(/"[a-z]+(-[a-z]+)+"/g, (text) => text.replaceAll('-', '_')),
  )
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => (each === null ? [] : [[key, withoutNulls(each)] as const])),
  )
}
