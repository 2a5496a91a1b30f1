/**
 * The end of HTTP of wires that answer their requests themselves. What is answered here is no request of the API: those
 * are the operations that it asks for, each with a life of its own. So a request is taken over once it is admitted, and
 * pays for no second life: hooks behind `onRequest` see the operations alone.
 */

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import type { Eventually } from './eventually.ts'
import { signOfLife } from './server-sent.ts'

/** How often, in ms: more often than the 60 s of common proxies. */
const heartbeat = 15_000

/** A request that is taken over before its body is read, the headers of every answer, and whom to tell of a failure. */
export interface Taken {
  request: IncomingMessage
  response: ServerResponse
  headers: OutgoingHttpHeaders
  report: (error: unknown) => void
}

export interface HttpAnswer {
  status: number
  /** Media type. */
  type: string
  text: string
  /** What follows the text, each when the client has read the one before. */
  events?: AsyncIterable<string> | undefined
  headers?: OutgoingHttpHeaders | undefined
}

/** Reads a body whole; nothing comes of one with more bytes than the limit. */
export function readBody(request: IncomingMessage, limit: number, done: (body: Buffer | undefined) => void): void {
  if (Number(request.headers['content-length'] ?? 0) > limit) {
    done(undefined)
    return
  }
  const chunks: Buffer[] = []
  let length = 0
  const take = (chunk: Buffer) => {
    length += chunk.length
    chunks.push(chunk)
    if (length <= limit) return
    request.off('data', take).off('end', end)
    done(undefined)
  }
  const end = () => done(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))
  request.on('data', take).on('end', end)
}

/** Sends what comes of a request; `failure` where it throws, whose cause is reported. */
export function answerWith(taken: Taken, make: () => Eventually<HttpAnswer>, failure: () => HttpAnswer): void {
  const failed = (error: unknown) => {
    taken.report(error)
    sendOnce(taken, failure())
  }
  try {
    const answer = make()
    if (answer instanceof Promise) answer.then((each) => sendOnce(taken, each)).catch(failed)
    else sendOnce(taken, answer)
  } catch (error) {
    failed(error)
  }
}

/** Sends an answer, unless there is one already, or nobody waits any more. */
export function sendOnce(
  { response, headers }: Taken,
  { status, type, text, events, headers: more }: HttpAnswer,
): void {
  if (response.headersSent || response.destroyed) return
  headers['content-type'] = type
  if (events !== undefined) {
    response.writeHead(status, { ...headers, ...more }).write(text)
    sendEvents(response, events)
    return
  }
  headers['content-length'] = Buffer.byteLength(text)
  response.writeHead(status, more === undefined ? headers : { ...headers, ...more }).end(text)
}

/** Sends events at the pace of the client; a sign of life while there are none. */
function sendEvents(response: ServerResponse, events: AsyncIterable<string>): void {
  const timer = setInterval(() => response.writableNeedDrain || response.write(signOfLife), heartbeat).unref()
  pipeline(Readable.from(events, { highWaterMark: 1 }), response, () => clearInterval(timer))
}

/** A refusal of a body that is too large. It closes the connection: the rest of the body may be on its way. */
export function closing(answer: HttpAnswer): HttpAnswer {
  return { ...answer, headers: { ...answer.headers, connection: 'close' } }
}
