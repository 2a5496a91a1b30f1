/**
 * OpenAPI 3.1 → 3.0.3, for generators that cannot read 3.1. The one library for it calls itself not robust and
 * brings a compiler along; the schemas of a contract use few keywords, so that their list is short.
 */

import type { OpenAPIV3, OpenAPIV3_1 } from 'openapi-types'

type Node = Record<string, unknown>

/** Renders a document that the contract made. The original is not changed. */
export function downgrade(document: OpenAPIV3_1.Document): OpenAPIV3.Document {
  const { webhooks: _webhooks, jsonSchemaDialect: _dialect, ...rest } = structuredClone(document)
  const { identifier, ...license } = rest.info.license ?? { name: '' }
  // 3.0 names a license by its address; SPDX publishes one for each identifier.
  if (identifier) license.url ??= `https://spdx.org/licenses/${identifier}.html`
  const converted = withoutUnused(convert(rest) as Node)
  return { ...converted, openapi: '3.0.3', info: { ...rest.info, license } } as unknown as OpenAPIV3.Document
}

/** Leaves out schemas that webhooks alone refer to. */
function withoutUnused({ components, ...document }: Node): Node {
  const { schemas = {}, ...others } = (components ?? {}) as Node & { schemas?: Node }
  const used = new Set<string>()
  const visit = (value: unknown): void => {
    for (const [, name = ''] of JSON.stringify(value).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name)) continue
      used.add(name)
      visit(schemas[name] ?? null)
    }
  }
  visit([document, others])
  const kept = Object.entries(schemas).filter(([name]) => used.has(name))
  return { ...document, components: { ...others, schemas: Object.fromEntries(kept) } }
}

/** Keywords that hold data, not schemas: what stands in them is left alone. */
const values = new Set(['example', 'examples', 'default', 'enum'])

function convert(value: unknown, isMap = false): unknown {
  if (Array.isArray(value)) return value.map((item) => convert(item))
  if (typeof value !== 'object' || value === null) return value
  // Keys of a map are names that a caller chose: `properties` may hold one that is called `const`.
  const node = isMap ? (value as Node) : convertKeywords(value as Node)
  const maps = new Set(['properties', 'schemas', 'headers', 'responses', 'paths', 'content'])
  return Object.fromEntries(
    Object.entries(node).map(([key, child]) => [
      key,
      !isMap && values.has(key) ? child : convert(child, !isMap && maps.has(key)),
    ]),
  )
}

/** The keywords that changed between the two (JSON Schema 2020-12 against draft Wright 00). */
function convertKeywords({ $schema: _schema, $id: _id, ...node }: Node): Node {
  if (Array.isArray(node.type)) {
    const types = node.type.filter((type) => type !== 'null')
    if (types.length < node.type.length) node.nullable = true
    node.type = types[0]
  }
  if (Array.isArray(node.anyOf) && node.anyOf.some(isNull)) {
    const others = node.anyOf.filter((schema) => !isNull(schema)) as Node[]
    const [only] = others
    // 3.0 knows `nullable` beside a `type` alone.
    if (only && others.length === 1 && only.$ref === undefined) {
      delete node.anyOf
      return convertKeywords({ ...only, ...node, nullable: true })
    }
    node.anyOf = others
    node.nullable = true
  }
  if ('const' in node) {
    node.enum = [node.const]
    delete node.const
  }
  if (Array.isArray(node.examples)) {
    node.example ??= node.examples[0]
    delete node.examples
  }
  for (const [keyword, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (typeof node[keyword] !== 'number') continue
    node[bound] = node[keyword]
    node[keyword] = true
  }
  // No integer format of 3.0 is implied; beyond 32 bits it must be said.
  if (node.type === 'integer' && Number(node.maximum) > 2 ** 31 - 1) node.format ??= 'int64'
  if (node.patternProperties) {
    node.additionalProperties = Object.values(node.patternProperties as Node)[0]
    delete node.patternProperties
  }
  return node
}

function isNull(schema: unknown): boolean {
  return (schema as Node).type === 'null'
}
