/** The methods of JSON-RPC as JSON Schemas: what is sent, and what comes back. */

import { type TSchema, Type } from '@sinclair/typebox'
import { type Components, hoist, scopeSentence } from '../../contract/openapi.ts'
import type { Operation } from '../../contract/operation.ts'
import { inputOf, type Output, outputOf } from '../../contract/shape.ts'
import { shownHeaders } from '../../contract/shown-headers.ts'
import { catalogue, type ProblemCode } from '../../errors.ts'
import { ProblemSchema } from '../../schemas/problem.ts'
import { ownMethods, readableHeaders } from './decode.ts'
import { codes, invalidRequest, parseError, unknownMethod } from './errors.ts'

export interface Method {
  name: string
  tag: string
  summary: string
  description: string
  /** Absent for the method that is no operation. */
  operation: Operation | undefined
  request: unknown
  result: unknown
  error: unknown
}

export const version = Type.Literal('2.0')
const RequestId = Type.Union([Type.String(), Type.Number(), Type.Null()], {
  $id: 'RequestId',
  description: 'Repeated in the answer; without it a request is a notification, and gets none.',
})
const RequestMeta = Type.Object(
  Object.fromEntries(readableHeaders.map((name) => [name, Type.Optional(Type.String())])),
  { $id: 'RequestMeta', additionalProperties: false, description: 'Headers for this call alone.' },
)
const ResponseMeta = Type.Object(
  Object.fromEntries(['status', ...shownHeaders].map((name) => [name, Type.Optional(Type.String())])),
  {
    $id: 'ResponseMeta',
    additionalProperties: false,
    description: 'What REST says in headers; `status` is `304` where nothing has changed since `if-none-match`.',
  },
)
const Refusal = Type.Object(
  { detail: Type.String() },
  { $id: 'Refusal', additionalProperties: false, description: 'Why a message is no request.' },
)

/** What the methods of a contract are, by name; schemas with a name of their own go into the components. */
export function describeMethods(contract: ReadonlyMap<string, Operation>, components: Components): Method[] {
  const methods = [...contract.values()].map((operation) => methodOf(operation, components))
  return [authentication(components), ...methods.sort((a, b) => (a.name < b.name ? -1 : 1))]
}

/** The error of what is no request, or asks for a method that is none. */
export function describeRefusal(components: Components): unknown {
  const refusals = [parseError, invalidRequest, unknownMethod]
  return hoist(
    errorSchema(
      refusals.map(({ code }) => code),
      Type.Optional(Refusal),
    ),
    components,
  )
}

function methodOf(operation: Operation, components: Components): Method {
  const { operationId, tag, summary, description, access, problems } = operation
  return {
    name: operationId,
    tag,
    summary,
    description: `${description}${scopeSentence(access?.scopes ?? [])}`,
    operation,
    request: hoist(requestSchema(operationId, inputOf(operation)), components),
    result: hoist(resultSchema(resultOf(outputOf(operation))), components),
    error: hoist(problemSchema(problems), components),
  }
}

function authentication(components: Components): Method {
  const credential = (description: string) => Type.Optional(Type.String({ description }))
  const params = Type.Object(
    { token: credential('An access token, or an API key.'), apiKey: credential('An API key.') },
    { additionalProperties: false, minProperties: 1, maxProperties: 1 },
  )
  const principal = Type.Object(
    {
      kind: Type.String({ description: '`user`, `api-key` or `client`.' }),
      id: Type.String({ description: 'Stable name.' }),
      scopes: Type.Array(Type.String()),
    },
    { $id: 'Principal', additionalProperties: false, description: 'Who calls from now on, and what it may do.' },
  )
  return {
    name: ownMethods.authenticate,
    tag: 'connection',
    summary: 'Authenticate the connection',
    description:
      'For clients that cannot send headers with the upgrade. Each later call carries the credential, and is checked with it anew.',
    operation: undefined,
    request: hoist(requestSchema(ownMethods.authenticate, params), components),
    result: hoist(resultSchema(principal), components),
    error: hoist(problemSchema(['validation-failed', 'unauthenticated', 'internal', 'unavailable']), components),
  }
}

export function requestSchema(method: string, params: TSchema): TSchema {
  const none = ((params.required as unknown[] | undefined) ?? []).length === 0 && params.minProperties === undefined
  return Type.Object({
    jsonrpc: version,
    id: Type.Optional(RequestId),
    method: Type.Literal(method),
    params: none ? Type.Optional(params) : params,
    meta: Type.Optional(RequestMeta),
  })
}

export function resultSchema(result: TSchema): TSchema {
  return Type.Object({ jsonrpc: version, id: RequestId, result, meta: Type.Optional(ResponseMeta) })
}

function resultOf(output: Output): TSchema {
  switch (output.kind) {
    case 'nothing':
      return Type.Null()
    case 'page':
      return Type.Object({
        items: Type.Array(output.items),
        nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'Null on the last page.' }),
      })
    default:
      return output.schema
  }
}

export function problemSchema(problems: readonly ProblemCode[]): TSchema {
  const sorted = [...new Set(problems.map((code) => codes[code]))].sort((a, b) => b - a)
  const lines = problems.map((code) => `\`${codes[code]}\` ${catalogue[code].title.toLowerCase()}`)
  return { ...errorSchema(sorted, ProblemSchema), description: `${lines.join(', ')}.` }
}

/** The error of any problem. */
export const errorMembers = Type.Object({ code: Type.Integer(), message: Type.String(), data: ProblemSchema })

function errorSchema(numbers: readonly number[], data: TSchema): TSchema {
  const code = { type: 'integer', enum: numbers } as unknown as TSchema
  return Type.Object({
    jsonrpc: version,
    id: RequestId,
    error: Type.Object({ code, message: Type.String(), data }),
    meta: Type.Optional(ResponseMeta),
  })
}
