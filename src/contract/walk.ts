/** Reads schemas into the few shapes that every wire can carry; each wire renders these and nothing else. */

import type { TObject, TSchema } from '@sinclair/typebox'
import { ContractError } from './contract-error.ts'

export interface Field {
  name: string
  shape: Shape
  /** Whether it is always there. */
  required: boolean
  /** Whether it may be null. */
  nullable: boolean
  description: string | undefined
  deprecated: boolean
  /** The operation that gets what this property names (`x-operation`). */
  refersTo: string | undefined
}

export interface ObjectShape {
  kind: 'object'
  name: string
  description: string | undefined
  fields: readonly Field[]
}

export interface EnumShape {
  kind: 'enum'
  name: string
  description: string | undefined
  values: readonly string[]
}

export type Shape =
  | { kind: 'number' | 'boolean' | 'date-time' | 'unknown' }
  /** With `constant`, always that text: what tells the members of a union apart. */
  | { kind: 'string'; constant?: string }
  /** `large` beyond 32 bits. */
  | { kind: 'integer'; large: boolean }
  | { kind: 'list'; items: Shape; nullableItems: boolean }
  | { kind: 'record'; values: Shape; nullableValues: boolean }
  | { kind: 'union'; name: string; description: string | undefined; members: readonly ObjectShape[] }
  | EnumShape
  | ObjectShape

/** A schema's shape, and whether it admits null. */
export interface Read {
  shape: Shape
  nullable: boolean
}

const maxInt = 2_147_483_647

/**
 * Reads one schema.
 *
 * @param name Names what has no `$id`: `UserDetailAddress` for the property `address` of `UserDetail`.
 * @param path Says where the schema stands, for the error: `getUser: schema.response`.
 * @throws {ContractError} for what no wire but JSON could carry.
 */
export function readShape(schema: TSchema, name: string, path: string): Read {
  const own = (schema.$id as string | undefined) ?? name
  const { description } = schema
  if (Array.isArray(schema.anyOf)) return readUnion(schema, own, path)
  if (Array.isArray(schema.type)) {
    const types = (schema.type as string[]).filter((type) => type !== 'null')
    const [type] = types
    if (types.length !== 1) throw new ContractError(`${path}: must have one type beside null`)
    return { ...readShape({ ...schema, type } as unknown as TSchema, name, path), nullable: true }
  }
  const constant = 'const' in schema ? [schema.const as unknown] : (schema.enum as unknown[] | undefined)
  if (constant !== undefined) {
    const values = constant.filter((value) => value !== null)
    const [only] = values
    if ('const' in schema && typeof only === 'string')
      return { shape: { kind: 'string', constant: only }, nullable: false }
    if (!values.every((value) => typeof value === 'string'))
      throw new ContractError(`${path}: a closed list must hold texts`)
    return { shape: { kind: 'enum', name: own, description, values }, nullable: values.length < constant.length }
  }
  return { shape: readPlain(schema, own, path), nullable: schema.type === 'null' }
}

function readPlain(schema: TSchema, own: string, path: string): Shape {
  switch (schema.type as string | undefined) {
    case 'string':
      return { kind: schema.format === 'date-time' ? 'date-time' : 'string' }
    case 'integer': {
      const { minimum, maximum } = schema as { minimum?: number; maximum?: number }
      const small = minimum !== undefined && minimum >= -maxInt - 1 && maximum !== undefined && maximum <= maxInt
      return { kind: 'integer', large: !small }
    }
    case 'number':
    case 'boolean':
      return { kind: schema.type as 'number' | 'boolean' }
    case 'null':
      return { kind: 'unknown' }
    case 'array': {
      const { shape, nullable } = readShape(schema.items as TSchema, `${own}Item`, `${path}.items`)
      return { kind: 'list', items: shape, nullableItems: nullable }
    }
    case 'object':
      return schema.properties === undefined || Object.keys(schema.properties as object).length === 0
        ? readRecord(schema, own, path)
        : readObject(schema as TObject, own, path)
    case undefined:
      return { kind: 'unknown' }
    default:
      throw new ContractError(`${path}: type ${String(schema.type)} has no place on other wires`)
  }
}

/** Reads an object with named properties. @throws {ContractError} */
export function readObject(schema: TObject, name: string, path: string): ObjectShape {
  const required = new Set<string>((schema.required as string[] | undefined) ?? [])
  const fields = Object.entries(schema.properties).map(([property, each]): Field => {
    if (!/^[A-Za-z_]\w*$/.test(property) || property.startsWith('__'))
      throw new ContractError(`${path}.${property}: must be a name of letters, digits and _`)
    const at = `${path}.${property}`
    const { shape, nullable } = readShape(each, name + capitalOf(property), at)
    const { description, deprecated } = each as { description?: string; deprecated?: boolean }
    return {
      name: property,
      shape,
      nullable,
      description,
      deprecated: deprecated === true,
      required: required.has(property),
      refersTo: referenceOf(each),
    }
  })
  return { kind: 'object', name, description: schema.description, fields }
}

/** The operation that gets what a property names (`x-operation`), also where it may name nothing: a key or null. */
export function referenceOf(schema: TSchema): string | undefined {
  const [only, ...others] = ((schema.anyOf ?? []) as TSchema[]).filter(({ type }) => type !== 'null')
  const { 'x-operation': own } = schema as { 'x-operation'?: string }
  return own ?? (only !== undefined && others.length === 0 ? referenceOf(only) : undefined)
}

/** A name within another: `address` of `User` is `UserAddress`. */
export function capitalOf(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}

function readRecord(schema: TSchema, own: string, path: string): Shape {
  const patterns = Object.values((schema.patternProperties ?? {}) as Record<string, TSchema>)
  const open = schema.additionalProperties as TSchema | boolean | undefined
  const values = patterns[0] ?? (typeof open === 'object' ? open : undefined)
  if (patterns.length > 1) throw new ContractError(`${path}: a record must have one kind of values`)
  if (values === undefined) return { kind: 'unknown' }
  const { shape, nullable } = readShape(values, `${own}Value`, `${path}.*`)
  return { kind: 'record', values: shape, nullableValues: nullable }
}

function readUnion(schema: TSchema, own: string, path: string): Read {
  const all = schema.anyOf as TSchema[]
  const members = all.filter(({ type }) => type !== 'null')
  const nullable = members.length < all.length
  const { description } = schema
  const [only] = members
  if (only !== undefined && members.length === 1) {
    const read = readShape(only, own, path)
    return { ...read, nullable: nullable || read.nullable }
  }
  if (members.every((member) => typeof member.const === 'string')) {
    const values = members.map((member) => member.const as string)
    return { shape: { kind: 'enum', name: own, description, values }, nullable }
  }
  if (!members.every(({ type }) => type === 'object'))
    throw new ContractError(`${path}: a union must be of objects, or of constant texts`)
  const shapes = members.map((member, index) => {
    if (member.$id === undefined)
      throw new ContractError(`${path}.anyOf.${index}: needs an $id, its name on other wires`)
    return readObject(member as TObject, member.$id as string, `${path}.anyOf.${index}`)
  })
  return { shape: { kind: 'union', name: own, description, members: shapes }, nullable }
}
