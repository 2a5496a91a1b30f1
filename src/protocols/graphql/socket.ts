/** GraphQL over WebSocket (its protocol, `graphql-transport-ws`): operations of all kinds on one connection. */

import type { IncomingHttpHeaders } from 'node:http'
import { type ExecutionArgs, type ExecutionResult, type FormattedExecutionResult, GraphQLError } from 'graphql'
import { makeServer, type Server, type SubscribePayload } from 'graphql-ws'
import { type Conversation, type Line, maxSubscriptions, type Subprotocol } from '../../contract/conversation.ts'
import { Problem } from '../../errors.ts'
import { parametersOf } from './decode.ts'
import { formatted } from './encode.ts'
import { errorOf } from './errors.ts'
import type { Caller, GraphQLServer, Prepared } from './index.ts'

export interface SocketSettings {
  /** There when the first connection is. */
  server: () => GraphQLServer
  /** Who sends these headers. @throws {Problem} `unauthenticated` */
  authenticate: (headers: IncomingHttpHeaders) => unknown
}

/** What the library executes is prepared by us. */
interface Run extends ExecutionArgs {
  prepared: Prepared
  /** Lets the next message begin. */
  release: () => void
  talk: GraphQLConversation
}

type Params = Record<string, unknown> | undefined

/** @returns what is spoken at `/graphql`. */
export function createSubprotocol({ server, authenticate }: SocketSettings): Subprotocol {
  const protocol = makeServer<Params, GraphQLConversation>({
    onConnect: async ({ connectionParams, extra }) => {
      const headers = credentialOf(connectionParams)
      try {
        if (headers !== undefined) await authenticate(headers)
      } catch (error) {
        if (error instanceof Problem && error.code === 'unauthenticated') return false
        throw error
      }
      extra.enter(headers)
      return true
    },
    onSubscribe: ({ extra }, _id, payload) => extra.prepare(server(), payload),
    execute: (args) => (args as Run).talk.execute(server(), args as Run),
    subscribe: (args) => (args as Run).talk.subscribe(server(), args as Run),
    onNext: (_context, _id, _payload, _args, result) => result as FormattedExecutionResult,
    jsonMessageReviver: refuseUnsafe,
  })
  const open = (line: Line) => new GraphQLConversation(line, protocol)
  return { name: 'graphql-transport-ws', required: true, wire: 'graphql', open }
}

class GraphQLConversation implements Conversation {
  readonly #line: Line
  readonly #open = new Set<AbortController>()
  readonly #closed: ReturnType<Server['opened']>
  #headers: IncomingHttpHeaders
  #onMessage: (text: string) => Promise<void> = () => Promise.resolve()
  /** Of the message that is being handed on. */
  #release: () => void = () => {}
  #ended: Problem | undefined
  running = 0
  begun = 0

  constructor(line: Line, protocol: Server<GraphQLConversation>) {
    this.#line = line
    this.#headers = line.peer.headers
    const socket = {
      protocol: 'graphql-transport-ws',
      send: (text: string) => line.push([text]),
      close: (code = 1000, reason = '') => line.close(code, reason),
      onMessage: (take: (text: string) => Promise<void>) => {
        this.#onMessage = take
      },
    }
    this.#closed = protocol.opened(socket, this)
  }

  get subscribed(): number {
    return this.#open.size
  }

  take(text: string): Promise<undefined> {
    this.begun += 1
    this.running += 1
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    this.#release = () => resolve(undefined)
    this.#onMessage(text).then(() => resolve(undefined), reject)
    return promise.finally(() => {
      this.running -= 1
    })
  }

  end(reason: Problem): void {
    this.#ended = reason
    for (const abort of this.#open) abort.abort(reason)
  }

  gone(): void {
    for (const abort of this.#open) abort.abort()
    // Nothing of ours is called there that could fail.
    this.#closed().catch(() => {})
  }

  /** From now on calls carry the credential, in the place of that of the upgrade. */
  enter(headers: IncomingHttpHeaders | undefined): void {
    if (headers === undefined) return
    const { authorization: _token, 'x-api-key': _key, ...others } = this.#headers
    this.#headers = { ...others, ...headers }
  }

  prepare(server: GraphQLServer, payload: SubscribePayload): Run | readonly GraphQLError[] {
    const release = this.#release
    const prepared = server.prepare(parametersOf(payload))
    if (prepared instanceof GraphQLError) return [prepared]
    if (!('known' in prepared)) return prepared
    return { ...server.argsOf(prepared), prepared, release, talk: this }
  }

  async execute(server: GraphQLServer, { prepared }: Run): Promise<ExecutionResult> {
    const { signal } = this.#line
    return asResult(formatted(await server.run(prepared, this.#caller(signal))))
  }

  /** A connection that is gone, and a client that has enough, end the stream by its signal: it may wait for what comes. */
  async subscribe(
    server: GraphQLServer,
    { prepared, release }: Run,
  ): Promise<AsyncGenerator<ExecutionResult> | ExecutionResult> {
    if (this.#open.size >= maxSubscriptions)
      return asResult(formatted({ result: { errors: [errorOf(tooMany())] }, meta: '' }))
    const abort = new AbortController()
    this.#open.add(abort)
    const caller = this.#caller(abort.signal)
    const results = await server.subscribe(prepared, caller)
    release()
    if (!(Symbol.asyncIterator in results)) {
      this.#open.delete(abort)
      return asResult(formatted({ result: results, meta: '' }))
    }
    if (this.#ended !== undefined) abort.abort(this.#ended)
    const told = this.#tell(results, abort)
    const end = told.return.bind(told)
    return Object.assign(told, {
      return: (value: undefined) => {
        // What was ended before it was begun runs no `finally`.
        this.#open.delete(abort)
        abort.abort()
        return end(value)
      },
    })
  }

  async *#tell(
    results: AsyncIterable<Parameters<typeof formatted>[0]>,
    abort: AbortController,
  ): AsyncGenerator<ExecutionResult, undefined> {
    try {
      for await (const executed of results) yield asResult(formatted(executed))
    } finally {
      this.#open.delete(abort)
    }
    return undefined
  }

  #caller(signal: AbortSignal): Caller {
    const { socket, wire } = this.#line.peer
    return { peer: { socket, wire, headers: this.#headers }, signal: () => signal }
  }
}

/** The library hands on what it is given. */
function asResult(result: FormattedExecutionResult): ExecutionResult {
  return result as ExecutionResult
}

function tooMany(): Problem {
  return new Problem('rate-limited', `A connection has at most ${maxSubscriptions} subscriptions`)
}

/** What `connection_init` says of who connects; names in any case, as they are in headers. */
function credentialOf(params: Params): IncomingHttpHeaders | undefined {
  const headers: IncomingHttpHeaders = {}
  for (const [given, value] of Object.entries(params ?? {})) {
    const name = given.toLowerCase()
    if (typeof value === 'string' && (name === 'authorization' || name === 'x-api-key')) headers[name] = value
  }
  return Object.keys(headers).length === 0 ? undefined : headers
}

/** What parsers of bodies refuse too: names that could reach what an object is made from. */
function refuseUnsafe(name: string, value: unknown): unknown {
  if (name === '__proto__') throw new SyntaxError('names a prototype')
  if (name === 'constructor' && typeof value === 'object' && value !== null && 'prototype' in value)
    throw new SyntaxError('names a prototype')
  return value
}
