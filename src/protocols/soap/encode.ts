/** Answers as XML: a writer for each message is made once from its shape, and writes what it declares and nothing else. */

import type { OutgoingHttpHeaders } from 'node:http'
import type { Field, ObjectShape, Shape } from '../../contract/walk.ts'
import { envelopeOf, namespace, responseBlocks, type SoapVersion, wsa, xsi } from './names.ts'
import { type Order, orderedFields } from './order.ts'

/** Writes a value; what is absent is nothing. */
type Write = (value: unknown) => string

/** A writer of the element of a message; `type` where its order is that of another name. */
export function compileWriter(shape: ObjectShape, order: Order, type = shape.name): Write {
  const content = objectWriter({ ...shape, name: type }, order)
  return (value) => `<${shape.name} xmlns="${namespace}">${content(value)}</${shape.name}>`
}

function objectWriter(shape: ObjectShape, order: Order): Write {
  const fields = orderedFields(shape, order).map((field) => ({ name: field.name, write: fieldWriter(field, order) }))
  return (value) => {
    let text = ''
    for (const { name, write } of fields) text += write((value as Record<string, unknown>)[name])
    return text
  }
}

function fieldWriter({ name, shape, nullable }: Pick<Field, 'name' | 'shape' | 'nullable'>, order: Order): Write {
  const nil = `<${name} xsi:nil="true"/>`
  if (shape.kind === 'list') {
    const item = elementWriter(name, itemShape(shape.items), order)
    return (value) => {
      if (value === null) return nullable ? nil : ''
      let text = ''
      for (const each of (value as readonly unknown[] | undefined) ?? []) text += each === null ? nil : item(each)
      return text
    }
  }
  const element = elementWriter(name, shape, order)
  return (value) => {
    if (value === undefined) return ''
    if (value === null) return nullable || shape.kind === 'unknown' ? nil : ''
    return element(value)
  }
}

function elementWriter(name: string, shape: Shape, order: Order): Write {
  const open = `<${name}>`
  const close = `</${name}>`
  const content = contentWriter(shape, order)
  return (value) => open + content(value) + close
}

/** A list of lists has an element around each inner one. */
function itemShape(items: Shape): Shape {
  if (items.kind !== 'list') return items
  const item = { name: 'item', shape: items, nullable: false, required: true } as Field
  return { kind: 'object', name: '', description: undefined, fields: [item] }
}

function contentWriter(shape: Shape, order: Order): Write {
  switch (shape.kind) {
    case 'object':
      // The one object without a name is the one around an inner list.
      return shape.name === '' ? innerList(shape, order) : objectWriter(shape, order)
    case 'union': {
      const members = shape.members.map((member) => ({ member, write: elementWriter(member.name, member, order) }))
      return (value) => (members.find(({ member }) => fits(value as object, member)) ?? members[0])?.write(value) ?? ''
    }
    case 'record': {
      const entry = fieldWriter({ name: 'value', shape: shape.values, nullable: false }, order)
      return (value) => {
        let text = ''
        for (const [key, each] of Object.entries(value as object))
          text += `<entry><key>${escapeText(key)}</key>${entry(each)}</entry>`
        return text
      }
    }
    case 'integer':
      return (value) => (Number.isSafeInteger(value) ? `${value as number}` : BigInt(value as number).toString())
    case 'number':
    case 'boolean':
      return String
    case 'date-time':
      return (value) => {
        const text = String(value)
        return plainMoment.test(text) ? text : escapeText(text.toUpperCase().replace(' ', 'T'))
      }
    case 'unknown':
      return (value) => escapeText(JSON.stringify(value))
    default:
      return (value) => escapeText(String(value))
  }
}

function innerList({ fields }: ObjectShape, order: Order): Write {
  const write = fieldWriter(fields[0] as Field, order)
  return (value) => write(value)
}

/** Whether the required properties are all there, and the constants fit. */
function fits(value: object, { fields }: ObjectShape): boolean {
  return fields.every(({ name, shape, required }) => {
    const own = (value as Record<string, unknown>)[name]
    if (own === undefined) return !required
    return shape.kind !== 'string' || shape.constant === undefined || shape.constant === own
  })
}

/** A moment as the server writes it, and XML Schema too. */
const plainMoment = /^[\d:.TZ+-]+$/

/** What XML 1.0 cannot hold, but lone surrogates. */
const forbidden = /[^\P{Cc}\t\n\r\x7f-\x9f]|[\ufffe\uffff]/gu
/** Most texts; told at a third of the time that the classes of Unicode take. */
const plain = /^[\w @.,:;/+"'()=#!?*-]*$/
const special = /[&<>\r\p{Cs}\ufffe\uffff]|[^\P{Cc}\t\n\x7f-\x9f]/u

/**
 * Text as it can stand in an element. Characters that XML 1.0 cannot hold (section 2.2) become U+FFFD; a carriage return
 * is escaped, as readers turn it into a line feed (section 2.11).
 */
export function escapeText(text: string): string {
  if (plain.test(text) || !special.test(text)) return text
  return text
    .toWellFormed()
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\r', '&#13;')
    .replaceAll(forbidden, '\ufffd')
}

/** Text as it can stand in an attribute in double quotes. */
export function escapeAttribute(text: string): string {
  return escapeText(text).replaceAll('"', '&quot;').replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')
}

const open = {
  '1.1': `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="${envelopeOf['1.1']}" xmlns:xsi="${xsi}">`,
  '1.2': `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="${envelopeOf['1.2']}" xmlns:xsi="${xsi}">`,
} as const satisfies Record<SoapVersion, string>

/** An envelope around the content of a Body. */
export function renderEnvelope(version: SoapVersion, blocks: string, body: string): string {
  const header = blocks === '' ? '' : `<soap:Header>${blocks}</soap:Header>`
  return `${open[version]}${header}<soap:Body>${body}</soap:Body></soap:Envelope>`
}

const shownHeaders = Object.keys(responseBlocks) as (keyof typeof responseBlocks)[]

/** What REST says in headers, as header blocks; and the id of the message that this answers (WS-Addressing 1.0 section 3.1). */
export function renderBlocks(headers: OutgoingHttpHeaders, messageId: string | undefined): string {
  let blocks = ''
  for (const name of shownHeaders) {
    const value = headers[name]
    if (value === undefined) continue
    const block = responseBlocks[name]
    blocks += `<${block} xmlns="${namespace}">${escapeText(String(value))}</${block}>`
  }
  return messageId === undefined
    ? blocks
    : `${blocks}<wsa:RelatesTo xmlns:wsa="${wsa}">${escapeText(messageId)}</wsa:RelatesTo>`
}
