/** Where each property of an operation's flat input goes: into the path, the query or the body. */

import { ContractError } from './contract-error.ts'
import type { Carried } from './exchange.ts'
import type { Operation } from './operation.ts'

/** What the properties of one call come to. */
export type Placed = Pick<Carried, 'body' | 'params' | 'query' | 'unknown'> & { url: string }

export type Place = (input: Readonly<Record<string, unknown>>) => Placed

/** What stands in the path for a property that cannot: the route is found, and its schema judges what came. */
const placeholder = '-'
/** Longer ones are not looked up by the router. */
const maxPathLength = 100
const none: readonly string[] = []

/**
 * Compiles the placement of an operation's input.
 *
 * @throws {ContractError} for a path that holds more than plain parameters.
 */
export function compilePlacement({ operationId, url, params, querystring, body }: Operation): Place {
  const segments = url.split(/(?<=\/):([^/]+)/)
  if (segments.some((segment, index) => (index % 2 === 0 ? /[:*]/ : /[^\w]/).test(segment)))
    throw new ContractError(`${operationId}: url ${url} must have plain parameters, so that every wire can call it`)
  const inPath = segments.filter((_, index) => index % 2 === 1)
  const undeclared = inPath.find((name) => params?.properties[name] === undefined)
  if (undeclared !== undefined) throw new ContractError(`${operationId}: schema.params lacks ${undeclared}`)
  const inQuery = Object.keys(querystring?.properties ?? {})
  const known = new Set([...inPath, ...inQuery])

  return (input) => {
    let path = segments[0] as string
    let odd = false
    for (let index = 1; index < segments.length; index += 2) {
      const text = pathText(input[segments[index] as string])
      if (text === undefined) odd = true
      path += (text ?? placeholder) + segments[index + 1]
    }
    const query = queryOf(inQuery, input)
    const rest = restOf(known, input)
    return {
      url: query === undefined || query === '' ? path : `${path}?${query}`,
      params: odd ? own(inPath, input) : undefined,
      query: query === undefined ? own(inQuery, input) : undefined,
      body: body && rest,
      unknown: body === undefined && rest !== undefined ? Object.keys(rest) : none,
    }

    function restOf(taken: ReadonlySet<string>, from: Readonly<Record<string, unknown>>) {
      let others: Record<string, unknown> | undefined = body && {}
      for (const name of Object.keys(from)) {
        if (taken.has(name) || from[name] === undefined) continue
        others ??= {}
        // Assigned, this name would set the prototype.
        if (name === '__proto__') Object.defineProperty(others, name, { value: from[name], enumerable: true })
        else others[name] = from[name]
      }
      return others
    }
  }
}

/** A value as a segment of a path; nothing when it cannot be one. */
function pathText(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value !== 'string' || value === '' || value.length > maxPathLength || !value.isWellFormed())
    return undefined
  return encodeURIComponent(value)
}

/** The query; nothing when a value cannot stand in one. */
function queryOf(names: readonly string[], input: Readonly<Record<string, unknown>>): string | undefined {
  let query = ''
  for (const name of names) {
    const value = input[name]
    if (value === undefined) continue
    for (const each of Array.isArray(value) ? value : [value]) {
      const text = typeof each === 'string' ? queryText(each) : pathText(each)
      if (text === undefined) return undefined
      query += `${query === '' ? '' : '&'}${encodeURIComponent(name)}=${text}`
    }
  }
  return query
}

function queryText(value: string): string | undefined {
  return value.isWellFormed() ? encodeURIComponent(value) : undefined
}

function own(names: readonly string[], input: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(names.flatMap((name) => (input[name] === undefined ? [] : [[name, input[name]] as const])))
}
