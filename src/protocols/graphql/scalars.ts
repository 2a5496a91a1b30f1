/** Scalars beside those of the specification (section 3.5). */

import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped } from 'graphql'

/** JSON numbers hold whole numbers up to 2^53 exactly; beyond, they travel as text. */
export const BigIntScalar = new GraphQLScalarType<number | string, number | string>({
  name: 'BigInt',
  description: 'A whole number; a text where it is beyond 2^53.',
  serialize: whole,
  // JSON over HTTP would be read so: the operation's schema says what it takes.
  parseValue: (value) => Number(whole(value)),
  parseLiteral(node) {
    if (node.kind !== Kind.INT && node.kind !== Kind.STRING) throw notWhole()
    // To read a whole number takes time that grows with the square of its length.
    if (node.value.length > mostDigits) throw notWhole()
    return Number(whole(node.kind === Kind.INT ? BigInt(node.value) : node.value))
  },
})

export const DateTimeScalar = new GraphQLScalarType<string, string>({
  name: 'DateTime',
  description: 'A moment (RFC 3339).',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time',
  serialize: String,
  // The operation's own schema judges the text, as over REST.
  parseValue: text,
  parseLiteral: (node) => text(valueFromASTUntyped(node)),
})

export const JsonScalar = new GraphQLScalarType({
  name: 'JSON',
  description: 'Any JSON value.',
})

const mostDigits = 30

function whole(value: unknown): number | string {
  const wholeText = typeof value === 'string' && /^-?\d{1,30}$/.test(value)
  const integer = typeof value === 'bigint' || Number.isInteger(value) || wholeText
  if (!integer) throw notWhole()
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

function notWhole(): GraphQLError {
  return new GraphQLError('BigInt must be a whole number')
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new GraphQLError('DateTime must be a text')
  return value
}
