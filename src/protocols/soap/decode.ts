/** Input out of XML: a reader for each message is made once from its shape. */

import { pointerTo } from '../../contract/pointer.ts'
import type { Field, ObjectShape, Shape } from '../../contract/walk.ts'
import { Problem, type Violation } from '../../errors.ts'
import { isText } from './characters.ts'
import { pointerOf, type XmlElement } from './element.ts'
import { namespace, xsd, xsi } from './names.ts'

/** Reads the value of an element; what is wrong with it is noted. */
type Read = (element: XmlElement, wrong: Wrong) => unknown

/** Parses text that holds JSON, as REST parses a body. @throws for what is none, or not safe. */
export type ParseJson = (text: string) => unknown

/**
 * A reader of the element of a message.
 *
 * Values that their type does not hold (`abc` as a number) are handed on as text: the operation's own schema refuses
 * them, as over REST. What XML alone can get wrong is refused by the reader.
 */
export function compileReader(shape: ObjectShape, parse: ParseJson): (element: XmlElement) => Record<string, unknown> {
  const read = objectReader(shape, parse)
  return (element) => {
    const wrong = new Wrong()
    const input = read(element, wrong) as Record<string, unknown>
    if (wrong.errors.length > 0) throw wrong.problem('')
    return input
  }
}

/** An answer is never larger than what it answers; and to point at a place takes time. */
const maxViolations = 50

class Wrong {
  readonly errors: Violation[] = []

  /** @throws {Problem} when it is enough. */
  add(element: XmlElement, detail: string): void {
    this.errors.push({ in: 'body', pointer: pointerOf(element) || pointerTo(element.local), detail })
    if (this.errors.length === maxViolations) throw this.problem(` (the first ${maxViolations} places are listed)`)
  }

  problem(more: string): Problem {
    return new Problem('validation-failed', `The message does not match its schema${more}`, { errors: this.errors })
  }
}

function objectReader({ fields }: ObjectShape, parse: ParseJson): Read {
  const known = new Map(fields.map((field) => [field.name, fieldReader(field, parse)]))
  const lists = fields.filter(({ shape, required }) => shape.kind === 'list' && required).map(({ name }) => name)
  return (element, wrong) => {
    const value: Record<string, unknown> = {}
    if (isText(element.text)) wrong.add(element, 'must hold elements, no text')
    for (const child of element.children) {
      const { local, uri } = child
      if (uri !== namespace) {
        wrong.add(child, `must be in the namespace ${namespace}, not "${uri.slice(0, 200)}"`)
        continue
      }
      const field = known.get(local)
      if (field !== undefined) field(child, value, wrong)
      // The operation's schema refuses it, as it does over REST.
      else if (!Object.hasOwn(value, local))
        Object.defineProperty(value, local, { value: child.text, enumerable: true })
    }
    for (const name of lists) if (value[name] === undefined) value[name] = []
    return value
  }
}

function fieldReader({ name, shape, nullable, required }: Field, parse: ParseJson) {
  if (shape.kind === 'list') return listReader(name, { shape, nullable, required }, parse)
  const read = valueReader(shape, parse)
  return (element: XmlElement, value: Record<string, unknown>, wrong: Wrong): void => {
    if (Object.hasOwn(value, name)) wrong.add(element, 'must be given once')
    else value[name] = isNil(element, wrong) ? null : read(element, wrong)
  }
}

/** One element an item. A single one that is nil stands for the list: null where it may be null, else without items. */
function listReader(
  name: string,
  { shape, nullable, required }: { shape: Extract<Shape, { kind: 'list' }>; nullable: boolean; required: boolean },
  parse: ParseJson,
) {
  const read = shape.items.kind === 'list' ? innerReader(shape.items, parse) : valueReader(shape.items, parse)
  const standsForList = !shape.nullableItems && (nullable || !required)
  return (element: XmlElement, value: Record<string, unknown>, wrong: Wrong): void => {
    const nil = isNil(element, wrong)
    if (nil && standsForList && value[name] === undefined) {
      value[name] = nullable ? null : []
      return
    }
    const items = (value[name] ?? []) as unknown[]
    items.push(nil ? null : read(element, wrong))
    value[name] = items
  }
}

/** A list in a list has an element around it. */
function innerReader(items: Shape, parse: ParseJson): Read {
  const field = { name: 'item', shape: items, nullable: false, required: true } as Field
  const read = objectReader({ kind: 'object', name: '', description: undefined, fields: [field] }, parse)
  return (element, wrong) => (read(element, wrong) as { item: unknown }).item
}

