/**
 * XML out of a text, namespace-aware (XML 1.0, Namespaces in XML 1.0). What SOAP forbids is refused where it is met:
 * document type definitions, so that no entity is ever declared, and processing instructions (SOAP 1.1 section 3, SOAP
 * 1.2 part 1 section 5). With neither, a document is elements, text, CDATA sections and comments, and so is this reader.
 */

import { Problem } from '../../errors.ts'
import { endOfName, firstForbidden, isSpace, pastSpace, readDeclaration, withoutReferences } from './characters.ts'
import { pointerOf, type XmlAttribute, type XmlElement, type XmlName } from './element.ts'
import { type Binding, bind, resolve, resolveAttributes, typeOf, type Written } from './scope.ts'

export interface XmlLimits {
  depth: number
  elements: number
  /** Of one element, declarations of namespaces among them. */
  attributes: number
  /** Characters of one attribute. */
  attributeLength: number
  /** Characters of the name of an element or attribute. */
  nameLength: number
  /** Declarations of namespaces that hold at one place. */
  namespaces: number
}

export const messageLimits: XmlLimits = {
  depth: 64,
  elements: 50_000,
  attributes: 32,
  attributeLength: 4096,
  nameLength: 256,
  namespaces: 256,
}

const noAttributes: readonly XmlAttribute[] = []
const [bang, slash, colon, equals, closes, asks] = [...'!/:=>?'].map((each) => each.charCodeAt(0))

/** Reads one document after the other. */
export class XmlReader {
  readonly #limits: XmlLimits
  #text = ''
  #at = 0
  /** Where the first character stands that no document may hold. */
  #forbidden = Number.POSITIVE_INFINITY
  #root: XmlElement | undefined
  #open: XmlElement | undefined
  /** Names of the elements that are open, as they are written. */
  #names: string[] = []
  /** What prefixes stand for in each of them. */
  #scopes: (Binding | undefined)[] = []
  #elements = 0

  constructor(limits: XmlLimits = messageLimits) {
    this.#limits = limits
  }

