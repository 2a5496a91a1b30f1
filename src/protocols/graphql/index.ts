/** GraphQL over HTTP (GraphQL-over-HTTP specification): each field of a root is an operation. */

import type { IncomingHttpHeaders } from 'node:http'
import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  lexicographicSortSchema,
  printSchema,
} from 'graphql'
import type { Dispatch, Peer } from '../../contract/call.ts'
import type { Eventually } from '../../contract/eventually.ts'
import type { HttpAnswer } from '../../contract/http-end.ts'
import type { Operation } from '../../contract/operation.ts'
import { acceptsEventStream } from '../../contract/server-sent.ts'
import { GraphQLContext } from './context.ts'
import { acceptedType, type GraphQLRequest, type Parameters, readParameters } from './decode.ts'
import { describe } from './describe.ts'
import { Documents, type Known, type KnownOperation } from './documents.ts'
import { type Executed, renderBadRequest, renderRefusal, renderResult } from './encode.ts'
import { refused } from './errors.ts'
import { answerWithStream } from './event-stream.ts'
import { RenderedFields } from './rendered.ts'
import type { TrustedDocuments } from './trusted.ts'

/** An operation that may run, and with what. */
export interface Prepared {
  known: Known
  operation: KnownOperation
  operationName: string | undefined
  variables: Record<string, unknown>
}

/** Whose the calls are, and when nobody waits for them any more. */
export interface Caller {
  peer: Peer
  signal: () => AbortSignal
}

const needsStream = 'A subscription needs a WebSocket, or Accept: text/event-stream'

export interface GraphQLSettings {
  dispatch: Dispatch
  contract: ReadonlyMap<string, Operation>
  /** Whether clients may ask for the schema. */
  introspection: boolean
  /** Where there are any, no other documents are answered. */
  trusted?: TrustedDocuments | undefined
}

export class GraphQLServer {
  readonly schema: GraphQLSchema
  readonly #dispatch: Dispatch
  readonly #documents: Documents
  readonly #trusted: TrustedDocuments | undefined

  /** When every operation is known. @throws {ContractError} for what GraphQL cannot say. */
  constructor({ dispatch, contract, introspection, trusted }: GraphQLSettings) {
    this.schema = describe(contract)
    this.#dispatch = dispatch
    const rendered = new RenderedFields(this.schema, contract)
    this.#documents = new Documents({ schema: this.schema, rendered, introspection, trusted })
    this.#trusted = trusted
  }

  /** The schema as text, in a stable order. */
  get sdl(): string {
    return `${printSchema(lexicographicSortSchema(this.schema))}\n`
  }

  /** Answers one request: at once, where nothing is executed. */
  answer(request: GraphQLRequest): Eventually<HttpAnswer> {
    const { accept } = request.headers
    const streams = acceptsEventStream(accept)
    const type = acceptedType(accept)
    if (type === undefined && !streams)
      return renderBadRequest(refused('The answer would be JSON, which Accept excludes'), 406)
    const prepared = this.prepare(readParameters(request))
    if (prepared instanceof GraphQLError) return renderBadRequest(prepared)
    if (!('known' in prepared))
      return type === undefined
        ? answerWithStream([{ result: { errors: prepared }, meta: '' }])
        : renderRefusal(prepared, type)
    const { kind } = prepared.operation
    if (kind === 'mutation' && request.method === 'GET') return renderBadRequest(refused('A mutation needs POST'), 405)
    const peer = { socket: request.socket, headers: headersOf(request.headers), wire: 'graphql' }
    const caller = { peer, signal: request.signal }
    if (type === undefined || (streams && kind === 'subscription'))
      return answerWithStream(this.#results(prepared, caller))
    if (kind === 'subscription') return renderBadRequest(refused(needsStream), 406)
    return this.run(prepared, caller).then((executed) => renderResult(executed, type))
  }

  /** The operation that is asked for; why it is refused, or one error where it is not even known. */
  prepare(parameters: Parameters | GraphQLError): Prepared | GraphQLError | readonly GraphQLError[] {
    if (parameters instanceof GraphQLError) return parameters
    const { query = this.#trusted?.text(parameters.hash as string), operationName } = parameters
    const { variables = { __proto__: null } as object as Record<string, unknown> } = parameters
    if (query === undefined) return refused('PersistedQueryNotFound', 'PERSISTED_QUERY_NOT_FOUND')
    const known = this.#documents.read(query)
    if (!('operations' in known)) return known
    const operation = known.operations.get(operationName)
    return operation === undefined ? [noOperation(known, parameters)] : { known, operation, operationName, variables }
  }

  /** Executes a query or mutation, or, with an item, what a subscription tells of it. */
  async run(prepared: Prepared, { peer, signal }: Caller, item?: unknown): Promise<Executed> {
    const { known, operation, variables } = prepared
    const context = new GraphQLContext(this.#dispatch, peer, signal)
    const compiled = this.#documents.compiled(known, operation)
    const result = await (compiled === undefined
      ? execute({ ...this.argsOf(prepared), contextValue: context, rootValue: item })
      : compiled.query(item, context, variables))
    return { result: result as ExecutionResult, meta: context.meta }
  }

  /** Begins a subscription; its errors where it cannot begin. The results end, or throw, with the caller's signal. */
  async subscribe(prepared: Prepared, caller: Caller): Promise<AsyncIterable<Executed> | ExecutionResult> {
    const context = new GraphQLContext(this.#dispatch, caller.peer, caller.signal)
    const source = await createSourceEventStream({ ...this.argsOf(prepared), contextValue: context })
    if (!(Symbol.asyncIterator in source)) return source
    return this.#executed(prepared, caller, source)
  }

  /** Each with a context of its own: what it has loaded for one item does not hold for the next. */
  async *#executed(prepared: Prepared, caller: Caller, source: AsyncIterable<unknown>): AsyncGenerator<Executed, void> {
    for await (const item of source) yield this.run(prepared, caller, item)
  }

  /** All that comes of an operation, of whatever kind. */
  async *#results(prepared: Prepared, caller: Caller): AsyncGenerator<Executed, void> {
    if (prepared.operation.kind !== 'subscription') {
      yield this.run(prepared, caller)
      return
    }
    const results = await this.subscribe(prepared, caller)
    if (Symbol.asyncIterator in results) yield* results
    else yield { result: results, meta: '' }
  }

  argsOf({ known: { document }, operationName, variables: variableValues }: Prepared): ExecutionArgs {
    return { schema: this.schema, document, operationName, variableValues }
  }
}

function noOperation({ operations }: Known, { operationName }: Parameters): GraphQLError {
  const reason =
    operationName === undefined && operations.size > 0
      ? 'The document has several operations: operationName says which'
      : `The document has no operation ${operationName ?? 'that this server runs'}`
  return refused(reason, 'OPERATION_RESOLUTION_FAILURE')
}

/** A field that has not changed would be null: an answer of GraphQL holds what was asked for, whatever the client has. */
function headersOf(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  if (headers['if-none-match'] === undefined) return headers
  const { 'if-none-match': _, ...others } = headers
  return others
}
