/** SOAP by fetch: every other call is 1.2. Messages are written from the shapes, with `xsi:type` where a value has none of them. */

import type { Field, ObjectShape, Shape } from '../../../src/contract/walk.ts'
import type { XmlElement } from '../../../src/protocols/soap/element.ts'
import { type Messages, messagesOf } from '../../../src/protocols/soap/messages.ts'
import { XmlReader } from '../../../src/protocols/soap/parse.ts'
import { type Headers, metaNames, problemOf, type Result, type Wire } from './client.ts'

const namespace = 'urn:septet:v1'
const versions = [
  { envelope: 'http://schemas.xmlsoap.org/soap/envelope/', type: 'text/xml; charset=utf-8' },
  { envelope: 'http://www.w3.org/2003/05/soap-envelope', type: 'application/soap+xml; charset=utf-8' },
] as const
const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd'
const xsi = 'http://www.w3.org/2001/XMLSchema-instance'
let calls = 0

export const soap: Wire = {
  name: 'SOAP',
  // What SOAP says otherwise stands at its cases.
  differences: [],
  async open(_t, base, contract) {
    const messages = new Map(messagesOf(contract).map((each) => [each.request.name, each]))
    return {
      async call(operationId, input = {}, headers = {}) {
        const { request, response } = messages.get(operationId) as Messages
        calls += 1
        const { envelope, type } = versions[calls % 2] as (typeof versions)[number]
        const { blocks, http } = headersOf(headers)
        const body = `<s:Envelope xmlns:s="${envelope}" xmlns:xsi="${xsi}" xmlns:xs="http://www.w3.org/2001/XMLSchema"><s:Header>${blocks}</s:Header><s:Body><${operationId} xmlns="${namespace}">${write(input, request)}</${operationId}></s:Body></s:Envelope>`
        const answer = await fetch(`${base}/soap`, { method: 'POST', headers: { 'content-type': type, ...http }, body })
        return resultOf(new XmlReader().read(await answer.text()), response)
      },
    }
  },
}

/** A key stays in its HTTP header, a Bearer token becomes a UsernameToken, the others are header blocks. */
function headersOf(headers: Headers): { blocks: string; http: Record<string, string> } {
  const http: Record<string, string> = {}
  let blocks = ''
  for (const [name, value] of Object.entries(headers)) {
    if (name === 'x-api-key') http[name] = value
    else if (name === 'authorization') {
      const token = /^Bearer (.+)$/.exec(value)?.[1]
      if (token === undefined) {
        http[name] = value
        continue
      }
      const login = `<w:Username>u</w:Username><w:Password>${escaped(token)}</w:Password>`
      blocks += `<w:Security xmlns:w="${wsse}" s:mustUnderstand="1"><w:UsernameToken>${login}</w:UsernameToken></w:Security>`
    } else {
      const block = name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())
      blocks += `<${block} xmlns="${namespace}">${escaped(value)}</${block}>`
    }
  }
  return { blocks, http }
}

function write(value: object, { fields }: ObjectShape): string {
  return Object.entries(value)
    .map(([name, each]) => element(name, each, fields.find((field) => field.name === name)?.shape))
    .join('')
}

function element(name: string, value: unknown, shape: Shape | undefined): string {
  if (value === undefined) return ''
  if (value === null && shape?.kind !== 'unknown') return `<${name} xsi:nil="true"/>`
  if (shape?.kind === 'list' && Array.isArray(value))
    return value.map((each) => element(name, each, shape.items)).join('')
  const type = typeOf(value, shape)
  return `<${name}${type}>${content(value, shape)}</${name}>`
}

/** Where a value is not what the schema says: XML would not tell. */
function typeOf(value: unknown, shape: Shape | undefined): string {
  const wanted = shape === undefined ? 'string' : (simpleTypes[shape.kind] ?? typeof value)
  const type = typeof value === 'number' ? 'double' : typeof value
  return typeof value === wanted || type === 'object' ? '' : ` xsi:type="xs:${type}"`
}

