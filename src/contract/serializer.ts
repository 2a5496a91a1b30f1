/** Compiles response schemas into serializers that emit declared properties only, and hand rendered text through. */

import fastJson, { type Schema } from 'fast-json-stringify'
import type { FastifySerializerCompiler } from 'fastify'
import { JsonText } from './json-text.ts'

export const serializerCompiler: FastifySerializerCompiler<Schema> = ({ schema }) => {
  const stringify = fastJson(schema)
  return (value) => (value instanceof JsonText ? value.text : stringify(value))
}
