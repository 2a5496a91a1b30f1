/** The names that schemas carry (`$id`): one name is one schema, wherever it stands. */

import type { TSchema } from '@sinclair/typebox'
import { ContractError } from './contract-error.ts'
import type { Operation } from './operation.ts'

export class SchemaNames {
  readonly #known = new Map<string, { text: string; where: string }>()

  /** @throws {ContractError} for a name that stands for another schema elsewhere: documents could show one of them only. */
  add({ operationId, params, querystring, body, success }: Operation): void {
    const parts = { params, querystring, body, [`response.${success.status}`]: success.schema }
    for (const [part, schema] of Object.entries(parts)) this.#walk(schema, `${operationId}: schema.${part}`)
  }

  #walk(schema: unknown, where: string): void {
    if (typeof schema !== 'object' || schema === null) return
    const { $id } = schema as TSchema
    if (typeof $id === 'string') this.#note($id, JSON.stringify(schema), where)
    for (const [key, value] of Object.entries(schema)) this.#walk(value, `${where}.${key}`)
  }

  #note(name: string, text: string, where: string): void {
    const known = this.#known.get(name)
    if (known === undefined) this.#known.set(name, { text, where })
    else if (known.text !== text)
      throw new ContractError(`${where}: $id ${name} is the name of another schema at ${known.where}`)
  }
}

/**
 * A copy whose names no compiler can take for two schemas: those that a `$ref` asks for stay, at their first place.
 * Everything else in it is that of the original.
 */
export function withoutNames<Schema>(schema: Schema): Schema {
  const wanted = refsOf(schema, new Set())
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(copy)
    if (typeof value !== 'object' || value === null) return value
    // A property of this name is a schema, no text.
    const drop = (key: string, each: unknown) => key === '$id' && typeof each === 'string' && !wanted.delete(each)
    const kept = Object.entries(value).filter(([key, each]) => !drop(key, each))
    return Object.fromEntries(kept.map(([key, each]) => [key, copy(each)]))
  }
  return copy(schema) as Schema
}

function refsOf(schema: unknown, found: Set<string>): Set<string> {
  if (typeof schema !== 'object' || schema === null) return found
  const { $ref } = schema as TSchema
  if (typeof $ref === 'string') found.add($ref)
  for (const value of Object.values(schema)) refsOf(value, found)
  return found
}
