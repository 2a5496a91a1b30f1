/** SOAP over HTTP: a body becomes a message, and what comes of it the answer. */

import type { Carrier } from '../../contract/carrier.ts'
import { signalOf } from '../../contract/gone.ts'
import { answerWith, closing, type HttpAnswer, readBody, sendOnce, type Taken } from '../../contract/http-end.ts'
import { Problem } from '../../errors.ts'
import type { SoapServer } from './index.ts'

/** A request whose media type is one of SOAP. */
export interface TakenMessage extends Taken {
  requestId: string
  /** What is logged and counted in the place of the request. */
  carrier: Carrier | undefined
}

export class SoapHttp {
  readonly #server: () => SoapServer
  readonly #bodyLimit: number

  /** @param bodyLimit Bytes that a body may have. */
  constructor(server: () => SoapServer, bodyLimit: number) {
    this.#server = server
    this.#bodyLimit = bodyLimit
  }

  /** Answers a request. */
  take(taken: TakenMessage): void {
    const { 'content-encoding': encoding = 'identity' } = taken.request.headers
    if (encoding !== 'identity') {
      sendOnce(taken, closing(this.#refusal(taken, encoded(encoding))))
      return
    }
    readBody(taken.request, this.#bodyLimit, (body) => {
      if (body === undefined) sendOnce(taken, closing(this.#refusal(taken, tooLarge(this.#bodyLimit))))
      else if (body.length === 0) sendOnce(taken, this.#refusal(taken, missing()))
      else
        answerWith(
          taken,
          () => this.#answer(taken, body),
          () => this.#refusal(taken, failed()),
        )
    })
  }

  #answer({ request, response, requestId, carrier, report }: TakenMessage, body: Buffer): Promise<HttpAnswer> {
    const { headers, socket } = request
    return this.#server().answer({ headers, socket, body, signal: signalOf(response), requestId, carrier, report })
  }

  #refusal({ request, requestId }: TakenMessage, problem: Problem): HttpAnswer {
    return this.#server().refusal(request.headers['content-type'], problem, requestId)
  }
}

function tooLarge(limit: number): Problem {
  return new Problem('payload-too-large', `A message has at most ${limit} bytes`)
}

function encoded(encoding: string): Problem {
  return new Problem(
    'unsupported-media-type',
    `Messages come without Content-Encoding, not in ${encoding.slice(0, 50)}`,
  )
}

function missing(): Problem {
  return new Problem('malformed-request', 'The message is missing')
}

function failed(): Problem {
  return new Problem('internal', 'Something went wrong')
}
