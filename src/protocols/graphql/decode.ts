/** Requests of GraphQL over HTTP (its specification, sections 4 to 6): what is asked for, and as what the answer goes. */

import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { GraphQLError } from 'graphql'
import { refused } from './errors.ts'

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

export interface Parameters {
  /** The document; absent where a hash stands for it. */
  query: string | undefined
  /** SHA-256 of a trusted document, as clients send it: `extensions.persistedQuery`, or `documentId`. */
  hash: string | undefined
  operationName: string | undefined
  variables: Record<string, unknown> | undefined
}

/** What a request asks for, or what is wrong with it. */
export function readParameters({ method, url, body }: GraphQLRequest): Parameters | GraphQLError {
  const sent = method === 'GET' ? ofQuery(url) : body
  return sent instanceof GraphQLError ? sent : parametersOf(sent)
}

/** The same of the body of a request, or the payload of a message. */
export function parametersOf(sent: unknown): Parameters | GraphQLError {
  if (!isMap(sent)) return refused('The body must be a JSON object')
  const { query, documentId, operationName, variables, extensions } = sent
  if (!isAbsent(operationName) && typeof operationName !== 'string') return refused('operationName must be a text')
  if (!isAbsent(variables) && !isMap(variables)) return refused('variables must be a JSON object')
  if (!isAbsent(extensions) && !isMap(extensions)) return refused('extensions must be a JSON object')
  const hash = isAbsent(query) ? hashOf(documentId, extensions) : undefined
  if (hash === undefined && typeof query !== 'string')
    return refused(isAbsent(query) ? 'query is missing' : 'query must be a text')
  return {
    query: query as string | undefined,
    hash,
    operationName: operationName ?? undefined,
    // Compiled documents look names up that clients invent: nothing may be found that was not sent.
    variables: variables ? { __proto__: null, ...variables } : undefined,
  }
}

/** The parameters of a GET, whose maps are JSON. */
function ofQuery(url: string): Record<string, unknown> | GraphQLError {
  const start = url.indexOf('?')
  const sent: Record<string, unknown> = Object.fromEntries(new URLSearchParams(start < 0 ? '' : url.slice(start)))
  for (const name of ['variables', 'extensions']) {
    const text = sent[name]
    if (typeof text !== 'string' || text === '') continue
    try {
      sent[name] = JSON.parse(text)
    } catch {
      return refused(`${name} must be a JSON object`)
    }
  }
  return sent
}

function hashOf(documentId: unknown, extensions: unknown): string | undefined {
  if (typeof documentId === 'string') return documentId.replace(/^sha256:/, '')
  const { persistedQuery } = (extensions ?? {}) as { persistedQuery?: { sha256Hash?: unknown } | null }
  const hash = persistedQuery?.sha256Hash
  return typeof hash === 'string' ? hash : undefined
}

const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const plainJson = 'application/json; charset=utf-8'
/** An answer of this type says by its status whether the document was executed. */
export const graphqlJson = 'application/graphql-response+json; charset=utf-8'

/** Media type of the answer, by `Accept`: the first named that this server has; nothing where there is none. */
export function acceptedType(accept: string | undefined): string | undefined {
  // What most clients send.
  if (accept === undefined || accept === '*/*' || accept === 'application/json') return plainJson
  for (const range of accept.toLowerCase().split(',')) {
    const [type, ...parameters] = range.replaceAll(/\s/g, '').split(';')
    if (parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))) continue
    if (parameters.some((parameter) => /^charset=(?!"?utf-?8"?$)/.test(parameter))) continue
    if (type === 'application/graphql-response+json') return graphqlJson
    if (type === 'application/json' || type === 'application/*' || type === '*/*' || type === '') return plainJson
  }
  return undefined
}
