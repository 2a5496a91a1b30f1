/**
 * Where each property of an operation's flat input goes: into the path, the query or the body. Headers are the peer's.
 * Values travel beside the URL, never in it: none can lead to another route.
 */

import { ContractError } from './contract-error.ts'
import type { Operation } from './operation.ts'
import { TypedInput } from './typed-input.ts'

type Values = Record<string, unknown>

/** What the properties of one call come to. */
export interface Placed {
  readonly params: TypedInput | undefined
  readonly query: TypedInput | undefined
  /** A body that is an object already, as a parser would have made it. */
  readonly body: Values | undefined
  /** Names that the operation does not know, where no schema refuses them. */
  readonly unknown: readonly string[]
}

/** Whether a path leads to the operation, and to nothing else. */
export type LeadsTo = (operation: Operation, path: string) => boolean

/** What may stand for all values in the path by which the router finds a route; the first that no other route has. */
const placeholders = ['-', '~', '_', '--', '~~', '__', '-.-', '~.~', '_._'] as const
/** Longer values are not shown in a URL, as none longer comes with one. */
const maxShown = 100
const none: readonly string[] = []
/** Names that are told of, as many as violations of a body. */
const mostUnknown = 50

export class Placement {
  readonly operation: Operation
  /** The path by which the router finds the operation, the same for each call. */
  readonly route: string
  readonly #segments: readonly string[]
  readonly #places = new Map<string, 'params' | 'query' | 'body'>()
  /** Names of query properties, and how they begin in a URL. */
  readonly #query: readonly (readonly [name: string, text: string])[]

  /** @throws {ContractError} for a path that holds more than plain parameters, or leads elsewhere whatever stands in it. */
  constructor(operation: Operation, leadsTo: LeadsTo) {
    const { operationId, url, params, querystring, body } = operation
    this.operation = operation
    this.#segments = segmentsOf(operation)
    const inQuery = Object.keys(querystring?.properties ?? {})
    this.#query = inQuery.map((name) => [name, `${encodeURIComponent(name)}=`])
    for (const name of Object.keys(params?.properties ?? {})) this.#places.set(name, 'params')
    for (const name of inQuery) this.#places.set(name, 'query')
    for (const name of Object.keys(body?.properties ?? {})) this.#places.set(name, 'body')
    const paths = placeholders.map((placeholder) => this.#fill(() => placeholder))
    const route = paths.find((path) => leadsTo(operation, path))
    if (route === undefined) throw new ContractError(`${operationId}: url ${url} is found by no path of its own`)
    this.route = route
  }

  place(input: Readonly<Values>): Placed {
    const { params, querystring, body } = this.operation
    const placed = {
      params: params && new TypedInput(),
      query: querystring && new TypedInput(),
      body: body && ({} as Values),
    }
    let unknown: string[] | undefined
    for (const name of Object.keys(input)) {
      const value = numberOf(input[name])
      if (value === undefined) continue
      const target: Values | undefined = placed[this.#places.get(name) ?? 'body']
      if (target === undefined) {
        unknown ??= []
        if (unknown.length < mostUnknown) unknown.push(name)
      }
      // Assigned, this name would set the prototype.
      else if (name === '__proto__') Object.defineProperty(target, name, { value, enumerable: true })
      else target[name] = value
    }
    return { ...placed, unknown: unknown ?? none }
  }

  /** The path as REST has it, for the log. */
  path({ params }: Placed): string {
    return params === undefined ? this.route : this.#fill((name) => segmentText(params[name]) ?? placeholders[0])
  }

  /** The URL as REST has it, for hooks and links. */
  url(placed: Placed): string {
    const { query = {} } = placed
    const pairs = this.#query.flatMap(([name, text]) =>
      [query[name]].flat().flatMap((value) => {
        const shown = typeof value === 'string' ? encodeURIComponent(value.toWellFormed()) : segmentText(value)
        return shown === undefined ? [] : [text + shown]
      }),
    )
    const path = this.path(placed)
    return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
  }

  #fill(textOf: (name: string) => string): string {
    return this.#segments.map((segment, index) => (index % 2 === 0 ? segment : textOf(segment))).join('')
  }
}

/** What stands between parameters, and the names of these in turn. */
function segmentsOf({ operationId, url, params }: Operation): string[] {
  const segments = url.split(/(?<=\/):([^/]+)/)
  if (segments.some((segment, index) => (index % 2 === 0 ? /[:*]/ : /[^\w]/).test(segment)))
    throw new ContractError(`${operationId}: url ${url} must have plain parameters, so that every wire can call it`)
  const inPath = segments.filter((_, index) => index % 2 === 1)
  const undeclared = inPath.find((name) => params?.properties[name] === undefined)
  if (undeclared !== undefined) throw new ContractError(`${operationId}: schema.params lacks ${undeclared}`)
  return segments
}

/** As JSON over HTTP would be read: what a schema says of it is then said in the same words. */
function numberOf(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

/** A value as a segment of a path; nothing for what REST could not have sent. */
function segmentText(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value !== 'string' || value.length > maxShown) return undefined
  return encodeURIComponent(value.toWellFormed())
}
