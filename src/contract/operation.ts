/** An operation: one request and one response, read off an ordinary Fastify route. */

import type {} from '@fastify/swagger'
import type { TObject, TSchema } from '@sinclair/typebox'
import type { FastifySchema, HTTPMethods, RouteOptions } from 'fastify'
import type { ProblemCode } from '../errors.ts'
import { type Access, accessOf } from './access.ts'
import { ContractError } from './contract-error.ts'
import { outputOf } from './shape.ts'

declare module 'fastify' {
  interface FastifySchema {
    /** Problems of this operation beyond those that every operation of its shape can answer. */
    problems?: readonly ProblemCode[]
    /** Headers of the success response, by lower-case name. */
    responseHeaders?: Record<string, TSchema>
    /** That the operation, which gives pages, also tells what happens from now on (`reply.stream`). */
    live?: true
  }
}

export interface Operation {
  operationId: string
  method: HTTPMethods
  url: string
  tag: string
  summary: string
  description: string
  params: TObject | undefined
  querystring: TObject | undefined
  headers: TObject | undefined
  body: TObject | undefined
  /** Who may call; anyone without it. */
  access: Access | undefined
  success: { status: number; schema: TSchema; headers: Record<string, TSchema> }
  problems: readonly ProblemCode[]
  /** Whether it can be subscribed to. */
  live: boolean
}

/**
 * Reads the operation off a route. HEAD twins and hidden routes give `undefined`.
 *
 * @throws {ContractError} when the route lacks a name, description or security, has not exactly one success
 * response, accepts undeclared properties, uses one input name twice, or is live and gives no pages.
 */
export function readOperation(route: RouteOptions): Operation | undefined {
  const schema = (route.schema ?? {}) as FastifySchema
  if (schema.hide || route.method === 'HEAD') return undefined
  const name = schema.operationId ?? `${route.method} ${route.url}`
  const refuse = (path: string, reason: string): never => {
    throw new ContractError(`${name}: schema.${path} ${reason}`)
  }
  const text = (path: 'operationId' | 'summary' | 'description'): string =>
    schema[path] || refuse(path, 'is missing (schema.hide leaves a route out of the contract)')
  if (Array.isArray(route.method))
    return refuse('operationId', 'stands for several methods; declare one route a method')

  const operationId = text('operationId')
  if (!/^[a-z][a-zA-Z0-9]*$/.test(operationId)) refuse('operationId', 'must be a camelCase name')
  const [tag] = schema.tags?.length === 1 ? schema.tags : []
  const access = accessOf(route)
  const operation = {
    operationId,
    method: route.method,
    url: route.url,
    tag: tag ?? refuse('tags', 'must hold exactly one tag'),
    summary: text('summary'),
    description: text('description'),
    ...readInput(schema, refuse),
    access,
    success: readSuccess(schema, refuse),
    problems: problemsOf(schema, access),
    live: schema.live ?? false,
  }
  if (operation.live && (route.method !== 'GET' || outputOf(operation).kind !== 'page'))
    return refuse('live', 'needs a GET that answers with pages')
  return operation
}

type Refuse = (path: string, reason: string) => never

/** Path, query and body become one flat input on other wires, so their names may not clash. */
function readInput(
  schema: FastifySchema,
  refuse: Refuse,
): Pick<Operation, 'params' | 'querystring' | 'headers' | 'body'> {
  const seen = new Map<string, string>()
  const read = (part: 'params' | 'querystring' | 'body'): TObject | undefined => {
    const object = schema[part] as TObject | undefined
    if (object === undefined) return undefined
    if (object.type !== 'object') refuse(part, 'must be an object')
    if (object.additionalProperties !== false) refuse(part, 'must set additionalProperties: false')
    for (const name of Object.keys(object.properties)) {
      const other = seen.get(name)
      if (other) refuse(`${part}.${name}`, `has the name of ${other}.${name}`)
      seen.set(name, part)
    }
    return object
  }
  const headers = schema.headers as TObject | undefined
  return { params: read('params'), querystring: read('querystring'), body: read('body'), headers }
}

function readSuccess(schema: FastifySchema, refuse: Refuse): Operation['success'] {
  const responses = Object.entries((schema.response ?? {}) as Record<string, TSchema>)
  const successes = responses.filter(([status]) => /^2\d\d$/.test(status))
  const [success] = successes
  if (success === undefined || successes.length > 1) return refuse('response', 'must hold exactly one success status')
  return { status: Number(success[0]), schema: success[1], headers: schema.responseHeaders ?? {} }
}

/** Declared problems and those that follow from the shape of the route. */
function problemsOf(schema: FastifySchema, access: Access | undefined): ProblemCode[] {
  const problems = new Set<ProblemCode>(schema.problems)
  if (access) for (const code of ['unauthenticated', 'forbidden'] as const) problems.add(code)
  if (schema.params || schema.querystring || schema.headers || schema.body) problems.add('validation-failed')
  if (schema.body)
    for (const code of ['malformed-request', 'payload-too-large', 'unsupported-media-type'] as const) problems.add(code)
  for (const code of ['internal', 'unavailable'] as const) problems.add(code)
  return [...problems]
}
