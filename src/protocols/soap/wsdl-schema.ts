/** The messages of a WSDL that `describe` has written, as schemas that can be compared. */

import type { Direction, JsonSchema } from '../../contract/breaking/schema.ts'
import type { XmlElement } from './element.ts'

/** Definitions by name, as references find them. */
export interface Schemas {
  types: Record<string, JsonSchema>
  elements: Record<string, JsonSchema>
}

/** Facets (XSD 1.0 part 2 section 4.3), and what JSON Schema calls them. */
const facets: Readonly<Record<string, string>> = {
  minLength: 'minLength',
  maxLength: 'maxLength',
  minInclusive: 'minimum',
  maxInclusive: 'maximum',
  minExclusive: 'exclusiveMinimum',
  maxExclusive: 'exclusiveMaximum',
}

/** Whole numbers that are sent: the narrower type is the wider one within limits. */
const int = { type: 'xs:long', minimum: -2_147_483_648, maximum: 2_147_483_647 }

/** Reads the types and elements of the one `xs:schema`, for messages that go in a direction. */
export function readSchemas(schema: XmlElement, direction: Direction): Schemas {
  const all = (local: string, read: (element: XmlElement, direction: Direction) => JsonSchema) =>
    contentOf(schema, local).map((each) => [attributeOf(each, 'name'), read(each, direction)] as const)
  return {
    types: Object.fromEntries([...all('complexType', complexOf), ...all('simpleType', simpleOf)]),
    elements: Object.fromEntries(all('element', typeOf)),
  }
}

/** The value of an attribute, empty where there is none. */
export function attributeOf({ attributes }: XmlElement, name: string): string {
  return attributes.find(({ uri, local }) => local === name && uri === '')?.value ?? ''
}

/** Children with a local name. */
export function contentOf({ children }: XmlElement, local: string): XmlElement[] {
  return children.filter((each) => each.local === local)
}

/** What stands in an element. */
function typeOf(element: XmlElement, direction: Direction): JsonSchema {
  const type = attributeOf(element, 'type')
  const [complex] = contentOf(element, 'complexType')
  const [simple] = contentOf(element, 'simpleType')
  if (complex !== undefined) return complexOf(complex, direction)
  if (simple !== undefined) return simpleOf(simple, direction)
  return namedType(type, direction)
}

function namedType(type: string, direction: Direction): JsonSchema {
  if (type.startsWith('tns:')) return { $ref: `#/types/${type.slice(4)}` }
  return type === 'xs:int' && direction === 'sent' ? int : { type }
}

function complexOf(complex: XmlElement, direction: Direction): JsonSchema {
  const [choice] = contentOf(complex, 'choice')
  if (choice !== undefined) return { oneOf: contentOf(choice, 'element').map((each) => typeOf(each, direction)) }
  const [sequence] = contentOf(complex, 'sequence')
  const elements = sequence === undefined ? [] : contentOf(sequence, 'element')
  const required = elements.filter((each) => attributeOf(each, 'minOccurs') !== '0')
  return {
    type: 'object',
    properties: Object.fromEntries(elements.map((each) => [attributeOf(each, 'name'), occurring(each, direction)])),
    required: required.map((each) => attributeOf(each, 'name')),
    additionalProperties: false,
  }
}

function occurring(element: XmlElement, direction: Direction): JsonSchema {
  const type = typeOf(element, direction)
  const one = attributeOf(element, 'nillable') === 'true' ? { anyOf: [type, { type: 'null' }] } : type
  return attributeOf(element, 'maxOccurs') === 'unbounded' ? { type: 'array', items: one } : one
}

function simpleOf(simple: XmlElement, direction: Direction): JsonSchema {
  const [restriction] = contentOf(simple, 'restriction')
  if (restriction === undefined) return {}
  const schema: JsonSchema = { ...namedType(attributeOf(restriction, 'base'), direction) }
  const values = contentOf(restriction, 'enumeration').map((each) => attributeOf(each, 'value'))
  if (values.length > 0) schema.enum = values
  for (const facet of restriction.children) {
    const limit = facets[facet.local]
    if (limit !== undefined) schema[limit] = Number(attributeOf(facet, 'value'))
    else if (facet.local === 'pattern') schema.pattern = attributeOf(facet, 'value')
  }
  return schema
}
