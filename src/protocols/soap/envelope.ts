/** An envelope: its version, the header blocks that count, and the one element of its Body. */

import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '../../errors.ts'
import { isText } from './characters.ts'
import type { XmlElement, XmlName } from './element.ts'
import { SoapFault } from './errors.ts'
import { namespace, requestBlocks, type SoapVersion, soap11, soap12, wsa, wsse } from './names.ts'

export interface Envelope {
  /** Of the operation. */
  wrapper: XmlElement
  /** Headers for the call, where header blocks have brought any. */
  headers: IncomingHttpHeaders | undefined
  security: XmlElement | undefined
  /** Of WS-Addressing: repeated in the answer. */
  messageId: string | undefined
  /** What WS-Addressing says that the message is. */
  action: string | undefined
}

const envelopes = { '1.1': soap11, '1.2': soap12 } as const

/**
 * Reads what its media type says is an envelope of this version.
 *
 * @throws {SoapFault} `VersionMismatch`, `MustUnderstand`
 * @throws {Problem} `malformed-request`
 */
export function readEnvelope(root: XmlElement, version: SoapVersion): Envelope {
  const uri = envelopes[version]
  if (root.local !== 'Envelope') throw malformed('The message must be an Envelope')
  if (root.uri !== uri)
    throw new SoapFault(
      { kind: 'VersionMismatch' },
      `The Envelope must be in the namespace ${uri}, as the media type says`,
    )
  const { children } = root
  const hasHeader = isNamed(children[0], 'Header', uri)
  const body = children[hasHeader ? 1 : 0]
  if (!isNamed(body, 'Body', uri) || children.length !== (hasHeader ? 2 : 1) || isText(root.text))
    throw malformed('An Envelope holds one Header or none, then one Body, and nothing else')
  const [wrapper] = body.children
  if (wrapper === undefined || body.children.length > 1 || isText(body.text))
    throw malformed('The Body must hold one element, named like the operation')
  for (const element of [root, body, wrapper]) refuseEncoding(element, uri)
  return { wrapper, ...readHeader(hasHeader ? (children[0] as XmlElement).children : [], version) }
}

function isNamed(element: XmlElement | undefined, local: string, uri: string): element is XmlElement {
  return element !== undefined && element.local === local && element.uri === uri
}

/** No encoding but that of the schema (WS-I Basic Profile R1005 to R1007). */
function refuseEncoding({ attributes }: XmlElement, envelope: string): void {
  if (attributes.length > 0 && attributes.some(({ uri, local }) => local === 'encodingStyle' && uri === envelope))
    throw new SoapFault({ kind: 'DataEncodingUnknown' }, 'Messages are literal: no encodingStyle is served')
}

/** Of a message. */
const maxBlocks = 64
/** Of those that are not understood, told again: an answer is hardly larger than what it answers. */
const maxListed = 8
/** Characters of a namespace that is told again. */
const maxNamespace = 400

function readHeader(blocks: readonly XmlElement[], version: SoapVersion): Omit<Envelope, 'wrapper'> {
  const read: Omit<Envelope, 'wrapper'> = {
    headers: undefined,
    security: undefined,
    messageId: undefined,
    action: undefined,
  }
  if (blocks.length === 0) return read
  if (blocks.length > maxBlocks) throw malformed(`A message has at most ${maxBlocks} header blocks`)
  const notUnderstood: XmlName[] = []
  const seen = new Set<string>()
  for (const block of blocks) {
    if (!isForUs(block, version)) continue
    const { uri, local } = block
    if (take(block, read)) {
      const name = `{${uri}}${local}`
      if (seen.has(name)) throw malformed(`The header block ${local} must be given once`)
      seen.add(name)
    } else if (mustBeUnderstood(block, version)) notUnderstood.push({ uri, local })
  }
  if (notUnderstood.length > 0) {
    const listed = notUnderstood.slice(0, maxListed)
    const names = listed.map(({ local }) => local.slice(0, 100)).join(', ')
    const blocks = listed.filter(({ uri }) => uri.length <= maxNamespace)
    throw new SoapFault({ kind: 'MustUnderstand', blocks }, `Header blocks are not understood: ${names}`)
  }
  return read
}

/** Takes a header block; whether it is understood. */
function take(block: XmlElement, read: Omit<Envelope, 'wrapper'>): boolean {
  const { uri, local } = block
  if (uri === namespace && Object.hasOwn(requestBlocks, local)) {
    read.headers ??= {}
    read.headers[requestBlocks[local as keyof typeof requestBlocks]] = headerText(block)
    return true
  }
  if (uri === wsse && local === 'Security') {
    read.security = block
    return true
  }
  if (uri !== wsa) return false
  if (local === 'MessageID') read.messageId = headerText(block)
  else if (local === 'Action') read.action = headerText(block)
  // Answers go back on the connection, which is what an anonymous address asks for; no other is served.
  else if (local === 'ReplyTo' || local === 'FaultTo') return isAnonymous(block)
  return ['MessageID', 'Action', 'To', 'ReplyTo', 'FaultTo', 'From'].includes(local)
}

function isAnonymous({ children }: XmlElement): boolean {
  const address = children.find(({ uri, local }) => uri === wsa && local === 'Address')?.text.trim()
  return address === 'http://www.w3.org/2005/08/addressing/anonymous'
}

/** What HTTP refuses in a header must not get in here either. @throws {Problem} */
function headerText({ local, text, children }: XmlElement): string {
  const value = text.trim()
  if (children.length > 0 || value.length > 4096 || /[^\t\x20-\x7e\x80-\xff]/.test(value))
    throw malformed(`The header block ${local} must hold text that HTTP takes in a header`)
  return value
}

/** SOAP 1.1 section 4.2.2, SOAP 1.2 part 1 section 2.2: there are no nodes between the sender and this one. */
function isForUs({ attributes }: XmlElement, version: SoapVersion): boolean {
  const target = attributes.find(({ uri, local }) =>
    version === '1.1' ? uri === soap11 && local === 'actor' : uri === soap12 && local === 'role',
  )?.value
  return target === undefined || target === '' || ours.has(target)
}

const ours: ReadonlySet<string> = new Set([
  'http://schemas.xmlsoap.org/soap/actor/next',
  `${soap12}/role/next`,
  `${soap12}/role/ultimateReceiver`,
])

/** What is neither yes nor no is taken for yes: whoever wrote it wanted no block to be passed over. */
function mustBeUnderstood({ attributes }: XmlElement, version: SoapVersion): boolean {
  const value = attributes
    .find(({ uri, local }) => local === 'mustUnderstand' && uri === envelopes[version])
    ?.value.trim()
  return value !== undefined && value !== '0' && value !== 'false'
}

function malformed(detail: string): Problem {
  return new Problem('malformed-request', detail)
}
