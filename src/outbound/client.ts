/** Calls that the server makes for others: guarded, never redirected, short, and with little of the answer kept. */

import type { Agent, buildConnector as Connect, Dispatcher } from 'undici'
import { type OutboundGuard, RefusedAddress } from './guard.ts'

/** Of an answer, kept for people to read, in bytes. */
const excerptSize = 1024
/** Of an answer, read so that its connection can be used again, in bytes; above it the connection ends. */
const mostRead = 65_536
/** For a connection that is not used, in ms: shorter than the 5 s after which many servers close it. */
const keepAlive = 4000

export interface OutboundRequest {
  url: string
  headers: Record<string, string>
  body: string
  /** Ends the call early. */
  signal: AbortSignal
}

export interface OutboundAnswer {
  status: number
  /** Its beginning, as text. */
  excerpt: string
  retryAfter: string | undefined
}

/** There was no answer. The message is a sentence's beginning for people, and holds no address. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

export class OutboundClient {
  readonly #guard: OutboundGuard
  readonly #timeout: number
  /** Loaded for the first call: many servers make none. */
  #agent: Promise<Agent> | undefined

  /** `timeout`: for a whole call, from the look-up to the last byte that is read, in ms. */
  constructor(guard: OutboundGuard, timeout: number) {
    this.#guard = guard
    this.#timeout = timeout
  }

  /** @throws {NoAnswer} */
  async post({ url, headers, body, signal }: OutboundRequest): Promise<OutboundAnswer> {
    const abort = new AbortController()
    const end = () => abort.abort()
    const timer = setTimeout(end, this.#timeout)
    signal.addEventListener('abort', end, { once: true })
    try {
      if (signal.aborted) end()
      const { origin, pathname, search } = new URL(url)
      const request = { origin, path: pathname + search, method: 'POST' as const, headers, body, signal: abort.signal }
      this.#agent ??= agentOf(this.#guard, this.#timeout)
      const answer = await (await this.#agent).request(request)
      const retryAfter = answer.headers['retry-after']?.toString()
      return { status: answer.statusCode, excerpt: await beginningOf(answer), retryAfter }
    } catch (error) {
      throw new NoAnswer(reasonOf(error), { cause: error })
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
    }
  }

  async close(): Promise<void> {
    await (await this.#agent)?.destroy()
  }
}

async function agentOf(guard: OutboundGuard, timeout: number): Promise<Agent> {
  const { Agent, buildConnector } = await import('undici')
  // What `net.connect` takes too; undici's own type names only some of it.
  const settings = { timeout, allowH2: false, lookup: guard.lookup } as Connect.BuildOptions
  const connect = buildConnector(settings)
  return new Agent({
    // An address in place of a name is never looked up.
    connect: (options, done) =>
      guard.mayConnect(options.hostname) ? connect(options, done) : done(new RefusedAddress(), null),
    headersTimeout: timeout,
    bodyTimeout: timeout,
    keepAliveTimeout: keepAlive,
    keepAliveMaxTimeout: keepAlive,
    pipelining: 1,
  })
}

/** Reads on to the end where that is near. */
async function beginningOf({ body }: Dispatcher.ResponseData): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (size < excerptSize) chunks.push(chunk.subarray(0, excerptSize - size))
    size += chunk.length
    if (size > mostRead) break
  }
  return textOf(Buffer.concat(chunks))
}

/** Bytes as text that every database takes: what is no UTF-8, or a control character, becomes U+FFFD. */
function textOf(bytes: Buffer): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be found
  return bytes.toString('utf8').replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g, '\ufffd')
}

/** By the code of Node, undici or OpenSSL. */
const reasons: [RegExp, string][] = [
  [/^(ENOTFOUND|EAI_AGAIN|ENODATA)$/, 'The host was not found'],
  [/^ECONNREFUSED$/, 'The connection was refused'],
  [/^(UND_ERR_SOCKET|ECONNRESET|EPIPE)$/, 'The connection broke'],
  [/TIMEOUT|ETIMEDOUT|^(UND_ERR_ABORTED|ABORT_ERR)$/, 'There was no answer in time'],
  [/^(EHOSTUNREACH|ENETUNREACH)$/, 'The host cannot be reached'],
  [/CERT|^(DEPTH_ZERO|UNABLE_TO|SELF_SIGNED)|^ERR_(TLS|SSL)|^EPROTO$/, 'The certificate or TLS is not good'],
  [/^(UND_ERR_|HPE_)/, 'The answer was not HTTP'],
]

/** Why a call had no answer: a sentence's beginning for people, without an address. */
export function reasonOf(error: unknown): string {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof RefusedAddress) return 'The host has an address that may not be called'
    if (each instanceof AggregateError && each.errors.length > 0) return reasonOf(each.errors[0])
    if (each.name === 'AbortError' || each.name === 'TimeoutError') return 'There was no answer in time'
    const { code } = each as NodeJS.ErrnoException
    const known = reasons.find(([codes]) => codes.test(String(code)))
    if (known) return known[1]
  }
  return 'The call failed'
}
