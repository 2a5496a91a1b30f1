/** GraphQL over HTTP (GraphQL-over-HTTP specification): each field of a root is an operation. */

import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLSchema,
  lexicographicSortSchema,
  printSchema,
} from 'graphql'
import { createHandler, type Handler, type Request, type Response } from 'graphql-http'
import type { CompiledQuery } from 'graphql-jit'
import type { Dispatch } from '../../contract/call.ts'
import type { Operation } from '../../contract/operation.ts'
import { GraphQLContext } from './context.ts'
import { Documents } from './decode.ts'
import { describe } from './describe.ts'
import { documentHash, type TrustedDocuments } from './trusted.ts'

export interface GraphQLSettings {
  dispatch: Dispatch
  contract: ReadonlyMap<string, Operation>
  /** Whether clients may ask for the schema. */
  introspection: boolean
  /** Where there are any, no other documents are answered. */
  trusted?: TrustedDocuments | undefined
}

/** A request, as HTTP has brought it. */
export interface GraphQLRequest {
  method: string
  url: string
  headers: IncomingHttpHeaders
  socket: Socket
  /** Parsed JSON. */
  body: unknown
  /** Aborts when the client is gone. */
  signal: () => AbortSignal
}

type Raw = GraphQLRequest
/** What onSubscribe hands to `execute`, beside what graphql-js takes. */
type Prepared = ExecutionArgs & { compiled?: CompiledQuery | undefined }

export class GraphQLServer {
  readonly schema: GraphQLSchema
  readonly #dispatch: Dispatch
  readonly #documents: Documents
  readonly #trusted: TrustedDocuments | undefined
  readonly #handle: Handler<Raw>

  /** When every operation is known. @throws {ContractError} for what GraphQL cannot say. */
  constructor({ dispatch, contract, introspection, trusted }: GraphQLSettings) {
    this.schema = describe(contract)
    this.#dispatch = dispatch
    this.#documents = new Documents({ schema: this.schema, introspection, trusted })
    this.#trusted = trusted
    this.#handle = createHandler<Raw>({
      schema: this.schema,
      onSubscribe: (request, { query, operationName, variables }) =>
        this.#prepare(request, String(query), operationName ?? undefined, variables ?? undefined),
      execute: run as typeof execute,
      onOperation: (_request, args, result) => withMeta(args.contextValue, result),
    })
  }

  /** The schema as text, in a stable order. */
  get sdl(): string {
    return `${printSchema(lexicographicSortSchema(this.schema))}\n`
  }

  answer(request: GraphQLRequest): Promise<Response> {
    const { method, url, headers, body: sent } = request
    const hash = documentHash(sent)
    const query = hash === undefined ? undefined : this.#trusted?.text(hash)
    if (hash !== undefined && query === undefined) return Promise.resolve(notFound)
    const body = query === undefined ? sent : { ...(sent as object), query }
    const given = { method, url, headers, body: body as Request<Raw, unknown>['body'], raw: request, context: {} }
    return this.#handle(given as unknown as Request<Raw, undefined>)
  }

  #prepare(
    { raw }: { raw: Raw },
    query: string,
    operationName: string | undefined,
    variables: Prepared['variableValues'],
  ) {
    const known = this.#documents.read(query)
    if (!('document' in known)) return known
    const { socket, headers, signal } = raw
    const prepared: Prepared = {
      schema: this.schema,
      document: known.document,
      operationName,
      variableValues: variables,
      contextValue: new GraphQLContext(
        this.#dispatch,
        { socket, headers: headersOf(headers), wire: 'graphql' },
        signal,
      ),
      compiled: this.#documents.compiled(known, operationName),
    }
    return prepared as never
  }
}

/** A field that has not changed would be null: an answer of GraphQL holds what was asked for, whatever the client has. */
function headersOf(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  if (headers['if-none-match'] === undefined) return headers
  const { 'if-none-match': _, ...others } = headers
  return others
}

/** As clients of persisted documents know it. */
const notFound: Response = [
  '{"errors":[{"message":"PersistedQueryNotFound","extensions":{"code":"PERSISTED_QUERY_NOT_FOUND"}}]}',
  { status: 400, statusText: 'Bad Request', headers: { 'content-type': 'application/json; charset=utf-8' } },
]

function run(prepared: Prepared): ExecutionResult | Promise<ExecutionResult> {
  const { compiled, rootValue, contextValue, variableValues } = prepared
  return compiled === undefined ? execute(prepared) : compiled.query(rootValue, contextValue, variableValues)
}

/** What REST says in headers, by the name of the field that it is about. */
function withMeta(context: unknown, result: ExecutionResult): ExecutionResult | undefined {
  const meta = context instanceof GraphQLContext ? context.meta : undefined
  return meta === undefined ? undefined : { ...result, extensions: { ...result.extensions, meta } }
}
