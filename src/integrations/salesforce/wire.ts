/**
 * HTTP beneath jsforce. Its own follows redirects with the token, repeats requests by itself, cannot be cut off, and lets
 * the process end where an answer breaks off.
 */

import { PassThrough } from 'node:stream'
import type { Connection } from 'jsforce/lib/connection.js'
import { Agent, type Dispatcher } from 'undici'
import { NoAnswer, reasonOf } from '../../outbound/client.ts'
import { waitOf } from '../../outbound/retry-after.ts'
import type { Limits } from './limits.ts'
import { Refusal, type SalesforceError } from './refusal.ts'

type Transport = Connection['_transport']
type HttpRequest = Parameters<Transport['httpRequest']>[0]

interface HttpResponse {
  statusCode: number
  headers: Record<string, string>
  body: string
}

/** For a connection that is not used, in ms. */
const keepAlive = 4000
/** Of one answer, in bytes: that on 10,000 rows has a few million. */
const mostRead = 67_108_864

export class Wire {
  readonly #agent = new Agent({ keepAliveTimeout: keepAlive, keepAliveMaxTimeout: keepAlive, allowH2: false })
  readonly #limits: Limits

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** What jsforce sends by: each request ends with the signal, or after `timeout` (ms). */
  transport(signal: AbortSignal, timeout: number): Transport {
    const httpRequest = (request: HttpRequest) =>
      Object.assign(this.#call(request, AbortSignal.any([signal, AbortSignal.timeout(timeout)])), { stream })
    return { httpRequest } as unknown as Transport
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }

  /**
   * @throws {NoAnswer}
   * @throws {Refusal} for all but success, several records, and a session that has ended: jsforce renews it.
   */
  async #call({ url, method, headers = {}, body = null }: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const answer = await this.#ask(url, { method, headers, body: body as string | null, signal })
    const { statusCode } = answer
    this.#limits.note(answer.headers['sforce-limit-info'])
    if (statusCode < 300 || hasExpired(answer)) return answer
    if (statusCode !== 300 && statusCode < 400) throw new Refusal(statusCode, [redirected])
    const refusal = new Refusal(statusCode, errorsOf(answer), waitOf(answer.headers['retry-after']))
    if (refusal.has('REQUEST_LIMIT_EXCEEDED')) this.#limits.reached()
    throw refusal
  }

  async #ask(url: string, options: Omit<Dispatcher.RequestOptions, 'origin' | 'path'>): Promise<HttpResponse> {
    try {
      const { origin, pathname, search } = new URL(url)
      const answer = await this.#agent.request({ ...options, origin, path: pathname + search })
      const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)])
      return { statusCode: answer.statusCode, headers: Object.fromEntries(headers), body: await read(answer) }
    } catch (error) {
      throw error instanceof NoAnswer ? error : new NoAnswer(reasonOf(error), { cause: error })
    }
  }
}

/** jsforce wants one of each call, and uses it for uploads alone, which are given whole here. */
function stream(): PassThrough {
  return new PassThrough()
}

const redirected: SalesforceError = { errorCode: 'REDIRECT', message: 'redirects are not followed' }

function hasExpired({ statusCode, body }: HttpResponse): boolean {
  return statusCode === 401 && body.includes('INVALID_SESSION_ID')
}

async function read({ body }: Dispatcher.ResponseData): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > mostRead) throw new NoAnswer('The answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** The errors of REST are a list, that of the token endpoint an object (RFC 6749 section 5.2); a 300 lists records. */
function errorsOf({ statusCode, body }: HttpResponse): SalesforceError[] {
  if (statusCode === 300) return [{ errorCode: 'MULTIPLE_CHOICES', message: 'several records have this external id' }]
  try {
    const said = [JSON.parse(body)].flat() as Partial<Record<string, unknown>>[]
    return said.flatMap(({ errorCode, message, fields, error, error_description }) => {
      if (typeof error === 'string') return [{ errorCode: error, message: String(error_description ?? '') }]
      if (typeof errorCode !== 'string') return []
      return [{ errorCode, message: String(message), fields: Array.isArray(fields) ? fields.map(String) : [] }]
    })
  } catch {
    return []
  }
}
