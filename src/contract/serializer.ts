/** Compiles response schemas into serializers that emit declared properties only, and hand rendered text through. */

import type { TSchema } from '@sinclair/typebox'
import fastJson, { type Schema } from 'fast-json-stringify'
import type { FastifySerializerCompiler } from 'fastify'
import { JsonText } from './json-text.ts'
import { withoutNames } from './schema-names.ts'

type Serialize = ReturnType<FastifySerializerCompiler<Schema>>

/** Many responses have one schema, that of problems first of all: it is compiled once. */
const compiled = new WeakMap<object, Serialize>()

export const serializerCompiler: FastifySerializerCompiler<Schema> = ({ schema }) => {
  const known = compiled.get(schema)
  if (known !== undefined) return known
  const stringify = fastJson(withOpenMembers(withoutNames(schema)) as Schema)
  const serialize: Serialize = (value) => (value instanceof JsonText ? value.text : stringify(value))
  compiled.set(schema, serialize)
  return serialize
}

/**
 * A member of a union is found by validating the value, which an undeclared property would fail: behind the members as
 * they are come the same ones open to any property, those that ask for most first. What is emitted stays what is declared.
 */
function withOpenMembers(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withOpenMembers)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, withOpenMembers(value)]),
  ) as TSchema
  for (const key of ['anyOf', 'oneOf']) {
    const members = copy[key] as unknown
    if (!Array.isArray(members)) continue
    const objects = (members as TSchema[]).filter(({ type }) => type === 'object')
    const open = objects.map(opened).sort((a, b) => (b.required?.length ?? 0) - (a.required?.length ?? 0))
    copy[key] = [...members, ...open]
  }
  return copy
}

function opened(schema: TSchema): TSchema {
  const open = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(open)
    if (typeof value !== 'object' || value === null) return value
    const closed = (key: string, each: unknown) => key === 'additionalProperties' && each === false
    const names = (key: string, each: unknown) => key === '$id' && typeof each === 'string'
    const kept = Object.entries(value).filter(([key, each]) => !closed(key, each) && !names(key, each))
    return Object.fromEntries(kept.map(([key, each]) => [key, open(each)]))
  }
  return open(schema) as TSchema
}