function valueReader(shape: Shape, parse: ParseJson): Read {
  switch (shape.kind) {
    case 'object':
      return orText(typed(objectReader(shape, parse), shape.name))
    case 'union':
      return unionReader(shape.members, parse)
    case 'record':
      return orText(recordReader(shape.values, parse))
    case 'unknown':
      return simple((text, element, wrong) => {
        try {
          return parse(text)
        } catch {
          wrong.add(element, 'must hold JSON')
          return undefined
        }
      })
    case 'integer':
      return byType(wholeOf)
    case 'number':
      return byType(numberOf)
    case 'boolean':
      return byType(booleanOf)
    case 'date-time':
      return byType(collapse)
    default:
      return byType((text) => text)
  }
}

/** The element inside names the member. */
function unionReader(members: readonly ObjectShape[], parse: ParseJson): Read {
  const known = new Map(members.map((member) => [member.name, objectReader(member, parse)]))
  return (element, wrong) => {
    const [child, ...more] = element.children
    const read = child?.uri === namespace ? known.get(child.local) : undefined
    if (child !== undefined && read !== undefined && more.length === 0 && !isText(element.text))
      return read(child, wrong)
    wrong.add(element, `must hold one element: ${[...known.keys()].join(' or ')}`)
    return undefined
  }
}

/** A list of entries, each with a key and a value. */
function recordReader(values: Shape, parse: ParseJson): Read {
  const key = { name: 'key', shape: { kind: 'string' }, nullable: false, required: true } as Field
  const field = { name: 'value', shape: values, nullable: false, required: true } as Field
  const read = objectReader({ kind: 'object', name: '', description: undefined, fields: [key, field] }, parse)
  return (element, wrong) => {
    const record: Record<string, unknown> = {}
    if (isText(element.text)) wrong.add(element, 'must hold elements, no text')
    for (const entry of element.children) {
      if (entry.local !== 'entry' || entry.uri !== namespace) {
        wrong.add(entry, 'must be an entry')
        continue
      }
      const { key: name, value, ...more } = read(entry, wrong) as Record<string, unknown>
      if (typeof name !== 'string' || value === undefined || Object.keys(more).length > 0)
        wrong.add(entry, 'must hold a key and a value')
      else if (Object.hasOwn(record, name)) wrong.add(entry, 'must have a key of its own')
      // Assigned, `__proto__` would set the prototype.
      else Object.defineProperty(record, name, { value, enumerable: true, writable: true, configurable: true })
    }
    return record
  }
}

function simple(of: (text: string, element: XmlElement, wrong: Wrong) => unknown): Read {
  return (element, wrong) => {
    if (element.children.length === 0) return of(element.text, element, wrong)
    wrong.add(element, 'must hold text, no elements')
    return undefined
  }
}

/** As the element's own `xsi:type` says, where it names a type of XML Schema: the operation judges whether that fits. */
function byType(own: (text: string) => unknown): Read {
  return simple((text, { type }) => {
    if (type === undefined || type.uri !== xsd) return own(text)
    if (numericTypes.has(type.local)) return numberOf(text)
    if (type.local === 'boolean') return booleanOf(text)
    return type.local === 'string' ? text : own(text)
  })
}

const numericTypes: ReadonlySet<string> = new Set(
  'byte short int long integer decimal float double unsignedByte unsignedShort unsignedInt unsignedLong'.split(' '),
)

/** Text alone in the place of an object: the operation's own schema refuses it. */
function orText(read: Read): Read {
  return (element, wrong) =>
    element.children.length === 0 && isText(element.text) ? element.text : read(element, wrong)
}

/** Types that are derived from others are not served. */
function typed(read: Read, name: string): Read {
  return (element, wrong) => {
    const { type } = element
    if (type !== undefined && (type.uri !== namespace || type.local !== name))
      wrong.add(element, `must be of the type ${name}`)
    return read(element, wrong)
  }
}

function isNil(element: XmlElement, wrong: Wrong): boolean {
  if (element.attributes.length === 0) return false
  const nil = element.attributes.find(({ uri, local }) => uri === xsi && local === 'nil')?.value.trim()
  if (nil !== 'true' && nil !== '1') return false
  if (element.children.length > 0 || element.text !== '') wrong.add(element, 'must be empty, as it is nil')
  return true
}

/** Whitespace as XML Schema collapses it (XSD 1.0 part 2 section 4.3.6). */
function collapse(text: string): string {
  if (!/[ \t\r\n]/.test(text)) return text
  return text.replaceAll(/[ \t\r\n]+/g, ' ').replace(/^ | $/g, '')
}

function wholeOf(text: string): unknown {
  const given = collapse(text)
  return /^[+-]?\d+$/.test(given) ? Number(given) : given
}

function numberOf(text: string): unknown {
  const given = collapse(text)
  const number = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(given) ? Number(given) : Number.NaN
  return Number.isFinite(number) ? number : given
}

function booleanOf(text: string): unknown {
  const given = collapse(text)
  if (given === 'true' || given === '1') return true
  return given === 'false' || given === '0' ? false : given
}
