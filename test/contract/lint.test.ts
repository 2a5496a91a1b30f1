import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { build, everyConnector, listen, temporaryFolder } from '../helper.ts'
import { clients, runNode, runTool, skip } from './foreign-tools.ts'

interface RedoclyReport {
  totals: { errors: number; warnings: number }
  problems: { ruleId: string; severity: string; message: string }[]
}

/** Every problem, warnings included, by the `recommended` rules. */
async function redocly(file: string): Promise<RedoclyReport['problems']> {
  const { stdout } = await runTool(
    '@redocly/cli/bin/cli.js',
    ...['lint', '--extends=recommended', '--format=json', file],
  )
  return (JSON.parse(stdout) as RedoclyReport).problems
}

/** Every finding of `spectral:oas`, hints included. */
async function spectral(file: string): Promise<unknown[]> {
  const { stdout, stderr } = await runTool(
    '@stoplight/spectral-cli/dist/index.js',
    ...['lint', '--quiet', '--format=json', '--fail-severity=hint'],
    ...['--ruleset', join(clients, 'spectral.yaml'), file],
  )
  if (stderr) throw new Error(stderr)
  return JSON.parse(stdout) as unknown[]
}

/** Writes a document into the test's folder. */
function save(t: Test, name: string, document: unknown): string {
  const file = join(temporaryFolder(t), name)
  writeFileSync(file, JSON.stringify(document, null, 2))
  return file
}

for (const [version, url] of [
  ['3.1', '/docs/json'],
  ['3.0', '/docs/openapi-3.0.json'],
] as const) {
  test(`the ${version} document has no error and no warning`, { skip }, async (t) => {
    const { app } = await build(t, await everyConnector())
    const file = save(t, 'openapi.json', (await app.inject(url)).json())
    t.strictSame(await redocly(file), [], 'Redocly, recommended')
    t.strictSame(await spectral(file), [], 'Spectral, spectral:oas')
  })

  test(`the ${version} document is valid by its published JSON Schema`, { skip }, async (t) => {
    const { app } = await build(t, await everyConnector())
    const file = save(t, 'openapi.json', (await app.inject(url)).json())
    const { code, stdout } = await runTool('@seriousme/openapi-schema-validator/bin/validate-api-cli.js', file)
    t.match(JSON.parse(stdout), { valid: true })
    t.equal(code, 0)
  })
}

test('the linters find what they are asked to find', { skip }, async (t) => {
  const file = save(t, 'openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Broken', version: '1.0.0' },
    paths: { '/users/{id}': { get: { responses: { 200: {} } } } },
  })
  t.not((await redocly(file)).length, 0)
  t.not((await spectral(file)).length, 0)
})

test('the tools cannot reach a network', async (t) => {
  const { base } = await listen(t)
  const { code, stderr } = await runNode('--eval', `await fetch('${base}/users')`)
  t.not(code, 0)
  t.match(stderr, 'This process may not use the network')
})
