/** A closed list of strings, typed as their union and rendered as `enum`. */

import { type SchemaOptions, type TUnsafe, Type } from '@sinclair/typebox'

export function Enum<const Value extends string>(
  values: readonly Value[],
  options: SchemaOptions = {},
): TUnsafe<Value> {
  return Type.Unsafe<Value>({ type: 'string', enum: values, ...options })
}
