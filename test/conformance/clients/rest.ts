/** REST by fetch, the reference. */

import type { Operation } from '../../../src/contract/operation.ts'
import { outputOf } from '../../../src/contract/shape.ts'
import { type Input, metaNames, problemOf, type Result, type Wire } from './client.ts'

export const rest: Wire = {
  name: 'REST',
  differences: [],
  async open(_t, base, contract) {
    return {
      async call(operationId, input = {}, headers = {}) {
        const operation = contract.get(operationId) as Operation
        const { url, body } = requestOf(operation, input)
        const response = await fetch(base + url, {
          method: operation.method as string,
          headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        })
        return resultOf(operation, response)
      },
    }
  },
}

/** Path, query and body properties where the document says that they go; what it does not know, into the body or query. */
function requestOf({ url, params, querystring, body }: Operation, input: Input): { url: string; body?: unknown } {
  const rest = { ...input }
  const take = (name: string) => {
    const value = rest[name]
    delete rest[name]
    return value
  }
  const path = url.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(take(name) ?? '-')))
  for (const name of Object.keys(params?.properties ?? {})) delete rest[name]
  const query = new URLSearchParams()
  const declared = Object.keys(querystring?.properties ?? {})
  for (const name of body ? declared : [...declared, ...Object.keys(rest)]) {
    const value = take(name)
    if (value !== undefined) query.set(name, String(value))
  }
  const search = query.size > 0 ? `?${query}` : ''
  return { url: path + search, ...(body && { body: rest }) }
}

async function resultOf(operation: Operation, response: Response): Promise<Result> {
  const meta = Object.fromEntries(
    metaNames.flatMap((name) => {
      const value = response.headers.get(name)
      return value === null ? [] : [[name, value] as const]
    }),
  )
  if (response.status === 304) meta.status = '304'
  const text = await response.text()
  if (response.status >= 400) return { problem: problemOf(JSON.parse(text)), meta }
  const value: unknown = text === '' ? null : JSON.parse(text)
  if (outputOf(operation).kind !== 'page') return { value, meta }
  const nextCursor = /[?&]cursor=([^&>]+)/.exec(response.headers.get('link') ?? '')?.[1] ?? null
  return { value: { items: value, nextCursor }, meta }
}
