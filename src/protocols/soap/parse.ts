/**
 * XML out of bytes, read as events and namespace-aware (XML 1.0, Namespaces in XML 1.0). What SOAP forbids is refused
 * where it is met: document type definitions, so that no entity is ever declared, and processing instructions
 * (SOAP 1.1 section 3, SOAP 1.2 part 1 section 5).
 */

import { isUtf8 } from 'node:buffer'
import { SaxesParser, type SaxesTagNS } from 'saxes'
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
/** Of the declarations of namespaces (Namespaces in XML 1.0 section 3). */
const xmlns = 'http://www.w3.org/2000/xmlns/'

/** Reads one document after the other. */
export class XmlReader {
  readonly #limits: XmlLimits
  #parser: SaxesParser<{ xmlns: true }>
  #root: XmlElement | undefined
  #open: XmlElement | undefined
  #depth = 0
  #elements = 0

  constructor(limits: XmlLimits = messageLimits) {
    this.#limits = limits
    this.#parser = this.#newParser()
  }

  /**
   * The root of a document.
   *
   * @throws {Problem} `malformed-request` for what is not well-formed, forbidden or beyond the limits; it points at the
   * element that was open.
   */
  read(text: string): XmlElement {
    try {
      this.#parser.write(text).close()
      return this.#root ?? refuse('it is empty')
    } catch (error) {
      // What has failed stays in the middle of its document.
      this.#parser = this.#newParser()
      throw malformed((error as Error).message.replace(/\.$/, ''), this.#open)
    } finally {
      this.#root = undefined
      this.#open = undefined
      this.#depth = 0
      this.#elements = 0
    }
  }

  /** Six handlers at most: V8 takes an object with more late properties for a dictionary, which reads four times slower. */
  #newParser(): SaxesParser<{ xmlns: true }> {
    const parser = new SaxesParser({ xmlns: true })
    parser.on('doctype', () => refuse('a document type definition is not accepted'))
    parser.on('processinginstruction', () => refuse('a processing instruction is not accepted'))
    parser.on('opentag', (tag) => this.#enter(tag))
    parser.on('closetag', () => {
      this.#depth -= 1
      this.#open = this.#open?.parent
    })
    const add = (text: string) => {
      if (this.#open !== undefined) this.#open.text += text
    }
    parser.on('text', add)
    parser.on('cdata', add)
    return parser
  }

  #enter(tag: SaxesTagNS): void {
    const { depth, elements } = this.#limits
    this.#depth += 1
    this.#elements += 1
    if (this.#depth > depth) refuse(`it is nested deeper than ${depth}`)
    if (this.#elements > elements) refuse(`it has more than ${elements} elements`)
    const element = elementOf(tag, this.#open, this.#parser, this.#limits)
    if (this.#open !== undefined) this.#open.children.push(element)
    else if ((this.#parser.xmlDecl.version ?? '1.0') === '1.0') this.#root = element
    else refuse('it must be XML 1.0')
    this.#open = element
  }
}

/** Ends the parsing; where that was is added by who catches it. */
function refuse(reason: string): never {
  throw new Error(reason)
}

function malformed(reason: string, open: XmlElement | undefined): Problem {
  const pointer = pointerOf(open)
  const errors = pointer === '' ? {} : { errors: [{ in: 'body' as const, pointer, detail: reason }] }
  return new Problem('malformed-request', `The message is no XML that is read here: ${reason}`, errors)
}

function elementOf(
  { uri, local, name, attributes }: SaxesTagNS,
  parent: XmlElement | undefined,
  parser: SaxesParser<{ xmlns: true }>,
  limits: XmlLimits,
): XmlElement {
  const element: XmlElement = { uri, local, parent, attributes: noAttributes, children: [], text: '', type: undefined }
  if (name.length > limits.nameLength) refuse(`a name is longer than ${limits.nameLength} characters`)
  let count = 0
  for (const each in attributes) {
    count += 1
    if (count > limits.attributes) refuse(`an element has more than ${limits.attributes} attributes`)
    const attribute = attributes[each] as XmlAttribute
    if (attribute.value.length > limits.attributeLength)
      refuse(`an attribute is longer than ${limits.attributeLength} characters`)
    if (each.length > limits.nameLength) refuse(`a name is longer than ${limits.nameLength} characters`)
    // Declarations of namespaces are all that most elements have.
    if (attribute.uri === xmlns) continue
    element.attributes = [...element.attributes, attribute]
    if (attribute.local === 'type' && attribute.uri === xsi) element.type = typeOf(attribute.value, parser)
  }
  return element
}

/** What `xsi:type` names. */
function typeOf(value: string, parser: SaxesParser<{ xmlns: true }>): XmlName {
  const [local = '', prefix = ''] = value.trim().split(':').reverse()
  return { uri: parser.resolve(prefix) ?? refuse('xsi:type has an unbound prefix'), local }
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
