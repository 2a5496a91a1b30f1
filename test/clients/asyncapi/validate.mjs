// Prints what @asyncapi/parser finds in a document, as JSON.
import { readFileSync } from 'node:fs'
import { Parser } from '@asyncapi/parser'

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'))
const operations = document?.operations().all() ?? []
process.stdout.write(JSON.stringify({ diagnostics, operations: operations.map((operation) => operation.id()) }))
