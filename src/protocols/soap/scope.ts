/** What prefixes stand for at a place of a document (Namespaces in XML 1.0 section 6). */

import type { XmlAttribute, XmlName } from './element.ts'
import { xsi } from './names.ts'

/** A declaration, and those that it stands in front of. */
export interface Binding {
  prefix: string
  /** Empty for a default namespace that is taken back. */
  uri: string
  outer: Binding | undefined
  /** How many there are, this one among them. */
  count: number
}

const xmlUri = 'http://www.w3.org/XML/1998/namespace'
const xmlnsUri = 'http://www.w3.org/2000/xmlns/'

/**
 * A scope with one more declaration.
 *
 * @param within The scope of the element around: what has been declared since is of the same element.
 * @throws for what may not be declared, or is declared twice by one element.
 */
export function bind(prefix: string, uri: string, scope: Binding | undefined, within: Binding | undefined): Binding {
  if (prefix === 'xmlns' || uri === xmlnsUri || (prefix === 'xml') !== (uri === xmlUri))
    throw new Error('the namespaces of XML itself are declared otherwise')
  if (uri === '' && prefix !== '') throw new Error('a prefix is declared as nothing')
  for (let each = scope; each !== within; each = each?.outer) {
    if (each?.prefix === prefix) throw new Error('an attribute is given twice')
  }
  return { prefix, uri, outer: scope, count: (scope?.count ?? 0) + 1 }
}

/** The namespace of a prefix, of the empty one the default. @throws where there is none. */
export function resolve(prefix: string, scope: Binding | undefined): string {
  for (let each = scope; each !== undefined; each = each.outer) {
    if (each.prefix === prefix) return each.uri
  }
  if (prefix === '') return ''
  if (prefix === 'xml') return xmlUri
  throw new Error('a prefix has no namespace')
}

/** An attribute whose prefix is not resolved yet. */
export interface Written {
  prefix: string
  local: string
  value: string
}

/** @throws for two with one name, or a prefix that has no namespace. */
export function resolveAttributes(written: readonly Written[], scope: Binding | undefined): readonly XmlAttribute[] {
  const attributes = written.map(({ prefix, local, value }) => {
    // The default namespace is that of elements alone.
    return { uri: prefix === '' ? '' : resolve(prefix, scope), local, value }
  })
  for (const [index, { uri, local }] of attributes.entries()) {
    if (attributes.findIndex((other) => other.local === local && other.uri === uri) < index)
      throw new Error('an attribute is given twice')
  }
  return attributes
}

/** What `xsi:type` names. */
export function typeOf(attributes: readonly XmlAttribute[], scope: Binding | undefined): XmlName | undefined {
  const typed = attributes.find(({ uri, local }) => local === 'type' && uri === xsi)
  if (typed === undefined) return undefined
  const [local = '', prefix = ''] = typed.value.trim().split(':').reverse()
  return { uri: resolve(prefix, scope), local }
}