const simpleTypes: Readonly<Record<string, string>> = {
  string: 'string',
  enum: 'string',
  'date-time': 'string',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
}

function content(value: unknown, shape: Shape | undefined): string {
  switch (shape?.kind) {
    case 'unknown':
      return escaped(JSON.stringify(value))
    case 'object':
      return typeof value === 'string' ? escaped(value) : write(value as object, shape)
    // One item in the place of a list.
    case 'list':
      return content(value, shape.items)
    case 'record':
      return Object.entries(value as object)
        .map(([key, each]) => `<entry>${element('key', key, undefined)}${element('value', each, shape.values)}</entry>`)
        .join('')
    case 'union': {
      const { kind } = value as { kind?: string }
      const member = shape.members.find(({ name }) => name.toLowerCase() === kind)
      return member === undefined ? `<${kind}/>` : element(member.name, value, member)
    }
    default:
      return escaped(String(value))
  }
}

/** With references for what cannot stand as it is; some of them XML does not allow either. */
function escaped(text: string): string {
  return text.replaceAll(/[&<>\r\p{Cs}\ufffe\uffff]|[^\P{Cc}\t\n]/gu, (each) => `&#${each.codePointAt(0)};`)
}

function resultOf(envelope: XmlElement, response: ObjectShape): Result {
  const [header, body] = envelope.children.length > 1 ? envelope.children : [undefined, ...envelope.children]
  const meta = Object.fromEntries(
    (header?.children ?? []).flatMap(({ local, text }) => {
      const name = blockNames[local]
      return name !== undefined && metaNames.includes(name) ? [[name, text] as const] : []
    }),
  )
  const answer = body?.children[0] as XmlElement
  if (answer.local !== 'Fault') return { value: read(answer, response).result ?? null, meta }
  const detail = answer.children.find(({ local }) => local.toLowerCase() === 'detail')?.children[0] as XmlElement
  const problem = Object.fromEntries(detail.children.map(({ local, text }) => [local, text]))
  const errors = detail.children
    .filter(({ local }) => local === 'errors')
    .map((each) => Object.fromEntries(each.children.map(({ local, text }) => [local, text])) as { pointer: string })
  const { code = '', status, detail: told = '', requestId = '' } = problem
  return { problem: problemOf({ code, status: Number(status), detail: told, requestId, errors }), meta }
}

const blockNames: Record<string, string> = {
  ETag: 'etag',
  Location: 'location',
  RetryAfter: 'retry-after',
  TotalCount: 'x-total-count',
  PreferenceApplied: 'preference-applied',
  IdempotentReplayed: 'idempotent-replayed',
}

function read(parent: XmlElement, { fields }: ObjectShape): Record<string, unknown> {
  return Object.fromEntries(
    fields.flatMap((field) => {
      const elements = parent.children.filter(({ local }) => local === field.name)
      if (field.shape.kind !== 'list' && elements.length === 0) return []
      return [[field.name, readField(elements, field)] as const]
    }),
  )
}

function readField(elements: readonly XmlElement[], { shape }: Field): unknown {
  if (shape.kind === 'list') return elements.map((each) => readValue(each, shape.items))
  return readValue(elements[0] as XmlElement, shape)
}

function readValue(element: XmlElement, shape: Shape): unknown {
  if (element.attributes.some(({ local, value }) => local === 'nil' && value === 'true')) return null
  switch (shape.kind) {
    case 'object':
      return read(element, shape)
    case 'union': {
      const [child] = element.children
      return read(child as XmlElement, shape.members.find(({ name }) => name === child?.local) as ObjectShape)
    }
    case 'record':
      return Object.fromEntries(
        element.children.map(({ children: [key, value] }) => [key?.text, readValue(value as XmlElement, shape.values)]),
      )
    case 'integer':
    case 'number':
      return Number(element.text)
    case 'boolean':
      return element.text === 'true'
    case 'unknown':
      return JSON.parse(element.text) as unknown
    default:
      return element.text
  }
}
