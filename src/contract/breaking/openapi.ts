/** What a change of an OpenAPI 3.1 document breaks for clients of REST. */

import type { OpenAPIV3_1 as OpenAPI } from 'openapi-types'
import { breakingInSchema, type Direction, type JsonSchema } from './schema.ts'

interface Found {
  /** `GET /users`. */
  place: string
  operation: OpenAPI.OperationObject
}

type Content = Record<string, OpenAPI.MediaTypeObject>

/** In words, each beginning with the operation: `createUser: body.name is required now`; nothing for what breaks nobody. */
export function breakingInOpenApi(before: OpenAPI.Document, after: OpenAPI.Document): string[] {
  const [old, fresh] = [operationsOf(before), operationsOf(after)]
  const schemas = (direction: Direction, one: unknown, other: unknown, at: string) =>
    breakingInSchema({ before, after, direction }, (one ?? {}) as JsonSchema, (other ?? {}) as JsonSchema, at)
  return old.flatMap(({ place, operation }) => {
    const name = operation.operationId ?? place
    const now = fresh.find((each) => each.place === place)
    if (now === undefined) {
      const moved = fresh.find((each) => each.operation.operationId === operation.operationId)
      return [`${name}: ${place} is gone${moved ? `; it is ${moved.place} now` : ''}`]
    }
    const renamed = now.operation.operationId === operation.operationId ? [] : [`is ${now.operation.operationId} now`]
    return [
      ...renamed,
      ...inParameters(operation, now.operation, schemas),
      ...inBody(operation, now.operation, schemas),
      ...inResponses(operation, now.operation, schemas),
      ...narrowedSecurity(operation.security ?? [], now.operation.security ?? []),
    ].map((words) => `${name}: ${words}`)
  })
}

type Schemas = (direction: Direction, one: unknown, other: unknown, at: string) => string[]

function operationsOf({ paths = {} }: OpenAPI.Document): Found[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item as Record<string, OpenAPI.OperationObject>).map(([method, operation]) => ({
      place: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  )
}

function inParameters(before: OpenAPI.OperationObject, after: OpenAPI.OperationObject, schemas: Schemas): string[] {
  const [old, fresh] = [before, after].map(({ parameters = [] }) => {
    const all = parameters as OpenAPI.ParameterObject[]
    return new Map(all.map((parameter) => [`${parameter.in}.${parameter.name}`, parameter]))
  }) as [Map<string, OpenAPI.ParameterObject>, Map<string, OpenAPI.ParameterObject>]
  const required = [...fresh].filter(([at, { required }]) => required && !old.get(at)?.required)
  return [
    ...required.map(([at]) => `${at} is required now`),
    ...[...old].flatMap(([at, { schema }]) => {
      const now = fresh.get(at)
      return now === undefined ? [`${at} is gone`] : schemas('sent', schema, now.schema, at)
    }),
  ]
}

function inBody(before: OpenAPI.OperationObject, after: OpenAPI.OperationObject, schemas: Schemas): string[] {
  const [old, fresh] = [before, after].map(({ requestBody }) => requestBody as OpenAPI.RequestBodyObject | undefined)
  if (fresh === undefined) return old === undefined ? [] : ['body is gone']
  const required = fresh.required && !old?.required ? ['body is required now'] : []
  return [...required, ...inContent('sent', old?.content, fresh.content, 'body', schemas)]
}

function inResponses(before: OpenAPI.OperationObject, after: OpenAPI.OperationObject, schemas: Schemas): string[] {
  const fresh = after.responses as Record<string, OpenAPI.ResponseObject>
  return Object.entries(before.responses as Record<string, OpenAPI.ResponseObject>).flatMap(([status, response]) => {
    const now = fresh[status]
    if (now === undefined) return [`it answers ${status} no longer`]
    const headers = Object.keys(response.headers ?? {}).filter((header) => now.headers?.[header] === undefined)
    return [
      ...headers.map((header) => `${status} has no header ${header} any more`),
      ...inContent('received', response.content, now.content, status, schemas),
    ]
  })
}

function inContent(direction: Direction, old: Content = {}, fresh: Content = {}, at: string, schemas: Schemas) {
  return Object.entries(old).flatMap(([type, { schema }]) => {
    const now = fresh[type]
    return now === undefined ? [`${at} is no longer ${type}`] : schemas(direction, schema, now.schema, at)
  })
}

/** A credential that was enough must still be: each former alternative must meet one of those that there are now. */
function narrowedSecurity(before: OpenAPI.SecurityRequirementObject[], after: OpenAPI.SecurityRequirementObject[]) {
  if (after.length === 0) return []
  if (before.length === 0) return ['it needs a credential now']
  return before.flatMap((held) => {
    const lacks = after.map((wanted) => Object.entries(wanted).flatMap((each) => missing(held, ...each)))
    if (lacks.some((each) => each.length === 0)) return []
    const same = after.findIndex((wanted) => Object.keys(wanted).join() === Object.keys(held).join())
    const scheme = Object.keys(held).join(' and ')
    return [same === -1 ? `it no longer takes ${scheme}` : `${scheme} needs the scope ${lacks[same]?.join(', ')} now`]
  })
}

function missing(held: OpenAPI.SecurityRequirementObject, scheme: string, scopes: string[]): string[] {
  const own = held[scheme]
  return own === undefined ? [scheme] : scopes.filter((scope) => !own.includes(scope))
}
