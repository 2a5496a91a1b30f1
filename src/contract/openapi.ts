/** The OpenAPI 3.1 document: what @fastify/swagger makes of the routes, completed from the contract. */

import type { TSchema } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import type { OpenAPIV3_1 } from 'openapi-types'
import { catalogue, type ProblemCode } from '../errors.ts'
import type { EventType } from '../schemas/event.ts'
import { ProblemSchema } from '../schemas/problem.ts'
import { schemes } from './access.ts'
import type { Operation } from './operation.ts'
import { wordsOf } from './scope-words.ts'
import { givesEvents } from './shape.ts'

export const info = {
  info: {
    title: 'Septet API',
    version: '1.0.0',
    description: 'A users API. Errors are RFC 9457 problem documents; lists are keyset pages with a `Link` header.',
    license: { name: 'MIT', identifier: 'MIT' },
    contact: { name: 'Septet contributors' },
  },
  servers: [{ url: '/', description: 'This server.' }],
}

/** The schemes that routes name in their `security`. */
export const securitySchemes = Object.fromEntries(
  Object.entries(schemes).map(([name, { document }]) => [name, document]),
)

/** Schemas with an `$id`, by that name. */
export type Components = Map<string, TSchema>

/**
 * A route's schema as the document shows it: success headers and every problem response added, and each schema
 * with an `$id` moved into the components.
 *
 * @param eventTypes What pages of events can hold.
 */
export function describeRoute(
  schema: FastifySchema,
  operation: Operation,
  components: Components,
  eventTypes: Iterable<EventType> = [],
): FastifySchema {
  const { body, success, problems, access, live, description: purpose } = operation
  const { status, schema: result, headers } = success
  const description = result.description ?? 'Success.'
  const shown =
    result.type === 'null'
      ? { type: 'null', description }
      : {
          description,
          headers,
          content: { 'application/json': { schema: hoist(result, components) }, ...(live && eventStream) },
        }
  const response = { [status]: shown, ...problemResponses(problems, hoist(ProblemSchema, components)) }
  return {
    ...schema,
    ...(body && { body: hoist(body, components) }),
    description: `${purpose}${scopeSentence(access?.scopes ?? [])}${givesEvents(operation) ? tableOf(eventTypes, components) : ''}`,
    security: (schema.security ?? []).map(withoutScopes),
    response,
  }
}

/** What an operation that is live answers where it is asked for that. */
const eventStream = {
  'text/event-stream': {
    schema: {
      type: 'string',
      description:
        'Items as they come to be, each with its `sequence` as `id` and JSON as `data` (HTML Living Standard, section 9.2). It goes on behind `Last-Event-ID`.',
      examples: ['id: 0000000000000042\ndata: {}\n\n'],
    },
  },
} as const

/** The types of events in Markdown, each with the schema of its data. */
function tableOf(types: Iterable<EventType>, components: Components): string {
  const rows = [...types]
    .sort((a, b) => (a.type < b.type ? -1 : 1))
    .map(({ type, data, scope, description }) => {
      hoist(data, components)
      return `| \`${type}\` | ${description} | \`${data.$id ?? 'object'}\` | \`${scope}\` |\n`
    })
  return rows.length === 0 ? '' : `\n\n| type | what | data | scope |\n|---|---|---|---|\n${rows.join('')}`
}

/** Only OAuth's schemes can name scopes in a way that every tool reads; for people the description says them. */
function withoutScopes(requirement: Readonly<Record<string, readonly string[]>>): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(requirement).map(([name, scopes]) => [name, name === 'oauth2' ? scopes : []]),
  )
}

