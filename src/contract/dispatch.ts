/** Runs calls of other wires through Fastify's router, with every hook that a request over HTTP meets. */

import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { catalogue, codeForStatus, Problem, type ProblemCode, type ProblemDocument } from '../errors.ts'
import type { Call, Dispatch, Outcome, Peer } from './call.ts'
import { countCall } from './carrier.ts'
import { type Answer, InMemoryRequest, InMemoryResponse } from './exchange.ts'
import type { Operation } from './operation.ts'
import type { Placement } from './placement.ts'

export interface DispatchSettings {
  /** Fastify's router. */
  route: (request: IncomingMessage, response: ServerResponse) => void
  /** Whether calls are taken: not before the server is ready, nor while it stops. */
  isOpen: () => boolean
  /** Where the input of an operation goes; there for every operation when the server is ready. */
  placementOf: (operation: Operation) => Placement | undefined
  /** Takes note of what has cut off an answer. */
  cutOff: (error: Error, requestId: string | undefined) => void
}

/** What is said of the connection or the message, not of the call (RFC 9110 section 7.6.1); bodies are handed on as they are. */
const dropped = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'content-type',
  'content-encoding',
  'accept',
  'accept-encoding',
  'expect',
  'range',
  'origin',
  'grpc-timeout',
  'grpc-encoding',
  'grpc-accept-encoding',
  // HTTP/2 says with them what the request line of HTTP/1.1 does (RFC 9113 section 8.3).
  ':method',
  ':scheme',
  ':authority',
  ':path',
  'last-event-id',
])

export function createDispatch({ route, isOpen, placementOf, cutOff }: DispatchSettings): Dispatch {
  return (call) =>
    new Promise<Outcome>((resolve, reject) => {
      const { operation, input, peer, signal: given } = call
      if (!isOpen()) return reject(new Problem('unavailable', 'The server is stopping, or not ready yet'))
      if (typeof given === 'object' && given.aborted) return reject(abortedBy(given))
      const placement = placementOf(operation)
      if (placement === undefined) return reject(new Error(`${operation.operationId} is no operation of this server`))
      countCall(peer.socket)
      const carried = { placement, placed: placement.place(input), wire: peer.wire, follows: call.as === 'stream' }
      const request = new InMemoryRequest(peer.socket, forwarded(peer.headers), carried)
      let settled = false
      let signal: AbortSignal | undefined
      const settle = () => {
        settled = true
        signal?.removeEventListener('abort', abort)
      }
      const answered = (answer: Answer) => {
        settle()
        try {
          resolve(outcomeOf(answer, call, request))
        } catch (error) {
          reject(error)
        }
      }
      const failed = (error: Error | undefined) => {
        const { requestId } = request
        if (error !== undefined && !settled) cutOff(error, requestId)
        settle()
        reject(new Problem('internal', 'Something went wrong', { cause: error, ...(requestId && { requestId }) }))
      }
      const abort = () => {
        settle()
        reject(abortedBy(signal as AbortSignal))
        request.abort()
        // As a lost connection does: what is read for the reply is closed.
        response.destroy()
      }
      const response = new InMemoryResponse(request, answered, failed)
      route(request, response)
      // What is answered by now cannot be aborted any more: listening costs as much as a short call.
      if (settled) return
      signal = typeof given === 'function' ? given() : given
      if (signal?.aborted) abort()
      else signal?.addEventListener('abort', abort)
    })
}

/** Headers for one call, which hooks may change. */
function forwarded(headers: Peer['headers']): IncomingHttpHeaders {
  const copy: IncomingHttpHeaders = { host: headers.host ?? 'localhost' }
  for (const name in headers) {
    if (!dropped.has(name)) copy[name] = headers[name]
  }
  return copy
}

function abortedBy({ reason }: AbortSignal): Problem {
  return reason instanceof Problem ? reason : new Problem('timeout', 'The call was given up', { cause: reason })
}

/** @throws {Problem} for a status that is none of success. */
function outcomeOf({ status, headers, text }: Answer, { as }: Call, { stream }: InMemoryRequest): Outcome {
  if (status >= 400) throw problemFrom(status, headers, text)
  if (as === 'stream') return { status, headers, stream }
  if (text === '') return { status, headers }
  const json = isJson(headers['content-type']) ? text : JSON.stringify(text)
  return as === 'text' ? { status, headers, text: json } : { status, headers, value: JSON.parse(json) as unknown }
}

/** The problem again out of its document; what is none, by its status. */
function problemFrom(status: number, headers: OutgoingHttpHeaders, text: string): Problem {
  const own = Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const])),
  )
  if (!String(headers['content-type']).startsWith('application/problem+json')) {
    const code = codeForStatus(status)
    return new Problem(code, catalogue[code].title, { headers: own })
  }
  const { code, detail, errors, requestId } = JSON.parse(text) as ProblemDocument
  return new Problem(code as ProblemCode, detail, { headers: own, requestId, ...(errors && { errors }) })
}

function isJson(type: unknown): boolean {
  return typeof type === 'string' && /^application\/(?:[\w.+-]+\+)?json/.test(type)
}
