/** gRPC-Web for browsers (grpc/doc/PROTOCOL-WEB.md): a call of one message in a request of HTTP/1.1, its trailers in the body. */

import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { Peer } from '../../contract/call.ts'
import { problemOf } from '../../contract/problem-of.ts'
import { Problem } from '../../errors.ts'
import { detailsText, messageText, statusOf } from './errors.ts'
import { checkMetadata, headersOf } from './headers.ts'
import type { Answer, GrpcServer, KnownStream } from './index.ts'
import { framed, prefixLength } from './messages.ts'
import { timeIsOver, timeoutOf } from './timeout.ts'

/** A request, as HTTP has brought it. */
export interface WebRequest {
  path: string
  headers: IncomingHttpHeaders
  socket: Socket
  body: unknown
  /** Aborts when the client is gone. */
  signal: () => AbortSignal
}

export interface WebResponse {
  headers: Record<string, string>
  body: Buffer | Readable
}

/** As a request names them, with `+proto` or without. */
export const webMediaType = /^application\/grpc-web(?:-text)?(?:\+proto)?(?:;.*)?$/

const trailersFlag = 0x80

/** Never rejects. */
export async function answerWeb(grpc: GrpcServer, request: WebRequest): Promise<WebResponse> {
  const type = String(request.headers['content-type'])
  const isText = type.startsWith('application/grpc-web-text')
  const known = grpc.streams.get(request.path)
  if (known !== undefined)
    return { headers: { 'content-type': type }, body: Readable.from(framesOfStream(grpc, known, request, isText)) }
  const answer = await answerOf(grpc, request, isText)
  const body = framesOf(answer)
  return {
    headers: { ...answer.metadata, 'content-type': type },
    body: asSent(body, isText),
  }
}

/** Parts in base64 follow one another, each with its padding. */
function asSent(bytes: Buffer, isText: boolean): Buffer {
  return isText ? Buffer.from(bytes.toString('base64')) : bytes
}

async function* framesOfStream(
  grpc: GrpcServer,
  known: KnownStream,
  request: WebRequest,
  isText: boolean,
): AsyncGenerator<Buffer> {
  let end: Answer | undefined
  try {
    const message = messageIn(request.body, isText)
    const peer = peerOf(request)
    const { signal, stop } = withDeadline(request)
    try {
      for await (const each of grpc.follow(known, message, peer, signal())) yield asSent(framed(each), isText)
    } finally {
      stop()
    }
  } catch (error) {
    end = { status: statusOf(problemOf(error)), metadata: undefined }
  }
  yield asSent(end === undefined ? trailers(['grpc-status: 0']) : framesOf(end), isText)
}

/** @throws {Problem} `malformed-request` for metadata that is not as its name says. */
function peerOf({ headers, socket }: WebRequest): Peer {
  checkMetadata(Object.entries(headers).flatMap(([name, value]) => [name, String(value)]))
  return { socket, headers: headersOf({ ...headers }, headers.host), wire: 'grpc-web' }
}

async function answerOf(grpc: GrpcServer, request: WebRequest, isText: boolean): Promise<Answer> {
  const { path, body } = request
  try {
    const known = grpc.methods.get(path)
    if (known === undefined) throw new Problem('method-not-allowed', `There is no method ${path}`)
    const message = messageIn(body, isText)
    const peer = peerOf(request)
    const { signal, stop } = withDeadline(request)
    return await grpc.answer(known, message, peer, signal).finally(stop)
  } catch (error) {
    return { status: statusOf(problemOf(error)), metadata: undefined }
  }
}

/** The one message of a body. @throws {Problem} `malformed-request` where there is none, or another one. */
function messageIn(body: unknown, isText: boolean): Buffer {
  const sent = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
  const bytes = isText ? Buffer.from(sent.toString('latin1'), 'base64') : sent
  if (bytes.length < prefixLength || bytes[0] !== 0 || bytes.readUInt32BE(1) + prefixLength !== bytes.length)
    throw new Problem('malformed-request', 'The body must hold one message, not compressed')
  return bytes.subarray(prefixLength)
}

function framesOf(answer: Answer): Buffer {
  if (!('status' in answer)) return Buffer.concat([answer.frame, trailers(['grpc-status: 0'])])
  const { status, metadata = {} } = answer
  return trailers([
    `grpc-status: ${status.code}`,
    `grpc-message: ${messageText(status)}`,
    `grpc-status-details-bin: ${detailsText(status)}`,
    ...Object.entries(metadata).map(([name, value]) => `${name}: ${value}`),
  ])
}

function trailers(lines: readonly string[]): Buffer {
  const frame = framed(Buffer.from(`${lines.join('\r\n')}\r\n`))
  frame[0] = trailersFlag
  return frame
}

/** The caller's signal, which aborts after its `grpc-timeout` too. @throws {ProtocolProblem} for a text that is none. */
function withDeadline({ headers, signal }: WebRequest): { signal: () => AbortSignal; stop: () => void } {
  const time = timeoutOf(headers['grpc-timeout'] as string | undefined)
  if (time === Number.POSITIVE_INFINITY) return { signal, stop: () => {} }
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(timeIsOver()), time)
  return { signal: () => AbortSignal.any([signal(), controller.signal]), stop: () => clearTimeout(timer) }
}
