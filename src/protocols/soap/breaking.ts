/** What a change of the WSDL breaks for clients that were generated from it. */

import { breakingInSchema, type Direction } from '../../contract/breaking/schema.ts'
import type { XmlElement } from './element.ts'
import { type Order, readOrder } from './order.ts'
import { messageLimits, XmlReader } from './parse.ts'
import { attributeOf, contentOf, readSchemas, type Schemas } from './wsdl-schema.ts'

interface Document {
  root: XmlElement
  order: Order
  schemas: Record<Direction, Schemas>
}

/** In words, each beginning with the operation or the type: `createUser: request.name is required now`. */
export function breakingInWsdl(before: string, after: string): string[] {
  const [old, fresh] = [readDocument(before), readDocument(after)]
  const [was, is] = [old, fresh].map(({ root }) => attributeOf(root, 'targetNamespace'))
  if (was !== is) return [`the namespace was ${was}, and is ${is} now`]
  return [
    ...operationsOf(old).flatMap((operation) => inOperation(operation, old, fresh)),
    ...inBindings(old, fresh),
    ...inElements(old, fresh),
    ...inOrder(old.order, fresh.order),
  ]
}

function readDocument(wsdl: string): Document {
  const root = new XmlReader({ ...messageLimits, elements: 1_000_000 }).read(wsdl)
  const schema = contentOf(root, 'types').flatMap((types) => contentOf(types, 'schema'))[0] as XmlElement
  const schemas = { sent: readSchemas(schema, 'sent'), received: readSchemas(schema, 'received') }
  return { root, order: readOrder(wsdl), schemas }
}

function operationsOf({ root }: Document): XmlElement[] {
  return contentOf(root, 'portType').flatMap((port) => contentOf(port, 'operation'))
}

function inOperation(operation: XmlElement, old: Document, fresh: Document): string[] {
  const name = attributeOf(operation, 'name')
  const now = named(operationsOf(fresh), name)
  if (now === undefined) return [`${name}: it is gone`]
  const ends = (
    [
      ['input', 'request', 'sent'],
      ['output', 'response', 'received'],
    ] as const
  ).flatMap(([end, at, direction]) => {
    const [one, other] = [elementOf(operation, end, old), elementOf(now, end, fresh)]
    if (one !== other) return [`${at} was ${one}, and is ${other} now`]
    const [before, after] = [old.schemas[direction], fresh.schemas[direction]]
    return breakingInSchema({ before, after, direction }, before.elements[one] ?? {}, after.elements[one] ?? {}, at)
  })
  const faults = contentOf(operation, 'fault').flatMap((fault) => {
    const known = named(contentOf(now, 'fault'), attributeOf(fault, 'name'))
    return known === undefined ? [`it has no ${attributeOf(fault, 'name')} any more`] : []
  })
  return [...ends, ...faults].map((words) => `${name}: ${words}`)
}

/** The element of a message of an operation. */
function elementOf(operation: XmlElement, end: 'input' | 'output', { root }: Document): string {
  const [message] = contentOf(operation, end).map((each) => localOf(attributeOf(each, 'message')))
  const [part] = contentOf(named(contentOf(root, 'message'), message ?? '') ?? root, 'part')
  return part === undefined ? '' : localOf(attributeOf(part, 'element'))
}

/** How messages travel: versions of SOAP, transport, style and actions; the address is that of who serves the document. */
function inBindings(old: Document, fresh: Document): string[] {
  return contentOf(old.root, 'binding').flatMap((binding) => {
    const name = attributeOf(binding, 'name')
    const now = named(contentOf(fresh.root, 'binding'), name)
    if (now === undefined) return [`the binding ${name} is gone`]
    const known = new Set(travelOf(now))
    const gone = new Set(contentOf(binding, 'operation').map((each) => attributeOf(each, 'name')))
    for (const each of contentOf(now, 'operation')) gone.delete(attributeOf(each, 'name'))
    // An operation that is gone altogether is told of once.
    const told = (words: string) => gone.has(words.split(' ')[0] as string)
    const lost = travelOf(binding).filter((words) => !known.has(words) && !told(words))
    return lost.map((words) => `the binding ${name} is no longer ${words}`)
  })
}

/** Each extension element of a binding in words: `getUser operation soapAction=urn:septet:v1:getUser`. */
function travelOf(binding: XmlElement): string[] {
  const words = (owner: string, element: XmlElement) =>
    element.children
      .filter(({ uri }) => uri !== binding.uri)
      .map(({ uri, local, attributes }) =>
        [owner, `{${uri}}${local}`, ...attributes.map((each) => `${each.local}=${each.value}`)]
          .filter(Boolean)
          .join(' '),
      )
  return [
    ...words('', binding),
    ...contentOf(binding, 'operation').flatMap((operation) => {
      const name = attributeOf(operation, 'name')
      const ends = operation.children.filter(({ local }) => local === 'input' || local === 'output')
      return [...words(name, operation), ...ends.flatMap((end) => words(`${name} ${end.local}`, end))]
    }),
  ]
}

/** Elements that are no message: details of faults, and header blocks. */
function inElements(old: Document, fresh: Document): string[] {
  const [before, after] = [old.schemas.received, fresh.schemas.received]
  const messages = new Set(
    operationsOf(old).flatMap((each) => [elementOf(each, 'input', old), elementOf(each, 'output', old)]),
  )
  return Object.keys(before.elements)
    .filter((name) => !messages.has(name))
    .flatMap((name) => {
      const [one, other] = [before.elements[name], after.elements[name]]
      if (one === undefined || other === undefined) return [`${name}: it is gone`]
      const versions = { before, after, direction: 'received' } as const
      return breakingInSchema(versions, one, other, 'it').map((words) => `${name}: ${words}`)
    })
}

/** A sequence is in its order (XSD 1.0 part 1 section 3.8.4): what is new stands behind what was there. */
function inOrder(before: Order, after: Order): string[] {
  return [...before].flatMap(([owner, old]) => {
    const fresh = after.get(owner) ?? []
    const expected = old.filter((name) => fresh.includes(name))
    const isKept = expected.every((name, index) => fresh[index] === name)
    return isKept ? [] : [`${owner}: its elements were ${old.join(', ')}, and are ${fresh.join(', ')} now`]
  })
}

function named(elements: readonly XmlElement[], name: string): XmlElement | undefined {
  return elements.find((each) => attributeOf(each, 'name') === name)
}

function localOf(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}
