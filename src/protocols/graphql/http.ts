/** GraphQL over HTTP: a request becomes a document, and what comes of it the answer. */

import { isUtf8 } from 'node:buffer'
import type { Eventually } from '../../contract/eventually.ts'
import { signalOf } from '../../contract/gone.ts'
import { answerWith, closing, type HttpAnswer, readBody, sendOnce, type Taken } from '../../contract/http-end.ts'
import type { GraphQLRequest } from './decode.ts'
import { renderBadRequest } from './encode.ts'
import { codes, refused } from './errors.ts'

export interface HttpSettings {
  answer: (request: GraphQLRequest) => Eventually<HttpAnswer>
  /** Parses JSON as the bodies of other requests are. @throws for what is none. */
  parse: (text: string) => unknown
  /** Bytes that a body may have. */
  bodyLimit: number
}

export class GraphQLHttp {
  readonly #settings: HttpSettings

  constructor(settings: HttpSettings) {
    this.#settings = settings
  }

  /** Answers a request. */
  take(taken: Taken): void {
    const { request } = taken
    const { bodyLimit } = this.#settings
    if (request.method === 'GET') this.#run(taken, undefined)
    else if (!isJson(request.headers['content-type']))
      sendOnce(taken, renderBadRequest(refused('The body must be JSON'), 415))
    else
      readBody(request, bodyLimit, (body) => {
        if (body !== undefined) this.#parse(taken, body)
        else sendOnce(taken, closing(renderBadRequest(refused(`A body has at most ${bodyLimit} bytes`), 413)))
      })
  }

  #parse(taken: Taken, body: Buffer): void {
    let parsed: unknown
    try {
      if (!isUtf8(body)) throw new TypeError('The body is not valid UTF-8')
      parsed = this.#settings.parse(body.toString())
    } catch {
      sendOnce(taken, renderBadRequest(refused('The body is not valid JSON')))
      return
    }
    this.#run(taken, parsed)
  }

  #run(taken: Taken, body: unknown): void {
    const { request, response } = taken
    const { method = '', url = '', headers, socket } = request
    const signal = signalOf(response)
    answerWith(taken, () => this.#settings.answer({ method, url, headers, socket, body, signal }), failure)
  }
}

function failure(): HttpAnswer {
  return renderBadRequest(refused('Something went wrong', codes.internal), 500)
}

/** JSON has no charset but UTF-8 (RFC 8259 section 8.1). */
function isJson(type: string | undefined): boolean {
  if (type === 'application/json') return true
  return /^application\/json\s*(?:;\s*charset="?utf-?8"?\s*)?$/i.test(type ?? '')
}
