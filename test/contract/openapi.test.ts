import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OpenAPIV3_1 } from 'openapi-types'
import { type Test, test } from 'tap'
import { parse } from 'yaml'
import { build, everyConnector } from '../helper.ts'

type Schema = OpenAPIV3_1.SchemaObject
type Body = { content?: Record<string, { schema?: Schema | OpenAPIV3_1.ReferenceObject }> }
interface Named {
  name: string
  operation: OpenAPIV3_1.OperationObject
}

const committed = readFileSync(join(import.meta.dirname, '..', '..', 'openapi.yaml'), 'utf8')

/** The live document and its operations, each named like `GET /users`. */
async function live(t: Test): Promise<{ document: OpenAPIV3_1.Document; operations: Named[] }> {
  const { app } = await build(t, await everyConnector())
  const document = app.swagger() as OpenAPIV3_1.Document
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, OpenAPIV3_1.OperationObject>).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  )
  return { document, operations }
}

test('the committed document is the live one', async (t) => {
  const { app } = await build(t, await everyConnector())
  t.equal(app.swagger({ yaml: true }), committed, 'run npm run contracts')
})

test('the server serves the committed document', async (t) => {
  const { app } = await build(t, await everyConnector())
  t.equal((await app.inject('/docs/yaml')).body, committed)
  t.strictSame((await app.inject('/docs/json')).json(), parse(committed))
})

test('every operation has a name, a description, one tag and a security requirement', async (t) => {
  const { document, operations } = await live(t)
  t.ok(operations.length > 0)
  const tags = new Set(document.tags?.map(({ name }) => name))
  for (const { name, operation } of operations) {
    t.match(operation.operationId, /^[a-z][a-zA-Z0-9]*$/, `${name}: operationId`)
    t.ok(operation.summary, `${name}: summary`)
    t.ok(operation.description, `${name}: description`)
    t.equal(operation.tags?.length, 1, `${name}: one tag`)
    t.ok(tags.has(operation.tags?.[0] ?? ''), `${name}: the tag is described`)
    t.ok(Array.isArray(operation.security), `${name}: security`)
  }
  const ids = operations.map(({ operation }) => operation.operationId)
  t.equal(new Set(ids).size, ids.length, 'no operationId twice')
})

test('every body that goes in or comes out with success has an example', async (t) => {
  const { document, operations } = await live(t)
  for (const { name, operation } of operations) {
    const bodies = [operation.requestBody, ...responses(operation, /^2/).map(([, response]) => response)] as Body[]
    for (const [type, media] of bodies.flatMap((body) => Object.entries(body?.content ?? {}))) {
      t.ok(hasExample(media.schema, document), `${name}: ${type}`)
    }
  }
})

/** Its own, or that of the items of a list. */
function hasExample(schema: Schema | OpenAPIV3_1.ReferenceObject | undefined, document: OpenAPIV3_1.Document): boolean {
  if (schema === undefined) return false
  if ('$ref' in schema) return hasExample(document.components?.schemas?.[schema.$ref.split('/').at(-1) ?? ''], document)
  return Boolean(schema.examples?.length) || (schema.type === 'array' && hasExample(schema.items, document))
}

test('every status is a number, and every error is a problem document', async (t) => {
  const { operations } = await live(t)
  for (const { name, operation } of operations) {
    t.strictSame(
      Object.keys(operation.responses ?? {}).filter((status) => !/^[2-5]\d\d$/.test(status)),
      [],
      `${name}: no range and no default`,
    )
    t.equal(responses(operation, /^2/).length, 1, `${name}: one success`)
    const errors = responses(operation, /^[45]/)
    t.ok(errors.length > 0, `${name}: errors are listed`)
    for (const [status, { content }] of errors) {
      t.strictSame(
        content,
        { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        `${name}: ${status}`,
      )
    }
  }
})

function responses(
  operation: OpenAPIV3_1.OperationObject,
  status: RegExp,
): [status: string, OpenAPIV3_1.ResponseObject][] {
  return Object.entries((operation.responses ?? {}) as Record<string, OpenAPIV3_1.ResponseObject>).filter(([key]) =>
    status.test(key),
  )
}

test('a parameter with a default is optional, and every parameter is described', async (t) => {
  const { operations } = await live(t)
  let defaults = 0
  for (const { name, operation } of operations) {
    for (const parameter of (operation.parameters ?? []) as OpenAPIV3_1.ParameterObject[]) {
      t.ok(parameter.description, `${name}: ${parameter.name}: description`)
      t.equal(parameter.required, parameter.in === 'path' || parameter.name === 'id', `${name}: ${parameter.name}`)
      if (!('default' in (parameter.schema ?? {}))) continue
      defaults++
      t.equal(parameter.required, false, `${name}: ${parameter.name} has a default`)
    }
  }
  t.ok(defaults > 0)
})

test('two servers answer the same document', async (t) => {
  const [one, two] = await Promise.all([build(t), build(t)])
  t.equal((await one.app.inject('/docs/json')).body, (await two.app.inject('/docs/json')).body)
})

test('an operation that is live shows its stream, and each type of event with the schema of its data', async (t) => {
  const { app } = await build(t)
  const { paths, components } = app.swagger() as OpenAPIV3_1.Document
  const { description, responses } = paths?.['/events']?.get ?? {}
  const rows = [...String(description).matchAll(/^\| `([a-z.-]+)` \| .* \| `(\w+)` \| `([a-z:]+)` \|$/gm)]
  t.same(
    rows.map(([, type, data, scope]) => [type, data, scope]),
    [...app.events.types.values()].map(({ type, data, scope }) => [type, data.$id, scope]).sort(),
  )
  for (const [, , data = ''] of rows) t.ok(components?.schemas?.[data], data)
  const success = responses?.[200] as OpenAPIV3_1.ResponseObject | undefined
  t.same(Object.keys(success?.content ?? {}), ['application/json', 'text/event-stream'])
})

test('the document names what is posted to endpoints: each event with its data, and the headers that it comes with', async (t) => {
  const { app } = await build(t)
  const { webhooks = {}, components } = app.swagger() as OpenAPIV3_1.Document
  t.same(Object.keys(webhooks), [...app.events.types.keys(), 'webhook-endpoint.tested'].sort())
  for (const [type, entry] of Object.entries(webhooks)) {
    const { post } = entry as { post: OpenAPIV3_1.OperationObject }
    const { content } = post.requestBody as { content: Record<string, { schema: { allOf: [object, Schema] } }> }
    const [base, own] = content['application/json']?.schema.allOf ?? []
    t.same(base, { $ref: '#/components/schemas/Event' })
    t.match(own, { properties: { type: { const: type }, data: Object } })
    const { $ref } = (own?.properties?.data ?? {}) as { $ref?: string }
    const known = components?.schemas ?? {}
    t.ok($ref === undefined || known[$ref.split('/').at(-1) ?? ''], `${type}: its data is described`)
    t.same(
      post.parameters?.map((each) => (each as OpenAPIV3_1.ParameterObject).name),
      ['Webhook-Id', 'Webhook-Timestamp', 'Webhook-Signature'],
    )
  }
  const named = [...Object.values(app.swagger().paths ?? {}), ...Object.values(webhooks)]
  const ids = named.flatMap((item) => Object.values(item as Record<string, OpenAPIV3_1.OperationObject>))
  t.equal(new Set(ids.map(({ operationId }) => operationId)).size, ids.length, 'no operationId twice')
})