/** What a description adds of the scopes that an operation needs. */
export function scopeSentence(scopes: readonly string[]): string {
  if (scopes.length === 0) return ''
  return ` Needs the scope${scopes.length > 1 ? 's' : ''} ${scopes.map((scope) => `\`${scope}\``).join(', ')}.`
}

function problemResponses(problems: readonly ProblemCode[], schema: unknown): Record<string, object> {
  const byStatus = Map.groupBy(problems, (code) => catalogue[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: `${codes.map((code) => `${catalogue[code].title} (\`${code}\`)`).join(' or ')}.`,
        content: { 'application/problem+json': { schema } },
      },
    ]),
  )
}

/** Replaces schemas that have a name by references to it. */
export function hoist(schema: unknown, components: Components): unknown {
  if (Array.isArray(schema)) return schema.map((item) => hoist(item, components))
  if (typeof schema !== 'object' || schema === null) return schema
  const { $id, ...rest } = schema as TSchema
  const copy = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, hoist(value, components)]))
  if ($id === undefined) return copy
  components.set($id, copy as TSchema)
  return { $ref: `#/components/schemas/${$id}` }
}

/** Adds what the routes do not say one by one, and puts everything into a stable order. */
export function finishDocument(
  swagger: OpenAPIV3_1.Document,
  contract: ReadonlyMap<string, Operation>,
  components: Components,
): OpenAPIV3_1.Document {
  // Schemas are shared between routes; as JSON they are separate, and YAML needs no anchors.
  const document = JSON.parse(JSON.stringify(swagger)) as OpenAPIV3_1.Document
  const tags = [...new Set([...contract.values()].map(({ tag }) => tag))].sort()
  for (const path of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(path ?? {}) as OpenAPIV3_1.OperationObject[]) {
      for (const parameter of (operation.parameters ?? []) as OpenAPIV3_1.ParameterObject[]) {
        if (parameter.in === 'header') parameter.name = headerName(parameter.name)
        liftExamples(parameter)
      }
      for (const response of Object.values(operation.responses ?? {}) as OpenAPIV3_1.ResponseObject[]) {
        if (response.headers) response.headers = renameKeys(response.headers, headerName)
      }
    }
  }
  for (const schema of components.values()) addObjectExample(schema)
  const schemas = Object.fromEntries(components) as OpenAPIV3_1.ComponentsObject['schemas'] & {}
  return {
    ...document,
    tags: tags.map((name) => ({ name, description: `Operations on ${name}.` })),
    components: {
      ...document.components,
      securitySchemes: withScopes(document.components?.securitySchemes, contract),
      schemas: sortKeys(schemas),
    },
  }
}

/** OAuth's flows with every scope that an operation asks for, each in words. */
function withScopes(
  all: OpenAPIV3_1.ComponentsObject['securitySchemes'] = {},
  contract: ReadonlyMap<string, Operation>,
): OpenAPIV3_1.ComponentsObject['securitySchemes'] & {} {
  const names = new Set([...contract.values()].flatMap(({ access }) => access?.scopes ?? []))
  const scopes = Object.fromEntries([...names].sort().map((name) => [name, wordsOf(name)]))
  const { oauth2, ...others } = all as Record<string, OpenAPIV3_1.OAuth2SecurityScheme>
  if (oauth2 === undefined) return others
  const flows = Object.entries(oauth2.flows).map(([flow, settings]) => [flow, { ...settings, scopes: { ...scopes } }])
  return { ...others, oauth2: { ...oauth2, flows: Object.fromEntries(flows) } }
}

/** A parameter shows its example itself: tools read it there. */
function liftExamples(parameter: OpenAPIV3_1.ParameterObject): void {
  const [example] = (parameter.schema as { examples?: unknown[] } | undefined)?.examples ?? []
  if (example !== undefined) parameter.example = example
}

/** An object's example follows from those of its properties, so that the two cannot differ. */
function addObjectExample(schema: TSchema): void {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, TSchema>)
  const examples = properties.flatMap(([name, { examples }]) => (examples ? [[name, examples[0]] as const] : []))
  if (examples.length > 0) schema.examples ??= [Object.fromEntries(examples)]
}

/** `if-match` → `If-Match`; `etag` is the one that is written otherwise. */
function headerName(name: string): string {
  return name === 'etag' ? 'ETag' : name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
}

function renameKeys<Value>(object: Record<string, Value>, rename: (key: string) => string): Record<string, Value> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [rename(key), value]))
}

function sortKeys<Value>(object: Record<string, Value>): Record<string, Value> {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
}
