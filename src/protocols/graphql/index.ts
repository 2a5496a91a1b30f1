/** GraphQL over HTTP (GraphQL-over-HTTP specification): each field of a root is an operation. */

import type { IncomingHttpHeaders } from 'node:http'
import {
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  lexicographicSortSchema,
  printSchema,
} from 'graphql'
import type { Dispatch } from '../../contract/call.ts'
import type { Eventually } from '../../contract/eventually.ts'
import type { HttpAnswer } from '../../contract/http-end.ts'
import type { Operation } from '../../contract/operation.ts'
import { GraphQLContext } from './context.ts'
import { acceptedType, type GraphQLRequest, type Parameters, readParameters } from './decode.ts'
import { describe } from './describe.ts'
import { Documents, type Known, type KnownOperation } from './documents.ts'
import { renderBadRequest, renderRefusal, renderResult } from './encode.ts'
import { refused } from './errors.ts'
import { RenderedFields } from './rendered.ts'
import type { TrustedDocuments } from './trusted.ts'

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
    const type = acceptedType(request.headers.accept)
    if (type === undefined) return renderBadRequest(refused('The answer would be JSON, which Accept excludes'), 406)
    const parameters = readParameters(request)
    if (parameters instanceof GraphQLError) return renderBadRequest(parameters)
    const query = parameters.query ?? this.#trusted?.text(parameters.hash as string)
    if (query === undefined) return renderBadRequest(refused('PersistedQueryNotFound', 'PERSISTED_QUERY_NOT_FOUND'))
    const known = this.#documents.read(query)
    if (!('operations' in known)) return renderRefusal(known, type)
    const operation = known.operations.get(parameters.operationName)
    if (operation === undefined) return renderRefusal([noOperation(known, parameters)], type)
    if (operation.changes && request.method === 'GET') return renderBadRequest(refused('A mutation needs POST'), 405)
    return this.#execute(request, known, operation, parameters, type)
  }

  async #execute(
    { socket, headers, signal }: GraphQLRequest,
    known: Known,
    operation: KnownOperation,
    { operationName, variables = { __proto__: null } as object as Record<string, unknown> }: Parameters,
    type: string,
  ): Promise<HttpAnswer> {
    const peer = { socket, headers: headersOf(headers), wire: 'graphql' }
    const context = new GraphQLContext(this.#dispatch, peer, signal)
    const compiled = this.#documents.compiled(known, operation)
    const { document } = known
    const result = await (compiled === undefined
      ? execute({ schema: this.schema, document, operationName, variableValues: variables, contextValue: context })
      : compiled.query(undefined, context, variables))
    return renderResult(result as ExecutionResult, context.meta, type)
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
