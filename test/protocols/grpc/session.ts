/** A client of gRPC made of sessions of HTTP/2, which sends what no library would. */

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
  type SessionOptions,
} from 'node:http2'
import type { Test } from 'tap'
import { listen } from '../../helper.ts'

export const getUser = '/septet.v1.UsersService/GetUser'

/** A message with its prefix. */
export function framed(bytes: Buffer, flag = 0): Buffer {
  const prefix = Buffer.alloc(5)
  prefix[0] = flag
  prefix.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([prefix, bytes])
}

/** A field with a length. */
export function delimited(number: number, bytes: Buffer): Buffer<ArrayBuffer> {
  const head: number[] = number < 16 ? [(number << 3) | 2] : [((number << 3) & 127) | 130, number >> 4]
  let rest = bytes.length
  for (; rest > 127; rest >>>= 7) head.push((rest & 127) | 128)
  return Buffer.concat([Buffer.from([...head, rest]), bytes])
}

export interface Answer {
  http?: unknown
  status?: string
  message?: string
  /** Headers and trailers. */
  told: Record<string, unknown>
  hasTrailers: boolean
  /** Messages with their prefixes. */
  body: Buffer
  /** What the stream was ended with. */
  reset: number | undefined
}

export async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  let told: Record<string, unknown> = {}
  let hasTrailers = false
  const chunks: Buffer[] = []
  const take = (headers: object) => {
    told = { ...told, ...headers }
  }
  stream.on('response', take).on('trailers', (trailers) => {
    hasTrailers = true
    take(trailers)
  })
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  // What ends in an error closes too.
  await new Promise((resolve) => stream.once('close', resolve))
  const { 'grpc-status': status, 'grpc-message': message } = told as Record<string, string>
  return {
    http: told[':status'],
    ...(status !== undefined && { status }),
    ...(message !== undefined && { message: decodeURI(message) }),
    told,
    hasTrailers,
    body: Buffer.concat(chunks),
    reset: stream.rstCode,
  }
}

/** A connection to a server. */
export function connectTo(t: Test, base: string, options: SessionOptions = {}): ClientHttp2Session {
  const session = connect(base, options)
  session.on('error', () => {})
  t.teardown(() => session.destroy())
  return session
}

/** Begins a call. */
export function begin(session: ClientHttp2Session, path: string, headers: OutgoingHttpHeaders = {}): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  stream.on('error', () => {})
  return stream
}

/** A server, and a connection to it. */
export async function openSession(t: Test, settings: Record<string, string> = {}, routes: readonly string[] = []) {
  const { app, base, logs } = await listen(t, settings, routes)
  const session = connectTo(t, base)
  const call = async (path: string, body: Buffer, headers: OutgoingHttpHeaders = {}) => {
    const stream = begin(session, path, headers)
    stream.end(body)
    return answerOf(stream)
  }
  /** The number of a field of what is echoed. */
  const at = (name: string) => {
    const request = app.grpc.file.messages.find((message) => message.name === 'EchoShapesRequest')
    return request?.fields.find((field) => field.name === name)?.number ?? 0
  }
  const works = async () => (await call(getUser, framed(Buffer.from([8, 1])))).status === '0'
  return {
    app,
    base,
    logs,
    session,
    begin: (path: string, headers?: OutgoingHttpHeaders) => begin(session, path, headers),
    call,
    works,
    at,
  }
}
