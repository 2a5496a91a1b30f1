/**
 * GraphQL's own end of HTTP. What is answered here is no request of the API: those are the operations that it asks for,
 * each with a life of its own. So a request is taken over once it is admitted, and pays for no second life: hooks behind
 * `onRequest` see the operations alone.
 */

import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { signalOf } from '../../contract/gone.ts'
import type { GraphQLRequest } from './decode.ts'
import { type GraphQLResponse, renderBadRequest } from './encode.ts'
import { codes, refused } from './errors.ts'

export interface HttpSettings {
  answer: (request: GraphQLRequest) => GraphQLResponse | Promise<GraphQLResponse>
  /** Parses JSON as the bodies of other requests are. @throws for what is none. */
  parse: (text: string) => unknown
  /** Bytes that a body may have. */
  bodyLimit: number
}

/** A request that is taken over before its body is read, the headers of every answer, and whom to tell of a failure. */
export interface Taken {
  request: IncomingMessage
  response: ServerResponse
  headers: OutgoingHttpHeaders
  report: (error: unknown) => void
}

export class HttpEnd {
  readonly #settings: HttpSettings

  constructor(settings: HttpSettings) {
    this.#settings = settings
  }

  /** Answers a request. */
  take(taken: Taken): void {
    const { method, headers } = taken.request
    if (method === 'GET') this.#run(taken, undefined)
    else if (!isJson(headers['content-type'])) send(taken, renderBadRequest(refused('The body must be JSON'), 415))
    else if (Number(headers['content-length'] ?? 0) > this.#settings.bodyLimit) send(taken, this.#tooLarge())
    else this.#read(taken)
  }

  #read(taken: Taken): void {
    const { request } = taken
    const chunks: Buffer[] = []
    let length = 0
    const take = (chunk: Buffer) => {
      length += chunk.length
      if (length > this.#settings.bodyLimit) {
        request.off('data', take).off('end', end)
        send(taken, this.#tooLarge())
      } else chunks.push(chunk)
    }
    const end = () => {
      const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
      this.#parse(taken, body)
    }
    request.on('data', take).on('end', end)
  }

  #parse(taken: Taken, body: Buffer): void {
    let parsed: unknown
    try {
      if (!isUtf8(body)) throw new TypeError('The body is not valid UTF-8')
      parsed = this.#settings.parse(body.toString())
    } catch {
      send(taken, renderBadRequest(refused('The body is not valid JSON')))
      return
    }
    this.#run(taken, parsed)
  }

  #run(taken: Taken, body: unknown): void {
    const { request, response, report } = taken
    const { method = '', url = '', headers, socket } = request
    const failed = (error: unknown) => {
      report(error)
      send(taken, renderBadRequest(refused('Something went wrong', codes.internal), 500))
    }
    try {
      const answered = this.#settings.answer({ method, url, headers, socket, body, signal: signalOf(response) })
      if (answered instanceof Promise) answered.then((each) => send(taken, each)).catch(failed)
      else send(taken, answered)
    } catch (error) {
      failed(error)
    }
  }

  /** Closes the connection: the rest of the body may be on its way. */
  #tooLarge(): GraphQLResponse {
    const error = refused(`A body has at most ${this.#settings.bodyLimit} bytes`)
    return { ...renderBadRequest(error, 413), headers: { connection: 'close' } }
  }
}

function send({ response, headers }: Taken, { status, type, text, headers: more }: GraphQLResponse): void {
  if (response.headersSent || response.destroyed) return
  headers['content-type'] = type
  headers['content-length'] = Buffer.byteLength(text)
  response.writeHead(status, more === undefined ? headers : { ...headers, ...more }).end(text)
}

/** JSON has no charset but UTF-8 (RFC 8259 section 8.1). */
function isJson(type: string | undefined): boolean {
  if (type === 'application/json') return true
  return /^application\/json\s*(?:;\s*charset="?utf-?8"?\s*)?$/i.test(type ?? '')
}
