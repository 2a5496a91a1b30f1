/** JSON-RPC 2.0 over any connection that carries texts: each method is an operation. */

import type { Call, Dispatch, Outcome, Peer } from '../../contract/call.ts'
import type { Eventually } from '../../contract/eventually.ts'
import type { Operation } from '../../contract/operation.ts'
import type { Principal } from '../../contract/principal.ts'
import { type Output, outputOf } from '../../contract/shape.ts'
import { Problem } from '../../errors.ts'
import { idOf, type RpcRequest, readRequest } from './decode.ts'
import { renderError, renderResult } from './encode.ts'
import { errorOf, invalidParams, invalidRequest, parseError, type RpcError, unknownMethod } from './errors.ts'

/** Requests in one batch. */
const maxBatch = 100

/** A connection, as its peer is known by now. */
export interface RpcSession {
  /** Replaced when the peer authenticates. */
  peer: Peer
  /** Aborts what is under way when the connection is gone. */
  readonly signal: AbortSignal
}

export interface JsonRpcSettings {
  dispatch: Dispatch
  contract: ReadonlyMap<string, Operation>
  /** Parses a message as REST parses a body. @throws for what is no JSON, or not safe. */
  parse: (text: string) => unknown
  /** @throws {Problem} `unauthenticated` */
  authenticate: (credential: string) => Eventually<Principal>
}

interface Method {
  operation: Operation
  output: Output
}

/** The one method that is no operation: browsers cannot send headers with a WebSocket. */
export const authenticateMethod = 'authenticate'

export class JsonRpc {
  readonly #settings: JsonRpcSettings
  readonly #methods: ReadonlyMap<string, Method>

  /** When every operation is known. */
  constructor(settings: JsonRpcSettings) {
    this.#settings = settings
    this.#methods = new Map(
      [...settings.contract].map(([id, operation]) => [id, { operation, output: outputOf(operation) }]),
    )
  }

  /** The answer to a message; nothing for notifications. Never rejects. */
  answer(text: string, session: RpcSession): Promise<string | undefined> | string {
    let message: unknown
    try {
      message = this.#settings.parse(text)
    } catch {
      return renderError(null, parseError)
    }
    return Array.isArray(message) ? this.#batch(message, session) : this.#one(message, session)
  }

  async #batch(messages: readonly unknown[], session: RpcSession): Promise<string | undefined> {
    if (messages.length === 0) return renderError(null, invalidRequest)
    if (messages.length > maxBatch) return renderError(null, refusal(`A batch holds at most ${maxBatch} requests`))
    const answers = await Promise.all(messages.map((message) => this.#one(message, session)))
    const told = answers.filter((answer) => answer !== undefined)
    return told.length === 0 ? undefined : `[${told.join(',')}]`
  }

  #one(message: unknown, session: RpcSession): Promise<string | undefined> | string {
    const request = readRequest(message)
    if (request === undefined) return renderError(idOf(message), invalidRequest)
    return this.#call(request, session).then((answer) => (request.id === undefined ? undefined : answer))
  }

  #call(request: RpcRequest, session: RpcSession): Promise<string> {
    const { id, method, params } = request
    if (method === authenticateMethod) return this.#authenticate(request, session)
    const known = this.#methods.get(method)
    if (known === undefined) return Promise.resolve(renderError(id, unknownMethod))
    if (Array.isArray(params)) return Promise.resolve(renderError(id, byName))
    return this.#settings.dispatch(callOf(known.operation, params, request, session)).then(
      (outcome: Outcome) => renderResult(id, outcome, known.output),
      (error: unknown) => renderFailure(id, error),
    )
  }

  /** From now on the connection's calls carry the credential; each call checks it anew. */
  async #authenticate({ id, params }: RpcRequest, session: RpcSession): Promise<string> {
    const { token } = params as { token?: unknown }
    if (typeof token !== 'string' || Object.keys(params).length > 1) return renderError(id, needsToken)
    try {
      const principal = await this.#settings.authenticate(token)
      const { 'x-api-key': _, ...headers } = session.peer.headers
      session.peer = { ...session.peer, headers: { ...headers, authorization: `Bearer ${token}` } }
      const { kind, scopes } = principal
      const result = JSON.stringify({ kind, id: principal.id, scopes: [...scopes].sort() })
      return renderResult(id, { status: 200, headers: {}, text: result }, { kind: 'nothing' })
    } catch (error) {
      return renderFailure(id, error)
    }
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

function renderFailure(id: RpcRequest['id'], error: unknown): string {
  const problem = error instanceof Problem ? error : new Problem('internal', 'Something went wrong', { cause: error })
  return renderError(id, errorOf(problem), problem.headers)
}

function refusal(reason: string): RpcError {
  return { ...invalidRequest, data: { detail: reason } }
}

const byName: RpcError = { ...invalidParams, data: { detail: 'Params are given by name, as an object' } }
const needsToken: RpcError = {
  ...invalidParams,
  data: { detail: 'Params are `{ token }`: an API key or access token' },
}
