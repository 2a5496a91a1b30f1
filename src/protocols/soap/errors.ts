/** Problems as SOAP faults (SOAP 1.1 section 4.4, SOAP 1.2 part 1 section 5.4). */

import type { TObject } from '@sinclair/typebox'
import { type ObjectShape, readObject } from '../../contract/walk.ts'
import { catalogue, type Problem, type ProblemCode } from '../../errors.ts'
import { ProblemSchema } from '../../schemas/problem.ts'
import type { XmlName } from './element.ts'
import { compileWriter, escapeAttribute, escapeText, renderBlocks, renderEnvelope } from './encode.ts'
import { envelopeOf, faultName, namespace, type SoapVersion } from './names.ts'
import type { Order } from './order.ts'

/** Whose fault a problem is. */
export const codes = {
  'malformed-request': 'Sender',
  'validation-failed': 'Sender',
  unauthenticated: 'Sender',
  forbidden: 'Sender',
  'not-found': 'Sender',
  'method-not-allowed': 'Sender',
  'request-timeout': 'Sender',
  conflict: 'Sender',
  gone: 'Sender',
  'precondition-failed': 'Sender',
  'payload-too-large': 'Sender',
  'uri-too-long': 'Sender',
  'unsupported-media-type': 'Sender',
  'misdirected-request': 'Sender',
  'upgrade-required': 'Sender',
  'idempotency-key-reused': 'Sender',
  'rate-limited': 'Sender',
  'quota-exceeded': 'Sender',
  'headers-too-large': 'Sender',
  internal: 'Receiver',
  unavailable: 'Receiver',
  timeout: 'Receiver',
} as const satisfies Record<ProblemCode, 'Sender' | 'Receiver'>

/** The type of the detail of every fault. */
export const problemShape: ObjectShape = readObject(ProblemSchema as TObject, 'Problem', 'Problem')

/** What SOAP itself refuses, before there is a call. */
export type ProtocolFault =
  | { kind: 'VersionMismatch' }
  /** Header blocks that have to be understood, and are not. */
  | { kind: 'MustUnderstand'; blocks: readonly XmlName[] }
  | { kind: 'DataEncodingUnknown' }

export class SoapFault extends Error {
  override readonly name = 'SoapFault'
  readonly fault: ProtocolFault

  constructor(fault: ProtocolFault, reason: string) {
    super(reason)
    this.fault = fault
  }
}

/** A whole answer. */
export interface Rendered {
  status: number
  text: string
}

/** Renders faults; made once. */
export class Faults {
  readonly #details: ReadonlyMap<ProblemCode, (value: unknown) => string>

  constructor(order: Order) {
    const codes = Object.keys(catalogue) as ProblemCode[]
    this.#details = new Map(
      codes.map((code) => [code, compileWriter({ ...problemShape, name: faultName(code) }, order, problemShape.name)]),
    )
  }

  /** With the problem document of REST as its detail, and what REST says in headers as header blocks. */
  problem(version: SoapVersion, problem: Problem, requestId: string, messageId: string | undefined): Rendered {
    const { code, message, headers = {} } = problem
    const detail = this.#details.get(code)?.(problem.document(problem.requestId ?? requestId)) ?? ''
    const blocks = renderBlocks(headers, messageId)
    const sender = codes[code] === 'Sender'
    if (version === '1.1') {
      const text = `<soap:Fault><faultcode>soap:${sender ? 'Client' : 'Server'}</faultcode><faultstring>${escapeText(message)}</faultstring><detail>${detail}</detail></soap:Fault>`
      return { status: 500, text: renderEnvelope(version, blocks, text) }
    }
    const subcode = `<soap:Subcode><soap:Value xmlns:s="${namespace}">s:${code}</soap:Value></soap:Subcode>`
    const text = fault12(codes[code], message, subcode, `<soap:Detail>${detail}</soap:Detail>`)
    return { status: sender ? 400 : 500, text: renderEnvelope(version, blocks, text) }
  }
}

/** What SOAP itself refuses; without a detail, which is about the Body alone. */
export function renderProtocolFault(version: SoapVersion, { fault, message }: SoapFault): Rendered {
  const { kind } = fault
  if (version === '1.1') {
    const code = kind === 'DataEncodingUnknown' ? 'Client' : kind
    const text = `<soap:Fault><faultcode>soap:${code}</faultcode><faultstring>${escapeText(message)}</faultstring></soap:Fault>`
    return { status: 500, text: renderEnvelope(version, '', text) }
  }
  return { status: 500, text: renderEnvelope(version, blocksOf(fault), fault12(kind, message, '', '')) }
}

/** SOAP 1.2 part 1 sections 5.4.7 and 5.4.8. */
function blocksOf(fault: ProtocolFault): string {
  if (fault.kind === 'MustUnderstand') return fault.blocks.map(notUnderstood).join('')
  if (fault.kind !== 'VersionMismatch') return ''
  const supported = [envelopeOf['1.2'], envelopeOf['1.1']]
  const each = supported.map((uri) => `<soap:SupportedEnvelope xmlns:e="${uri}" qname="e:Envelope"/>`)
  return `<soap:Upgrade>${each.join('')}</soap:Upgrade>`
}

/** A prefix cannot stand for no namespace (Namespaces in XML 1.0 section 2.2), which is that of a name without one here. */
function notUnderstood({ uri, local }: XmlName): string {
  if (uri === '') return `<soap:NotUnderstood qname="${escapeAttribute(local)}"/>`
  return `<soap:NotUnderstood xmlns:n="${escapeAttribute(uri)}" qname="n:${escapeAttribute(local)}"/>`
}

function fault12(code: string, reason: string, subcode: string, detail: string): string {
  const value = `<soap:Code><soap:Value>soap:${code}</soap:Value>${subcode}</soap:Code>`
  return `<soap:Fault>${value}<soap:Reason><soap:Text xml:lang="en">${escapeText(reason)}</soap:Text></soap:Reason>${detail}</soap:Fault>`
}
