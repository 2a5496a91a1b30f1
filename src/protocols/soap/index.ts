/** SOAP 1.1 and 1.2 over HTTP: the element in a message's Body is an operation. */

import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { Call, Dispatch, Outcome } from '../../contract/call.ts'
import type { Carrier } from '../../contract/carrier.ts'
import type { HttpAnswer } from '../../contract/http-end.ts'
import type { Operation } from '../../contract/operation.ts'
import { problemOf } from '../../contract/problem-of.ts'
import { nextCursorOf } from '../../contract/shape.ts'
import { Problem } from '../../errors.ts'
import { decodeText } from './charset.ts'
import { compileReader, type ParseJson } from './decode.ts'
import { describe, type Wsdl } from './describe.ts'
import type { XmlElement } from './element.ts'
import { compileWriter, renderBlocks, renderEnvelope } from './encode.ts'
import { type Envelope, readEnvelope } from './envelope.ts'
import { Faults, renderProtocolFault, SoapFault } from './errors.ts'
import { type MediaType, MediaTypes } from './media.ts'
import { messagesOf } from './messages.ts'
import { actionOf, namespace, type SoapVersion } from './names.ts'
import { readOrder } from './order.ts'
import { XmlReader } from './parse.ts'
import { withCredential } from './security.ts'

export interface SoapSettings {
  dispatch: Dispatch
  contract: ReadonlyMap<string, Operation>
  /** The committed WSDL, whose order of elements is kept; empty where there is none. */
  committed: string
  /** Parses text that holds JSON, as REST parses a body. */
  parse: ParseJson
}

/** A request, as HTTP has brought it. */
export interface SoapRequest {
  headers: IncomingHttpHeaders
  socket: Socket
  body: Buffer
  /** Aborts when the client is gone. */
  signal: () => AbortSignal
  /** Of the HTTP request, for what no operation has met. */
  requestId: string
  /** Told when the answer is that of a call. */
  carrier: Carrier | undefined
  /** Takes note of what is the server's own fault, and was no operation's. */
  report: (error: unknown) => void
}

interface Known {
  operation: Operation
  action: string
  /** As `SOAPAction` has it. */
  quoted: string
  read: (element: XmlElement) => Record<string, unknown>
  write: (value: unknown) => string
  isPage: boolean
}

export class SoapServer {
  /** The WSDL for an address of the service. */
  readonly wsdl: Wsdl
  readonly #dispatch: Dispatch
  readonly #operations: ReadonlyMap<string, Known>
  readonly #faults: Faults
  readonly #xml = new XmlReader()
  readonly #media = new MediaTypes()

  /** When every operation is known. @throws {ContractError} for what SOAP cannot say. */
  constructor({ dispatch, contract, committed, parse }: SoapSettings) {
    const messages = messagesOf(contract)
    const order = committed === '' ? new Map<string, string[]>() : readOrder(committed)
    this.wsdl = describe(messages, order)
    this.#dispatch = dispatch
    this.#faults = new Faults(order)
    this.#operations = new Map(
      messages.map(({ operation, request, response, isPage }) => [
        request.name,
        {
          operation,
          action: actionOf(request.name),
          quoted: `"${actionOf(request.name)}"`,
          read: compileReader(request, parse),
          write: compileWriter(response, order),
          isPage,
        },
      ]),
    )
  }

  /** The answer to a message, whose media type is one of SOAP. */
  async answer(request: SoapRequest): Promise<HttpAnswer> {
    const media = this.#media.of(request.headers['content-type']) ?? plain
    const { version } = media
    let envelope: Envelope | undefined
    try {
      const { text: message, encodings } = decodeText(request.body, media.charset)
      envelope = readEnvelope(this.#xml.read(message, encodings), version)
      const known = this.#operationOf(envelope, media.action ?? request.headers.soapaction)
      const call = callOf(request, envelope, known)
      const text = renderSuccess(version, await this.#dispatch(call), envelope, known)
      request.carrier?.leaveToCalls()
      return { status: 200, text, type: typeOf[version] }
    } catch (error) {
      return this.#fault(version, error, request, envelope?.messageId)
    }
  }

  /** Whether messages come with this media type. */
  takes(contentType: string | undefined): boolean {
    return this.#media.of(contentType) !== undefined
  }

  /** The fault for a request that never became a message: too large, or refused at the door. */
  refusal(contentType: string | undefined, error: unknown, requestId: string): HttpAnswer {
    const { version } = this.#media.of(contentType) ?? plain
    return { ...this.#faults.problem(version, problemOf(error), requestId, undefined), type: typeOf[version] }
  }

  /** @throws {Problem} where there is none, or the action names another. */
  #operationOf({ wrapper, action }: Envelope, sent: string | string[] | undefined): Known {
    const { uri, local } = wrapper
    const known = uri === namespace ? this.#operations.get(local) : undefined
    if (known === undefined)
      throw new Problem('not-found', `There is no operation {${uri.slice(0, 200)}}${local}: see /soap?wsdl`)
    if (action !== undefined && action !== known.action) throw wrongAction(known)
    if (sent === undefined || sent === known.action || sent === known.quoted) return known
    const named = String(sent).trim()
    if (named !== '' && named !== '""' && named !== known.action && named !== known.quoted) throw wrongAction(known)
    return known
  }

  #fault(version: SoapVersion, error: unknown, request: SoapRequest, messageId: string | undefined): HttpAnswer {
    const type = typeOf[version]
    if (error instanceof SoapFault) return { ...renderProtocolFault(version, error), type }
    const problem = problemOf(error)
    // A problem of an operation has the id of its own request.
    if (problem.requestId !== undefined) request.carrier?.leaveToCalls()
    else if (problem.code === 'internal') request.report(error)
    return { ...this.#faults.problem(version, problem, request.requestId, messageId), type }
  }
}

/** What says nothing else. */
const plain: MediaType = { version: '1.1', charset: undefined, action: undefined }

const typeOf = {
  '1.1': 'text/xml; charset=utf-8',
  '1.2': 'application/soap+xml; charset=utf-8',
} as const satisfies Record<SoapVersion, string>

function wrongAction({ action }: Known): Problem {
  return new Problem('malformed-request', `The action of this message is ${action}; another was sent`)
}

function callOf({ headers, socket, signal }: SoapRequest, envelope: Envelope, { operation, read }: Known): Call {
  const all = withCredential(headersOf(headers, envelope), envelope.security)
  return { operation, input: read(envelope.wrapper), peer: { socket, headers: all, wire: 'soap' }, signal, as: 'value' }
}

function renderSuccess(
  version: SoapVersion,
  outcome: Outcome,
  { messageId }: Envelope,
  { write, isPage }: Known,
): string {
  return renderEnvelope(version, renderBlocks(outcome.headers, messageId), write({ result: resultOf(outcome, isPage) }))
}

/** What has not changed would be no answer: a message holds what was asked for, whatever the client has. */
function headersOf(headers: IncomingHttpHeaders, envelope: Envelope): IncomingHttpHeaders {
  const { headers: blocks } = envelope
  if (blocks === undefined && headers['if-none-match'] === undefined) return headers
  const { 'if-none-match': _, ...others } = headers
  return Object.assign(others, blocks)
}

function resultOf({ value, headers }: Outcome, isPage: boolean): unknown {
  return isPage ? { items: value, nextCursor: nextCursorOf(headers.link) ?? null } : value
}
