/** Generates types of a schema and of the consumer's documents; both read from the arguments' files. */

import { readFileSync, writeFileSync } from 'node:fs'
import { codegen } from '@graphql-codegen/core'
import * as operations from '@graphql-codegen/typescript-operations'
import { parse } from 'graphql'

const [schema, documents, output] = process.argv.slice(2)
const config = {
  strictScalars: true,
  enumsAsTypes: true,
  scalars: { BigInt: 'number', DateTime: 'string', JSON: 'unknown' },
}
const text = await codegen({
  filename: output,
  schema: parse(readFileSync(schema, 'utf8')),
  documents: [{ location: documents, document: parse(readFileSync(documents, 'utf8')) }],
  plugins: [{ 'typescript-operations': config }],
  pluginMap: { 'typescript-operations': operations },
  config,
})
writeFileSync(output, text)
