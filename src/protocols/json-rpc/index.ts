/** JSON-RPC 2.0 over any connection that carries texts: each method is an operation. */

import type { Call, Dispatch, Peer } from '../../contract/call.ts'
import { ContractError } from '../../contract/contract-error.ts'
import type { Conversation, Line } from '../../contract/conversation.ts'
import type { Eventually } from '../../contract/eventually.ts'
import type { Operation } from '../../contract/operation.ts'
import type { Principal } from '../../contract/principal.ts'
import { problemOf } from '../../contract/problem-of.ts'
import { type Output, outputOf } from '../../contract/shape.ts'
import { openStream } from '../../contract/stream.ts'
import { Problem } from '../../errors.ts'
import { idOf, isTooDeep, ownMethods, type RpcRequest, readRequest, usualOperation } from './decode.ts'
import { renderError, renderResult } from './encode.ts'
import { errorOf, invalidParams, invalidRequest, parseError, type RpcError, unknownMethod } from './errors.ts'
import { Subscriptions } from './subscriptions.ts'

export { describeMethods, describeRefusal, type Method } from './describe.ts'
export { describeNotices, describeSubscriptions, type Notice } from './describe-subscriptions.ts'

/** Its name on WebSockets. */
export const subprotocol = 'jsonrpc-2.0'

/** Requests in one batch. */
export const maxBatch = 100
/** Requests of one batch that are answered at once. */
const batchAtOnce = 16

/** A connection, as its peer is known by now. */
export interface RpcSession {
  /** Replaced when the peer authenticates. */
  peer: Peer
  /** Aborts what is under way when the connection is gone. */
  readonly signal: AbortSignal
  /** Of the request that has opened the connection. */
  readonly requestId: string
  /** Requests that are being answered. */
  running: number
  /** Requests that have come, those of batches one by one. */
  begun: number
  /** While the peer authenticates: what it sends after that waits. */
  entering: Promise<unknown> | undefined
  readonly subscriptions: Subscriptions
}

export interface JsonRpcSettings {
  dispatch: Dispatch
  contract: ReadonlyMap<string, Operation>
  /** Parses a message as REST parses a body. @throws for what is no JSON, or not safe. */
  parse: (text: string) => unknown
  /** @throws {Problem} `unauthenticated` */
  authenticate: (credential: string) => Eventually<Principal>
}

interface Known {
  operation: Operation
  output: Output
}

export function openSession({ peer, signal, requestId, push }: Omit<Line, 'close'>): RpcSession {
  const subscriptions = new Subscriptions(push, requestId)
  return { peer, signal, requestId, running: 0, begun: 0, entering: undefined, subscriptions }
}

/** JSON-RPC on one connection. */
export class RpcConversation implements Conversation {
  readonly #rpc: JsonRpc
  readonly #session: RpcSession

  constructor(rpc: JsonRpc, line: Line) {
    this.#rpc = rpc
    this.#session = openSession(line)
  }

  get running(): number {
    return this.#session.running
  }

  get begun(): number {
    return this.#session.begun
  }

  get subscribed(): number {
    return this.#session.subscriptions.size
  }

  take(text: string): Eventually<string | undefined> {
    return this.#rpc.answer(text, this.#session)
  }

  end(reason: Problem): void {
    this.#session.subscriptions.end(reason)
  }

  gone(): void {
    this.end(new Problem('timeout', 'The connection is closed'))
  }
}

export class JsonRpc {
  readonly #settings: JsonRpcSettings
  readonly #methods: ReadonlyMap<string, Known>

