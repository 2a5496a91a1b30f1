/** The shape of an operation on wires that take one message and give one: a flat input, one output. */

import { type TObject, type TProperties, type TSchema, Type } from '@sinclair/typebox'
import type { Operation } from './operation.ts'

/** What a success holds, off HTTP. */
export type Output =
  /** Nothing: 204. */
  | { kind: 'nothing' }
  /** An object, as it is. */
  | { kind: 'object'; schema: TSchema }
  /** An array with a `Link` to the next page: `{ items, nextCursor }`. */
  | { kind: 'page'; items: TSchema }
  /** Anything else, wrapped as `{ value }` where the wire asks for an object. */
  | { kind: 'value'; schema: TSchema }

/** Path, query and body properties as one object schema; the contract has made sure that no two share a name. */
export function inputOf({ params, querystring, body }: Operation): TObject {
  const parts = [params, querystring, body].filter((part) => part !== undefined)
  const properties: TProperties = Object.assign({}, ...parts.map((part) => part.properties))
  const required = parts.flatMap((part) => part.required ?? [])
  return { ...Type.Object(properties, { additionalProperties: false }), required }
}

export function outputOf({ querystring, success }: Operation): Output {
  const { schema, headers } = success
  if (schema.type === 'null') return { kind: 'nothing' }
  if (schema.type === 'object' || schema.anyOf !== undefined) return { kind: 'object', schema }
  if (schema.type === 'array' && querystring?.properties.cursor !== undefined && headers.link !== undefined)
    return { kind: 'page', items: schema.items as TSchema }
  return { kind: 'value', schema }
}

/** Whether an operation gives pages of events: of what has a `type`, and `data` that depends on it. */
export function givesEvents(operation: Operation): boolean {
  const output = outputOf(operation)
  const { type, data } = output.kind === 'page' ? ((output.items.properties ?? {}) as TProperties) : {}
  return type !== undefined && data !== undefined
}

/** The cursor of the next page out of a `Link` header (RFC 8288), as `nextLink` writes it; nothing on the last page. */
export function nextCursorOf(link: unknown): string | undefined {
  return typeof link === 'string' ? /[?&]cursor=([A-Za-z0-9_-]+)[^>]*>; rel="next"/.exec(link)?.[1] : undefined
}
