/** The WSDL 1.1 document of the operations: document/literal, wrapped, over SOAP 1.1 and 1.2 (WS-I Basic Profile 1.1). */

import { scopeSentence } from '../../contract/openapi.ts'
import type { ProblemCode } from '../../errors.ts'
import { catalogue } from '../../errors.ts'
import { escapeAttribute, escapeText } from './encode.ts'
import { problemShape } from './errors.ts'
import type { Messages } from './messages.ts'
import { actionOf, faultName, namespace, requestBlocks, responseBlocks, xsd } from './names.ts'
import type { Order } from './order.ts'
import { documented, Types } from './types.ts'

const service = 'Septet'
const http = 'http://schemas.xmlsoap.org/soap/http'
const bindings = [
  { name: 'SeptetSoap11', prefix: 'soap', required: '' },
  { name: 'SeptetSoap12', prefix: 'soap12', required: ' soapActionRequired="false"' },
] as const

const about = [
  'Operations of Septet over SOAP 1.1 and 1.2. Messages are document/literal, wrapped: the element in the Body has the name of the operation.',
  'A credential is an API key or an access token: as the password of a WS-Security UsernameToken (PasswordText), as the password of HTTP Basic, as a Bearer token, or in X-API-Key. A PasswordDigest is made with the name and password that getDigestPassword gives to an API key; its nonce is good once, for five minutes.',
  'A list is repeated elements. Where a list may be absent, a single element with xsi:nil stands for a list without items (or for null, where the list may be null). Values of any shape are JSON in a string. Moments need a time zone. Characters that XML 1.0 cannot hold are answered as U+FFFD.',
  `A message may bring these header blocks of this namespace: ${Object.keys(requestBlocks).join(', ')}. An answer has as header blocks what REST says in headers: ${Object.values(responseBlocks).join(', ')}.`,
  'A fault has in its detail one element named for its code, of type Problem.',
  'Not served: MTOM and attachments, XML signature and encryption, rpc style, encoded messages, WS-Addressing beyond RelatesTo (answers go back on the connection), WS-ReliableMessaging.',
].join('\n')

/** The document, without the address of the service. */
export type Wsdl = (address: string) => string

/** @throws {ContractError} for what XML Schema cannot say. */
export function describe(messages: readonly Messages[], order: Order): Wsdl {
  const types = new Types(order)
  const elements = messages.flatMap(({ request, response }) => [types.message(request), types.message(response)])
  const codes = [...new Set(messages.flatMap(problemsOf))].sort()
  const problem = types.named(problemShape)
  const faults = codes.map(
    (code) =>
      `<xs:element name="${faultName(code)}" type="tns:${problem}">${documented(catalogue[code].title)}</xs:element>`,
  )
  const blocks = [...Object.keys(requestBlocks), ...Object.values(responseBlocks)].map(
    (name) => `<xs:element name="${name}" type="xs:string"/>`,
  )
  const [head, tail] = [
    [
      `<wsdl:documentation>${escapeText(about)}</wsdl:documentation>`,
      `<wsdl:types><xs:schema targetNamespace="${namespace}" elementFormDefault="qualified">`,
      types.definitions,
      ...elements,
      ...faults,
      ...blocks,
      '</xs:schema></wsdl:types>',
      ...messages.map(({ request, response }) => message(request.name) + message(response.name)),
      ...codes.map((code) => message(faultName(code), 'fault')),
      `<wsdl:portType name="${service}">${messages.map(portOperation).join('')}</wsdl:portType>`,
      ...bindings.map((binding) => bindingOf(binding, messages)),
    ].join(''),
    '</wsdl:definitions>',
  ]
  // Most servers are asked for it late, or never.
  let before: string | undefined
  return (address) => {
    before ??= indented(`${definitions}${head}<wsdl:service name="${service}">`)
    const ports = bindings.map(
      ({ name, prefix }) =>
        `    <wsdl:port name="${name}" binding="tns:${name}">\n      <${prefix}:address location="${escapeAttribute(address)}"/>\n    </wsdl:port>\n`,
    )
    return `<?xml version="1.0" encoding="UTF-8"?>\n${before}${ports.join('')}  </wsdl:service>\n${tail}\n`
  }
}

const definitions = `<wsdl:definitions name="${service}" targetNamespace="${namespace}" xmlns:tns="${namespace}" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:xs="${xsd}">`

/** Those of the operation, and what any message can meet. */
function problemsOf({ operation }: Messages): ProblemCode[] {
  const common = [
    'malformed-request',
    'payload-too-large',
    'unsupported-media-type',
    'rate-limited',
    'timeout',
  ] as const
  return [...new Set<ProblemCode>([...operation.problems, ...common])].sort()
}

function message(name: string, part = 'parameters'): string {
  return `<wsdl:message name="${name}"><wsdl:part name="${part}" element="tns:${name}"/></wsdl:message>`
}

function portOperation(messages: Messages): string {
  const { request, response, operation } = messages
  const { summary, description, access } = operation
  const text = `${summary}. ${description}${scopeSentence(access?.scopes ?? [])}`
  const faults = problemsOf(messages).map((code) => {
    const name = faultName(code)
    return `<wsdl:fault name="${name}" message="tns:${name}"/>`
  })
  const ends = `<wsdl:input message="tns:${request.name}"/><wsdl:output message="tns:${response.name}"/>`
  return `<wsdl:operation name="${request.name}"><wsdl:documentation>${escapeText(text)}</wsdl:documentation>${ends}${faults.join('')}</wsdl:operation>`
}

function bindingOf({ name, prefix, required }: (typeof bindings)[number], messages: readonly Messages[]): string {
  const body = `<${prefix}:body use="literal"/>`
  const operations = messages.map((each) => {
    const { name: operation } = each.request
    const faults = problemsOf(each).map((code) => {
      const fault = faultName(code)
      return `<wsdl:fault name="${fault}"><${prefix}:fault name="${fault}" use="literal"/></wsdl:fault>`
    })
    return `<wsdl:operation name="${operation}"><${prefix}:operation soapAction="${actionOf(operation)}"${required} style="document"/><wsdl:input>${body}</wsdl:input><wsdl:output>${body}</wsdl:output>${faults.join('')}</wsdl:operation>`
  })
  return `<wsdl:binding name="${name}" type="tns:${service}"><${prefix}:binding style="document" transport="${http}"/>${operations.join('')}</wsdl:binding>`
}

/** One element a line, two spaces a level; text stays on the line of its element, and an annotation on one line. */
function indented(xml: string): string {
  let depth = 0
  return xml
    .split(/(?<=>)(?<!<xs:annotation>)(?=<)(?!<\/xs:annotation>)/)
    .reduce<string[]>((lines, tag) => {
      const closes = tag.startsWith('</')
      if (closes) depth -= 1
      lines.push(`${'  '.repeat(depth)}${tag}\n`)
      if (!closes && !tag.includes('/>') && !/.<\/[\w:]+>$/.test(tag)) depth += 1
      return lines
    }, [])
    .join('')
}
