/** One-of inputs (GraphQL specification section 3.10.1): a union's member by its name, and back to the value itself. */

import type { Field, ObjectShape, Shape } from '../../contract/walk.ts'
import { refused } from './errors.ts'

type Unwrap = (value: unknown) => unknown

/** `Cat` is the field `cat`. */
export function memberName({ name }: ObjectShape): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}

/** The only text that a property can have: it need not be said, since the member of a union says it already. */
export function constantOf(shape: Shape): string | undefined {
  return shape.kind === 'string' ? shape.constant : undefined
}

/** Puts values in the place of one-of inputs, and constants where they are absent; nothing where there are neither. @throws {GraphQLError} */
export function unwrapFields(fields: readonly Field[]): Unwrap | undefined {
  const inner = new Map(fields.flatMap(({ name, shape }) => entryOf(name, unwrapOf(shape))))
  const constants = Object.fromEntries(
    fields
      .flatMap(({ name, shape, required }) => (required ? [[name, constantOf(shape)]] : []))
      .filter(([, text]) => text),
  )
  if (inner.size === 0 && Object.keys(constants).length === 0) return undefined
  return (value) => {
    if (!isMap(value)) return value
    const unwrapped = { ...constants, ...value }
    for (const [name, unwrap] of inner) if (Object.hasOwn(value, name)) unwrapped[name] = unwrap(value[name])
    return unwrapped
  }
}

function unwrapOf(shape: Shape): Unwrap | undefined {
  switch (shape.kind) {
    case 'object':
      return unwrapFields(shape.fields)
    case 'list': {
      const unwrap = unwrapOf(shape.items)
      return unwrap && ((value) => (Array.isArray(value) ? value.map(unwrap) : value))
    }
    case 'union':
      return unwrapUnion(shape)
    default:
      return undefined
  }
}

function unwrapUnion({ name, members }: Extract<Shape, { kind: 'union' }>): Unwrap {
  const inner = new Map(members.flatMap((member) => entryOf(memberName(member), unwrapFields(member.fields))))
  return (value) => {
    if (!isMap(value)) return value
    const [given, ...others] = Object.entries(value)
    // Compiled documents do not look at variables so closely.
    if (given === undefined || others.length > 0 || !isMap(given[1]))
      throw refused(`Exactly one member must be given of the union ${name}`, 'BAD_USER_INPUT')
    const unwrap = inner.get(given[0])
    return unwrap === undefined ? given[1] : unwrap(given[1])
  }
}

function entryOf(name: string, unwrap: Unwrap | undefined): [string, Unwrap][] {
  return unwrap === undefined ? [] : [[name, unwrap]]
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
