/** Judges requests by Stripe's own specification: operations, form encoding (OpenAPI 3.0, style and explode), schemas. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'

interface Schema {
  type?: string
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  anyOf?: Schema[]
  enum?: unknown[]
  required?: string[]
}
interface Encoding {
  style?: string
  explode?: boolean
}
interface Parameter extends Encoding {
  name: string
  in: 'path' | 'query'
  required?: boolean
  schema: Schema
}
interface Operation {
  operationId: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Schema; encoding?: Record<string, Encoding> }> }
}
interface Specification {
  info: { version: string }
  paths: Record<string, Record<string, Operation>>
}

/** Text, or what brackets have made of names: lists have numbers for names. */
type Node = string | { [name: string]: Node }
export type Values = Record<string, unknown>

export interface Judged {
  operationId: string
  /** Parameters of the path. */
  path: Record<string, string>
  /** Those of the query, or of the body. */
  values: Values
}

/** The request is none that Stripe's specification knows. */
export class Misfit extends Error {
  readonly param: string | undefined

  constructor(message: string, param?: string) {
    super(message)
    this.param = param
  }
}

interface Route {
  operationId: string
  pattern: RegExp
  names: string[]
  schema: Schema
  encoding: Record<string, Encoding>
  validate: ValidateFunction
}

const file = join(import.meta.dirname, 'stripe-requests.json')
const specification = JSON.parse(readFileSync(file, 'utf8')) as Specification
export const specifiedVersion = specification.info.version

const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: false })
const routes = new Map<string, Route[]>()
for (const [template, methods] of Object.entries(specification.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const known = routes.get(method) ?? []
    routes.set(method, known)
    known.push(routeOf(template, method, operation))
  }
}
// Plain paths come before those with parameters: `/search` is no id.
for (const known of routes.values()) known.sort((a, b) => a.names.length - b.names.length)

/** @throws {Misfit} for what the specification does not allow. */
export function judge(method: string, url: URL, body: string): Judged {
  for (const route of routes.get(method.toLowerCase()) ?? []) {
    const found = route.pattern.exec(url.pathname)
    if (found === null) continue
    const text = method === 'POST' ? body : url.search.slice(1)
    if (method === 'POST' && url.search !== '') throw new Misfit('parameters of a POST are in its body')
    if (method !== 'POST' && body !== '') throw new Misfit(`a ${method} has no body`)
    const path = Object.fromEntries(
      route.names.map((name, index) => [name, decodeURIComponent(found[index + 1] ?? '')]),
    )
    return { operationId: route.operationId, path, values: decode(route, text) }
  }
  throw new Misfit(`Unrecognized request URL (${method}: ${url.pathname})`)
}

function routeOf(template: string, method: string, { operationId, parameters = [], requestBody }: Operation): Route {
  const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const pattern = new RegExp(`^${template.replaceAll(/\{\w+\}/g, '([^/]+)')}$`)
  const query = parameters.filter((parameter) => parameter.in === 'query')
  const form = requestBody?.content['application/x-www-form-urlencoded']
  const ofQuery: Schema = {
    type: 'object',
    properties: Object.fromEntries(query.map(({ name, schema }) => [name, schema])),
    required: query.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: false,
  }
  const schema = method === 'post' && form ? form.schema : ofQuery
  const encoding =
    method === 'post' ? (form?.encoding ?? {}) : Object.fromEntries(query.map((each) => [each.name, each]))
  return { operationId, pattern, names, schema, encoding, validate: ajv.compile(schema) }
}

function decode({ schema, encoding, validate }: Route, text: string): Values {
  const tree: { [name: string]: Node } = {}
  for (const [name, value] of new URLSearchParams(text)) {
    const [first = '', ...rest] = name.split(/\[([^\]]*)\]/).filter((part, index) => index % 2 === 1 || part !== '')
    if (rest.length > 0 && encoding[first]?.style !== 'deepObject')
      throw new Misfit(`Invalid ${first}: no object`, first)
    put(tree, [first, ...rest], value, name)
  }
  const values = typed(schema, tree, '') as Values
  if (validate(values)) return values
  const [error] = validate.errors ?? []
  const { additionalProperty, missingProperty } = (error?.params ?? {}) as Record<string, string>
  const param = bracketed(`${error?.instancePath ?? ''}/${additionalProperty ?? missingProperty ?? ''}`)
  throw new Misfit(`Invalid ${param}: ${error?.message}`, param)
}

function put(tree: { [name: string]: Node }, [name = '', ...rest]: string[], value: string, whole: string): void {
  const key = name === '' ? String(Object.keys(tree).length) : name
  if (rest.length === 0) {
    if (key in tree) throw new Misfit(`${whole} came twice`, whole)
    tree[key] = value
    return
  }
  const inner = tree[key] ?? {}
  if (typeof inner === 'string') throw new Misfit(`${whole} is text and more`, whole)
  tree[key] = inner
  put(inner, rest, value, whole)
}

/** Text has the type that its schema says, if it can be read so. */
function typed(schema: Schema, node: Node, at: string): unknown {
  if (schema.anyOf) {
    const fits = schema.anyOf.find((each) => (typeof node === 'string') === isPlain(each)) ?? schema.anyOf[0]
    return fits === undefined ? node : typed(fits, node, at)
  }
  if (typeof node === 'string') {
    if (schema.type === 'integer' && /^-?\d+$/.test(node)) return Number(node)
    if (schema.type === 'number' && /^-?\d+(\.\d+)?$/.test(node)) return Number(node)
    if (schema.type === 'boolean' && /^(true|false)$/.test(node)) return node === 'true'
    return node
  }
  if (schema.type === 'array') {
    const items = schema.items ?? {}
    return Object.keys(node).map((name, index) => {
      if (name !== String(index)) throw new Misfit(`Invalid array at ${at}`, at)
      return typed(items, node[name] as Node, `${at}[${index}]`)
    })
  }
  const { properties = {}, additionalProperties } = schema
  const rest = typeof additionalProperties === 'object' ? additionalProperties : {}
  return Object.fromEntries(
    Object.entries(node).map(([name, inner]) => [name, typed(properties[name] ?? rest, inner, `${at}[${name}]`)]),
  )
}

function isPlain({ type, properties, items }: Schema): boolean {
  return type !== 'object' && type !== 'array' && properties === undefined && items === undefined
}

/** `/line_items/0/price` → `line_items[0][price]` */
function bracketed(pointer: string): string {
  const [first = '', ...rest] = pointer.split('/').filter(Boolean)
  return first + rest.map((part) => `[${part}]`).join('')
}
