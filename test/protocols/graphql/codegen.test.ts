import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { clients, runNode, runTool, skip } from '../../contract/foreign-tools.ts'

test('GraphQL Code Generator makes types of the committed schema that a client compiles with', { skip }, async (t) => {
  const schema = join(clients, '..', '..', 'contracts', 'schema.graphql')
  const own = join(clients, 'graphql-codegen')
  mkdirSync(join(own, 'generated'), { recursive: true })
  const output = join(own, 'generated', 'graphql.ts')
  const made = await runNode(join(own, 'generate.mjs'), schema, join(own, 'operations.graphql'), output)
  t.same(made, { code: 0, stdout: '', stderr: '' })
  const { code, stdout } = await runTool('typescript/bin/tsc', '--project', own)
  t.equal(stdout, '')
  t.equal(code, 0)
})
