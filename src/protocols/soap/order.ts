/**
 * The order of elements in `xs:sequence`, which generated clients rely on: kept from the committed WSDL, so that it does
 * not move when properties are reordered. New ones come last.
 */

import type { Field, ObjectShape } from '../../contract/walk.ts'
import { type XmlElement, type XmlLimits, XmlReader } from './parse.ts'

/** The committed file is ours. */
export const fileLimits: XmlLimits = {
  depth: 32,
  elements: 1_000_000,
  attributes: 32,
  attributeLength: 4096,
  nameLength: 256,
}

/** Names of elements in their order, by the name of the type, or of the element that has the type. */
export type Order = ReadonlyMap<string, readonly string[]>

export function readOrder(wsdl: string): Order {
  const order = new Map<string, readonly string[]>()
  const visit = (element: XmlElement, name: string | undefined): void => {
    const own = attributeOf(element, 'name')
    for (const child of element.children) {
      if (child.local === 'sequence' && name !== undefined)
        order.set(
          name,
          child.children.flatMap((each) => attributeOf(each, 'name') ?? []),
        )
      else if (child.local !== 'sequence')
        visit(child, child.local === 'complexType' ? (attributeOf(child, 'name') ?? own) : undefined)
    }
  }
  visit(new XmlReader(fileLimits).read(wsdl), undefined)
  return order
}

function attributeOf({ attributes }: XmlElement, wanted: string): string | undefined {
  return attributes.find(({ local, uri }) => local === wanted && uri === '')?.value
}

/** The fields of a shape, as the order has them. */
export function orderedFields({ name, fields }: ObjectShape, order: Order): readonly Field[] {
  const known = order.get(name)
  if (known === undefined) return fields
  const place = (field: Field) => {
    const index = known.indexOf(field.name)
    return index === -1 ? known.length : index
  }
  return [...fields].sort((a, b) => place(a) - place(b))
}
