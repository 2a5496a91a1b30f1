/**
 * XML out of bytes, read as events and namespace-aware (XML 1.0, Namespaces in XML 1.0). What SOAP forbids is refused
 * where it is met: document type definitions, so that no entity is ever declared, and processing instructions
 * (SOAP 1.1 section 3, SOAP 1.2 part 1 section 5).
 */

import { isUtf8 } from 'node:buffer'
import { SaxesParser } from 'saxes'
import { pointerTo } from '../../contract/pointer.ts'
import { Problem } from '../../errors.ts'
import { xsi } from './names.ts'

export interface XmlName {
  uri: string
  local: string
}

export interface XmlAttribute extends XmlName {
  value: string
}

export interface XmlElement extends XmlName {
  parent: XmlElement | undefined
  attributes: readonly XmlAttribute[]
  children: XmlElement[]
  /** All of its text, comments left out and CDATA sections joined. */
  text: string
  /** What `xsi:type` names. */
  type: XmlName | undefined
}

export interface XmlLimits {
  depth: number
  elements: number
  /** Of one element, declarations of namespaces among them. */
  attributes: number
  /** Characters of one attribute. */
  attributeLength: number
  /** Characters of the name of an element or attribute. */
  nameLength: number
}

export const messageLimits: XmlLimits = {
  depth: 64,
  elements: 50_000,
  attributes: 32,
  attributeLength: 4096,
  nameLength: 256,
}

/** Envelope, Body and the wrapper: what is below has a pointer. */
const levelsAbove = 3
const noAttributes: readonly XmlAttribute[] = []

/**
 * The root of a document.
 *
 * @throws {Problem} `malformed-request` for what is not well-formed, forbidden or beyond the limits; it points at the
 * element that was open.
 */
export function parseXml(text: string, limits: XmlLimits = messageLimits): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: true })
  let root: XmlElement | undefined
  let open: XmlElement | undefined
  let depth = 0
  let elements = 0
  let attributes = 0
  const refuse = (reason: string): never => {
    const pointer = pointerOf(open)
    const errors = pointer === '' ? {} : { errors: [{ in: 'body' as const, pointer, detail: reason }] }
    throw new Problem('malformed-request', `The message is no XML that is read here: ${reason}`, errors)
  }

  parser.on('error', ({ message }) => refuse(message.replace(/\.$/, '')))
  parser.on('doctype', () => refuse('a document type definition is not accepted'))
  parser.on('processinginstruction', () => refuse('a processing instruction is not accepted'))
  parser.on('xmldecl', ({ version }) => {
    if (version !== undefined && version !== '1.0') refuse('it must be XML 1.0')
  })
  parser.on('opentagstart', ({ name }) => {
    depth += 1
    elements += 1
    attributes = 0
    if (depth > limits.depth) refuse(`it is nested deeper than ${limits.depth}`)
    if (elements > limits.elements) refuse(`it has more than ${limits.elements} elements`)
    if (name.length > limits.nameLength) refuse(`a name is longer than ${limits.nameLength} characters`)
  })
  parser.on('attribute', ({ name, value }) => {
    attributes += 1
    if (attributes > limits.attributes) refuse(`an element has more than ${limits.attributes} attributes`)
    if (value.length > limits.attributeLength)
      refuse(`an attribute is longer than ${limits.attributeLength} characters`)
    if (name.length > limits.nameLength) refuse(`a name is longer than ${limits.nameLength} characters`)
  })
  parser.on('opentag', (tag) => {
    const own = attributes === 0 ? noAttributes : Object.values(tag.attributes)
    const typed = own === noAttributes ? undefined : own.find(({ uri, local }) => local === 'type' && uri === xsi)
    const element: XmlElement = {
      uri: tag.uri,
      local: tag.local,
      parent: open,
      attributes: own,
      children: [],
      text: '',
      type: undefined,
    }
    if (typed !== undefined) {
      const [local = '', prefix = ''] = typed.value.trim().split(':').reverse()
      element.type = {
        uri: parser.resolve(prefix) ?? tag.ns[prefix] ?? refuse('xsi:type has an unbound prefix'),
        local,
      }
    }
    if (open === undefined) root = element
    else open.children.push(element)
    open = element
  })
  parser.on('closetag', () => {
    depth -= 1
    open = open?.parent
  })
  const add = (more: string) => {
    if (open !== undefined) open.text += more
  }
  parser.on('text', add)
  parser.on('cdata', add)
  parser.write(text).close()
  return root ?? refuse('it is empty')
}

/** An RFC 6901 pointer into the input, to an element below the wrapper; lists count their items. */
export function pointerOf(element: XmlElement | undefined): string {
  const path: XmlElement[] = []
  for (let each = element; each !== undefined; each = each.parent) path.unshift(each)
  return path
    .slice(levelsAbove)
    .map(({ local, parent }, index) => {
      const each = path[index + levelsAbove] as XmlElement
      const alike = parent?.children.filter((other) => other.local === local) ?? []
      return pointerTo(local) + (alike.length > 1 ? `/${alike.indexOf(each)}` : '')
    })
    .join('')
}

/** What the media type and the byte order mark say that the bytes are written in (RFC 7303 section 3). */
export function textOf(bytes: Buffer, charset: string | undefined): string {
  const name = encodingOf(bytes, charset?.toLowerCase())
  if (name === undefined)
    throw new Problem('unsupported-media-type', 'A message is written in UTF-8 or UTF-16 (WS-I Basic Profile R1012)')
  if (name === 'utf-8' && !isUtf8(bytes)) throw new Problem('malformed-request', 'The message is not valid UTF-8')
  const text = name === 'utf-8' ? bytes.toString() : utf16(bytes, name)
  const declared = /^\uFEFF?<\?xml[^>]*?encoding\s*=\s*["']([^"']*)/.exec(text.slice(0, 200))?.[1]?.toLowerCase()
  if (declared !== undefined && !encodings[name].includes(declared))
    throw new Problem('malformed-request', `The message says that it is ${declared}, and is ${name}`)
  return text
}

const encodings: Readonly<Record<'utf-8' | 'utf-16le' | 'utf-16be', readonly string[]>> = {
  'utf-8': ['utf-8', 'utf8', 'us-ascii'],
  'utf-16le': ['utf-16', 'utf-16le'],
  'utf-16be': ['utf-16', 'utf-16be'],
}

function encodingOf(bytes: Buffer, charset: string | undefined): keyof typeof encodings | undefined {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (charset === undefined) return 'utf-8'
  if (charset === 'utf-16') return 'utf-16be'
  return (Object.keys(encodings) as (keyof typeof encodings)[]).find((name) => encodings[name].includes(charset))
}

function utf16(bytes: Buffer, encoding: string): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    throw new Problem('malformed-request', 'The message is not valid UTF-16')
  }
}