  /**
   * The root of a document.
   *
   * @param encodings Of which the document may say that it is written in one; without them, it may say any.
   * @throws {Problem} `malformed-request` for what is not well-formed, forbidden or beyond the limits; it points at the
   * element that was open.
   */
  read(text: string, encodings?: readonly string[]): XmlElement {
    // As readers must (section 2.11).
    this.#text = text.includes('\r') ? text.replaceAll(/\r\n?/g, '\n') : text
    this.#forbidden = firstForbidden(this.#text)
    try {
      this.#declaration(encodings)
      return this.#document()
    } catch (error) {
      throw this.#malformed((error as Error).message)
    } finally {
      this.#text = ''
      this.#at = 0
      this.#root = undefined
      this.#open = undefined
      if (this.#names.length > 0) this.#names = []
      if (this.#scopes.length > 0) this.#scopes = []
      this.#elements = 0
    }
  }

  #declaration(encodings: readonly string[] | undefined): void {
    const from = this.#text.charCodeAt(0) === 0xfeff ? 1 : 0
    this.#at = from
    if (!this.#text.startsWith('<?xml', from) || !isSpace(this.#text.charCodeAt(from + 5))) return
    const read = readDeclaration(this.#text, from) ?? refuse('its XML declaration is none')
    if (read.version !== '1.0') refuse('it must be XML 1.0')
    const { encoding } = read
    if (encoding !== undefined && encodings?.includes(encoding.toLowerCase()) === false)
      refuse(`it says that it is ${encoding.slice(0, 50)}, and is ${encodings[0]}`)
    this.#at = read.end
  }

  #document(): XmlElement {
    const text = this.#text
    for (;;) {
      const next = text.indexOf('<', this.#at)
      if (next !== this.#at) this.#characters(next === -1 ? text.length : next)
      if (next === -1) break
      const code = text.charCodeAt(next + 1)
      if (code === slash) this.#close(next + 2)
      else if (code === bang) this.#markup(next)
      else if (code === asks) refuse('a processing instruction is not accepted')
      else this.#element(next + 1)
    }
    if (this.#open !== undefined) refuse(`it ends before ${shown(this.#names.at(-1))} does`)
    return this.#root ?? refuse('it is empty')
  }

  #characters(end: number): void {
    if (this.#forbidden < end) refuse('it holds a character that XML forbids')
    const written = this.#text.slice(this.#at, end)
    const open = this.#open
    if (open === undefined) {
      if (pastSpace(this.#text, this.#at) < end) refuse('it holds text outside of its root')
    } else {
      if (written.includes(']]>')) refuse('its text holds ]]>')
      open.text += written.includes('&') ? withoutReferences(written) : written
    }
    this.#at = end
  }

  /** A comment or a CDATA section. */
  #markup(from: number): void {
    const text = this.#text
    if (text.startsWith('<!--', from)) {
      const end = text.indexOf('--', from + 4)
      if (end === -1) refuse('a comment does not end')
      if (text.charCodeAt(end + 2) !== closes) refuse('a comment holds --')
      this.#at = end + 3
    } else if (text.startsWith('<![CDATA[', from)) {
      const end = text.indexOf(']]>', from)
      if (end === -1) refuse('a CDATA section does not end')
      if (this.#open === undefined) refuse('it holds text outside of its root')
      else this.#open.text += text.slice(from + 9, end)
      this.#at = end + 3
    } else
      refuse(text.startsWith('<!DOCTYPE', from) ? 'a document type definition is not accepted' : 'a < stands alone')
    if (this.#forbidden < this.#at) refuse('it holds a character that XML forbids')
  }

  #close(from: number): void {
    const text = this.#text
    const name = this.#names.at(-1)
    if (name === undefined || !text.startsWith(name, from)) refuse(`${shown(name)} is not closed`)
    const end = pastSpace(text, from + (name as string).length)
    if (text.charCodeAt(end) !== closes) refuse(`${shown(name)} is not closed`)
    this.#at = end + 1
    this.#leave()
  }

  #leave(): void {
    this.#names.pop()
    this.#scopes.pop()
    this.#open = this.#open?.parent
  }

  /** An element as it begins, its attributes with it. */
  #element(from: number): void {
    const text = this.#text
    const { depth, elements, attributes } = this.#limits
    const colonAt = this.#name(from)
    const name = text.slice(from, this.#at)
    let written: Written[] | undefined
    let scope = this.#scopes.at(-1)
    let count = 0
    for (;;) {
      const at = pastSpace(text, this.#at)
      const code = text.charCodeAt(at)
      if (code === closes || code === slash) {
        this.#at = at
        break
      }
      if (at === this.#at) refuse(`${shown(name)} is not well-formed`)
      this.#at = at
      count += 1
      if (count > attributes) refuse(`an element has more than ${attributes} attributes`)
      const attribute = this.#attribute()
      const { prefix, local, value } = attribute
      if (prefix === 'xmlns') scope = this.#bind(local, value, scope)
      else if (prefix === '' && local === 'xmlns') scope = this.#bind('', value, scope)
      else if (written === undefined) written = [attribute]
      else written.push(attribute)
    }
    const isEmpty = text.charCodeAt(this.#at) === slash
    if (isEmpty && text.charCodeAt(this.#at + 1) !== closes) refuse(`${shown(name)} is not well-formed`)
    if (this.#forbidden < this.#at) refuse('it holds a character that XML forbids')
    this.#at += isEmpty ? 2 : 1
    this.#elements += 1
    if (this.#names.length === depth) refuse(`it is nested deeper than ${depth}`)
    if (this.#elements > elements) refuse(`it has more than ${elements} elements`)
    const [prefix, local] = colonAt === -1 ? ['', name] : [text.slice(from, colonAt), name.slice(colonAt - from + 1)]
    this.#enter(name, { uri: resolve(prefix, scope), local }, written, scope)
    if (isEmpty) this.#leave()
  }

  #enter(name: string, { uri, local }: XmlName, written: Written[] | undefined, scope: Binding | undefined): void {
    const parent = this.#open
    const element: XmlElement = {
      uri,
      local,
      parent,
      attributes: noAttributes,
      children: [],
      text: '',
      type: undefined,
    }
    if (written !== undefined) {
      element.attributes = resolveAttributes(written, scope)
      element.type = typeOf(element.attributes, scope)
    }
    if (parent !== undefined) parent.children.push(element)
    else if (this.#root === undefined) this.#root = element
    else refuse('it has more than one root')
    this.#names.push(name)
    this.#scopes.push(scope)
    this.#open = element
  }

  /** Goes past a name; where its colon is, or -1. */
  #name(from: number): number {
    const text = this.#text
    let end = endOfName(text, from)
    if (end === from) refuse('a name is none')
    let colonAt = -1
    if (text.charCodeAt(end) === colon) {
      colonAt = end
      end = endOfName(text, colonAt + 1)
      if (end === colonAt + 1) refuse('a name is none')
    }
    if (end - from > this.#limits.nameLength) refuse(`a name is longer than ${this.#limits.nameLength} characters`)
    this.#at = end
    return colonAt
  }

  #attribute(): Written {
    const text = this.#text
    const from = this.#at
    const colonAt = this.#name(from)
    const prefix = colonAt === -1 ? '' : text.slice(from, colonAt)
    const local = text.slice(colonAt === -1 ? from : colonAt + 1, this.#at)
    const sign = pastSpace(text, this.#at)
    const begin = pastSpace(text, sign + 1)
    const quote = text.charAt(begin)
    if (text.charCodeAt(sign) !== equals || (quote !== '"' && quote !== "'"))
      refuse('an attribute has no value in quotes')
    const end = text.indexOf(quote, begin + 1)
    if (end === -1) refuse('an attribute does not end')
    const value = text.slice(begin + 1, end)
    if (value.includes('<')) refuse('an attribute holds <')
    this.#at = end + 1
    const read =
      value.includes('&') || value.includes('\n') || value.includes('\t')
        ? withoutReferences(value.replaceAll(/[\t\n]/g, ' '))
        : value
    const { attributeLength } = this.#limits
    if (read.length > attributeLength) refuse(`an attribute is longer than ${attributeLength} characters`)
    return { prefix, local, value: read }
  }

  #bind(prefix: string, uri: string, scope: Binding | undefined): Binding {
    const { namespaces } = this.#limits
    const bound = bind(prefix, uri, scope, this.#scopes.at(-1))
    if (bound.count > namespaces) refuse(`more than ${namespaces} namespaces are declared`)
    return bound
  }

  #malformed(reason: string): Problem {
    const pointer = pointerOf(this.#open)
    const errors = pointer === '' ? {} : { errors: [{ in: 'body' as const, pointer, detail: reason }] }
    return new Problem('malformed-request', `The message is no XML that is read here: ${reason}`, errors)
  }
}

/** Ends the reading; where that was is added by who catches it. */
function refuse(reason: string): never {
  throw new Error(reason)
}

function shown(name: string | undefined): string {
  return name === undefined ? 'an element' : `<${name.slice(0, 50)}>`
}
