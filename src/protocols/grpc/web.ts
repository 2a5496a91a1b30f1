/** gRPC-Web for browsers (grpc/doc/PROTOCOL-WEB.md): a unary call in a request of HTTP/1.1, its trailers in the body. */

import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { Problem } from '../../errors.ts'
import { statusOf } from './errors.ts'
import { headersOf } from './headers.ts'
import type { Answer, GrpcServer } from './index.ts'

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
  body: Buffer
}

/** As a request names them, with `+proto` or without. */
export const webMediaType = /^application\/grpc-web(?:-text)?(?:\+proto)?(?:;.*)?$/

const prefixLength = 5
const trailersFlag = 0x80

/** Never rejects. */
export async function answerWeb(grpc: GrpcServer, request: WebRequest): Promise<WebResponse> {
  const type = String(request.headers['content-type'])
  const isText = type.startsWith('application/grpc-web-text')
  const answer = await answerOf(grpc, request, isText)
  const body = framesOf(answer)
  return {
    headers: { ...Object.fromEntries(answer.metadata ?? []), 'content-type': type },
    body: isText ? Buffer.from(body.toString('base64')) : body,
  }
}

async function answerOf(grpc: GrpcServer, request: WebRequest, isText: boolean): Promise<Answer> {
  const { path, headers, socket, body } = request
  const known = grpc.methods.get(path)
  if (known === undefined) return refusal(new Problem('method-not-allowed', `There is no method ${path}`))
  const message = messageIn(body, isText)
  if (message === undefined)
    return refusal(new Problem('malformed-request', 'The body must hold one message, not compressed'))
  const { signal, stop } = withDeadline(request)
  const peer = { socket, headers: headersOf({ ...headers }, headers.host ?? 'localhost'), wire: 'grpc-web' }
  return grpc.answer(known, message, peer, signal).finally(stop)
}

function refusal(problem: Problem): Answer {
  return { status: statusOf(problem), metadata: undefined }
}

/** The one message of a body; nothing where there is none, or another one. */
function messageIn(body: unknown, isText: boolean): Buffer | undefined {
  if (!Buffer.isBuffer(body)) return undefined
  const bytes = isText ? Buffer.from(body.toString('latin1'), 'base64') : body
  if (bytes.length < prefixLength || bytes[0] !== 0) return undefined
  const end = bytes.readUInt32BE(1) + prefixLength
  return end === bytes.length ? bytes.subarray(prefixLength) : undefined
}

function framesOf({ message, status, metadata = [] }: Answer): Buffer {
  const { code, details, rich } = status ?? { code: 0, details: '', rich: undefined }
  const lines = [
    `grpc-status: ${code}`,
    ...(details === '' ? [] : [`grpc-message: ${encodeURI(details)}`]),
    ...(rich === undefined ? [] : [`grpc-status-details-bin: ${Buffer.from(rich).toString('base64')}`]),
    ...(status === undefined ? [] : metadata.map(([name, value]) => `${name}: ${value}`)),
  ]
  const trailers = frame(trailersFlag, Buffer.from(`${lines.join('\r\n')}\r\n`))
  return message === undefined ? trailers : Buffer.concat([frame(0, message), trailers])
}

function frame(flag: number, bytes: Uint8Array): Buffer {
  const prefix = Buffer.alloc(prefixLength)
  prefix[0] = flag
  prefix.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([prefix, bytes])
}

const units: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 }
/** The longest that a timer takes, in ms. */
const longest = 2_147_483_647

/** The caller's signal, which aborts after its `grpc-timeout` too (gRPC over HTTP/2, "Timeout"). */
function withDeadline({ headers, signal }: WebRequest): { signal: () => AbortSignal; stop: () => void } {
  const [, value, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(headers['grpc-timeout'] ?? '')) ?? []
  if (value === undefined) return { signal, stop: () => {} }
  const controller = new AbortController()
  const time = Math.min(longest, Number(value) * (units[unit] ?? 1))
  const timer = setTimeout(() => controller.abort(), time)
  return { signal: () => AbortSignal.any([signal(), controller.signal]), stop: () => clearTimeout(timer) }
}
