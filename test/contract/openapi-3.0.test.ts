import type { OpenAPIV3_1 } from 'openapi-types'
import { type Test, test } from 'tap'
import { downgrade } from '../../src/contract/openapi-3.0.ts'
import { build, everyConnector } from '../helper.ts'

type Node = Record<string, unknown>

/** Downgrades a document with this one schema, and gives the schema. */
function convert(schema: Node): unknown {
  return downgrade(documentWith({ Thing: schema })).components?.schemas?.Thing
}

function documentWith(schemas: Record<string, Node>, info: object = {}): OpenAPIV3_1.Document {
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://spec.openapis.org/oas/3.1/dialect/base',
    info: { title: 'Test', version: '1.0.0', ...info },
    paths: pathsTo(Object.keys(schemas)),
    webhooks: {},
    components: { schemas: schemas as OpenAPIV3_1.ComponentsObject['schemas'] & {} },
  }
}

/** One that refers to schemas: others are left out. */
function pathsTo(names: readonly string[]): OpenAPIV3_1.PathsObject {
  const anyOf = names.map((name) => ({ $ref: `#/components/schemas/${name}` }))
  const answer = { description: 'Things.', content: { 'application/json': { schema: { anyOf } } } }
  return { '/things': { get: { responses: { 200: answer } } } } as OpenAPIV3_1.PathsObject
}

test('schemas that webhooks alone refer to are left out, those that schemas refer to are not', (t) => {
  const document = documentWith({ Thing: { $ref: '#/components/schemas/Other' } })
  document.components = { schemas: { ...document.components?.schemas, Other: {}, Posted: {} } }
  t.same(Object.keys(downgrade(document).components?.schemas ?? {}), ['Thing', 'Other'])
  t.end()
})

function converts(t: Test, schema: Node, expected: Node): void {
  t.strictSame(convert(schema), expected, JSON.stringify(schema))
}

test('a type that can be null becomes nullable', async (t) => {
  converts(t, { type: ['string', 'null'] }, { type: 'string', nullable: true })
  converts(t, { type: ['null', 'integer'], minimum: 1 }, { type: 'integer', minimum: 1, nullable: true })
  converts(t, { type: ['string'] }, { type: 'string' })
  converts(t, { type: ['string', 'null'], enum: ['a', null] }, { type: 'string', enum: ['a', null], nullable: true })
  converts(
    t,
    { anyOf: [{ type: 'string', format: 'date' }, { type: 'null' }] },
    { type: 'string', format: 'date', nullable: true },
  )
})

test('a constant becomes an enumeration of one', async (t) => {
  converts(t, { const: 'user' }, { enum: ['user'] })
  converts(t, { type: 'integer', const: 0 }, { type: 'integer', enum: [0] })
  converts(
    t,
    {
      anyOf: [
        { type: 'string', const: 'a' },
        { type: 'string', const: 'b' },
      ],
    },
    {
      anyOf: [
        { type: 'string', enum: ['a'] },
        { type: 'string', enum: ['b'] },
      ],
    },
  )
})

test('the first of the examples becomes the example', async (t) => {
  converts(t, { type: 'string', examples: ['a', 'b'] }, { type: 'string', example: 'a' })
  converts(t, { type: 'boolean', examples: [false] }, { type: 'boolean', example: false })
  converts(t, { type: 'string', example: 'x', examples: ['a'] }, { type: 'string', example: 'x' })
})

test('a value is never taken for a schema', async (t) => {
  const value = { type: ['a', 'null'], const: 1, examples: [2], $id: 'x' }
  converts(t, { type: 'object', examples: [value] }, { type: 'object', example: value })
  converts(t, { type: 'object', default: value }, { type: 'object', default: value })
  converts(t, { enum: [value] }, { enum: [value] })
  converts(t, { const: value }, { enum: [value] })
})

test('a numeric exclusive bound becomes a bound with a flag', async (t) => {
  converts(
    t,
    { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
    { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: true },
  )
})

test('a map of patterns becomes a map of any names', async (t) => {
  converts(
    t,
    { type: 'object', patternProperties: { '^(.*)$': { type: ['string', 'null'] } } },
    { type: 'object', additionalProperties: { type: 'string', nullable: true } },
  )
})

test('an integer beyond 32 bits says so', async (t) => {
  converts(
    t,
    { type: 'integer', maximum: Number.MAX_SAFE_INTEGER },
    { type: 'integer', maximum: Number.MAX_SAFE_INTEGER, format: 'int64' },
  )
  converts(t, { type: 'integer', maximum: 100 }, { type: 'integer', maximum: 100 })
})

test('properties keep their names, whatever those are', async (t) => {
  const { from, to } = properties('const', 'type', 'examples', '$id', '$schema', 'properties', 'headers')
  converts(t, { type: 'object', properties: from }, { type: 'object', properties: to })
  converts(
    t,
    { type: 'object', properties: { properties: { type: 'object', properties: from } } },
    { type: 'object', properties: { properties: { type: 'object', properties: to } } },
  )
})

test('a property is converted even if its name is that of a keyword that holds a value', async (t) => {
  const { from, to } = properties('example', 'default', 'enum')
  t.strictSame(convert({ type: 'object', properties: from }), { type: 'object', properties: to })
})

/** Properties of these names before and after. */
function properties(...names: string[]): { from: Node; to: Node } {
  return {
    from: Object.fromEntries(names.map((name) => [name, { type: ['string', 'null'] }])),
    to: Object.fromEntries(names.map((name) => [name, { type: 'string', nullable: true }])),
  }
}

test('what only 3.1 knows is left out, and the original stays as it was', async (t) => {
  const license = { name: 'MIT', identifier: 'MIT' }
  const original = documentWith({ Thing: { $id: 'Thing', $schema: 'x', type: 'string' } }, { license })
  const before = structuredClone(original)
  t.strictSame(downgrade(original), {
    openapi: '3.0.3',
    info: { title: 'Test', version: '1.0.0', license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT.html' } },
    paths: pathsTo(['Thing']),
    components: { schemas: { Thing: { type: 'string' } } },
  })
  t.strictSame(original, before)
})

test('/docs/openapi-3.0.json is 3.0.3 and uses no keyword of 3.1', async (t) => {
  const { app } = await build(t, await everyConnector())
  const response = await app.inject('/docs/openapi-3.0.json')
  t.equal(response.statusCode, 200)
  t.match(response.headers['content-type'], /^application\/json/)
  const document = response.json()
  t.equal(document.openapi, '3.0.3')
  t.notOk(document.info.license.identifier)
  t.strictSame(newKeywords(document), [])
  const { paths } = app.swagger() as OpenAPIV3_1.Document
  t.strictSame(Object.keys(document.paths), Object.keys(paths ?? {}))
})

/** JSON Pointers of what a reader of 3.0 would not know. Names of properties are no keywords. */
function newKeywords(value: unknown, pointer = '', isMap = false): string[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => newKeywords(item, `${pointer}/${index}`))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, child]) => {
    const here = `${pointer}/${key}`
    if (!isMap && ['example', 'default', 'enum'].includes(key)) return []
    return !isMap && isNew(key, child) ? [here] : newKeywords(child, here, !isMap && key === 'properties')
  })
}

function isNew(key: string, value: unknown): boolean {
  const numeric = key === 'exclusiveMinimum' || key === 'exclusiveMaximum'
  return (
    (key === 'type' && (Array.isArray(value) || value === 'null')) ||
    (numeric && typeof value === 'number') ||
    ['const', 'examples', '$id', '$schema', 'patternProperties', 'prefixItems', '$defs', 'identifier'].includes(key)
  )
}