  /**
   * When every operation is known.
   *
   * @throws {ContractError} for an operation with the name of a method that is none.
   */
  constructor(settings: JsonRpcSettings) {
    for (const own of Object.values(ownMethods)) {
      if (settings.contract.has(own))
        throw new ContractError(`${own}: schema.operationId is the name of a method of JSON-RPC's own`)
    }
    this.#settings = settings
    this.#methods = new Map(
      [...settings.contract].map(([id, operation]) => [id, { operation, output: outputOf(operation) }]),
    )
  }

  /** The answer to a message; nothing for notifications. Never rejects. */
  answer(text: string, session: RpcSession): Promise<string | undefined> | string {
    session.begun += 1
    let message: unknown
    try {
      message = this.#settings.parse(text)
    } catch {
      return renderError(null, parseError)
    }
    if (isTooDeep(message)) return renderError(null, refusal('The message is nested too deeply'))
    return Array.isArray(message) ? this.#batch(message, session) : this.#one(message, session)
  }

  #batch(messages: readonly unknown[], session: RpcSession): Promise<string | undefined> | string {
    if (messages.length === 0) return renderError(null, refusal('A batch holds at least one request'))
    if (messages.length > maxBatch) return renderError(null, refusal(`A batch holds at most ${maxBatch} requests`))
    session.begun += messages.length - 1
    return this.#all(messages, session)
  }

  async #all(messages: readonly unknown[], session: RpcSession): Promise<string | undefined> {
    const answers: (string | undefined)[] = []
    const { promise: answered, resolve } = Promise.withResolvers<void>()
    let next = 0
    const work = async (): Promise<void> => {
      while (next < messages.length) {
        const index = next
        next += 1
        answers[index] = await this.#one(messages[index], session, answered)
      }
    }
    await Promise.all(Array.from({ length: Math.min(batchAtOnce, messages.length) }, work))
    resolve()
    const told = answers.filter((answer) => answer !== undefined)
    return told.length === 0 ? undefined : `[${told.join(',')}]`
  }

  /** @param answered When the batch that the message is part of is. */
  #one(message: unknown, session: RpcSession, answered?: Promise<void>): Promise<string | undefined> | string {
    const request = readRequest(message)
    if (typeof request === 'string') return renderError(idOf(message), refusal(request))
    session.running += 1
    return this.#call(request, session, answered).then((answer) => {
      session.running -= 1
      return request.id === undefined ? undefined : answer
    })
  }

  #call(request: RpcRequest, session: RpcSession, answered: Promise<void> | undefined): Promise<string> {
    if (session.entering !== undefined) return session.entering.then(() => this.#call(request, session, answered))
    const { id, method, params } = request
    if (method === ownMethods.authenticate) return this.#enter(request, session)
    if (method === ownMethods.subscribe) return this.#subscribe(request, session, answered)
    if (method === ownMethods.unsubscribe) return Promise.resolve(this.#unsubscribe(request, session))
    const known = this.#methods.get(method)
    if (known === undefined) return Promise.resolve(renderError(id, unknownMethod))
    if (Array.isArray(params)) return Promise.resolve(renderError(id, byName))
    return this.#settings.dispatch(callOf(known.operation, params, request, session)).then(
      (outcome) => renderResult(id, outcome, known.output),
      (error: unknown) => renderFailure(id, error, session),
    )
  }

  #enter(request: RpcRequest, session: RpcSession): Promise<string> {
    const answer = this.#authenticate(request, session).finally(() => {
      session.entering = undefined
    })
    session.entering = answer
    return answer
  }

  /** From now on the connection's calls carry the credential; each call checks it anew. */
  async #authenticate({ id, params }: RpcRequest, session: RpcSession): Promise<string> {
    const [[name, credential] = [], ...more] = Object.entries(params)
    if ((name !== 'token' && name !== 'apiKey') || typeof credential !== 'string' || more.length > 0)
      return renderError(id, needsCredential)
    try {
      const { kind, id: principal, scopes } = await this.#settings.authenticate(credential)
      const { 'x-api-key': _key, authorization: _token, ...others } = session.peer.headers
      const own = name === 'token' ? { authorization: `Bearer ${credential}` } : { 'x-api-key': credential }
      session.peer = { ...session.peer, headers: { ...others, ...own } }
      const text = JSON.stringify({ kind, id: principal, scopes: [...scopes].sort() })
      return renderResult(id, { status: 200, headers: {}, text }, { kind: 'nothing' })
    } catch (error) {
      return renderFailure(id, error, session)
    }
  }

  /** The stream begins as a call of its operation, and tells nothing before that call is answered. */
  async #subscribe(request: RpcRequest, session: RpcSession, answered: Promise<void> | undefined): Promise<string> {
    const { id, params } = request
    if (Array.isArray(params)) return renderError(id, byName)
    const { operation: name = usualOperation, ...input } = params
    const known = typeof name === 'string' ? this.#methods.get(name) : undefined
    if (!known?.operation.live)
      return renderFailure(id, invalid('`operation` must be one that can be subscribed to'), session)
    const call = callOf(known.operation, input, request, session)
    try {
      const { begin, ...result } = await session.subscriptions.open(() => openStream(this.#settings.dispatch, call))
      Promise.resolve(answered).then(() => setImmediate(begin))
      return renderResult(id, { status: 200, headers: {}, text: JSON.stringify(result) }, { kind: 'nothing' })
    } catch (error) {
      return renderFailure(id, error, session)
    }
  }

  #unsubscribe({ id, params }: RpcRequest, session: RpcSession): string {
    const [[name, subscription] = [], ...more] = Object.entries(params)
    if (name !== 'subscription' || typeof subscription !== 'string' || more.length > 0)
      return renderFailure(id, invalid('Params are `{ subscription }`'), session)
    const text = JSON.stringify({ ended: session.subscriptions.close(subscription) })
    return renderResult(id, { status: 200, headers: {}, text }, { kind: 'nothing' })
  }
}

function callOf(
  operation: Operation,
  input: Record<string, unknown>,
  { meta }: RpcRequest,
  { peer, signal }: RpcSession,
): Call {
  return { operation, input, peer: meta === undefined ? peer : withHeaders(peer, meta), signal, as: 'text' }
}

/** A credential of a call replaces that of the connection: of two, neither would be taken. */
function withHeaders(peer: Peer, meta: Peer['headers']): Peer {
  const headers = { ...peer.headers }
  if (meta.authorization !== undefined || meta['x-api-key'] !== undefined) {
    delete headers.authorization
    delete headers['x-api-key']
  }
  return { ...peer, headers: Object.assign(headers, meta) }
}

function renderFailure(id: RpcRequest['id'], error: unknown, { requestId }: RpcSession): string {
  const problem = problemOf(error)
  return renderError(id, errorOf(problem, requestId), problem.headers)
}

function invalid(reason: string): Problem {
  return new Problem('validation-failed', reason)
}

function refusal(reason: string): RpcError {
  return { ...invalidRequest, data: { detail: reason } }
}

const byName: RpcError = { ...invalidParams, data: { detail: 'Params are given by name, as an object' } }
const needsCredential: RpcError = {
  ...invalidParams,
  data: { detail: 'Params are `{ token }`, an access token or API key, or `{ apiKey }`' },
}
