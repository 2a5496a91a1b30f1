import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import type { Transcript } from '../clients/transcript.ts'
import { build, everyConnector, listen } from '../helper.ts'
import { clients, run, runTool, skip } from './foreign-tools.ts'

const generated = join(clients, 'generated')

/** Client → script of its generator and that script's arguments. */
const generators: Record<string, [script: string, ...args: string[]]> = {
  'openapi-typescript': [
    'openapi-typescript/bin/cli.js',
    ...['generated/openapi.json', '--output', 'generated/openapi-typescript/schema.ts'],
  ],
  'hey-api': ['@hey-api/openapi-ts/bin/run.js', '--file', 'hey-api/openapi-ts.config.ts'],
  orval: ['orval/dist/bin/orval.mjs', '--config', 'orval/orval.config.ts', '--fail-on-warnings'],
}

test('generated TypeScript clients', { skip }, async (t) => {
  const { app } = await build(t, await everyConnector())
  rmSync(generated, { recursive: true, force: true })
  mkdirSync(generated)
  writeFileSync(join(generated, 'openapi.json'), (await app.inject('/docs/json')).body)

  for (const [client, generator] of Object.entries(generators)) {
    await t.test(`${client} reads the document`, async (t) => {
      const { code, stdout, stderr } = await runTool(...generator)
      t.equal(code, 0, `exit code of the generator${code ? `: ${stdout}${stderr}` : ''}`)
    })
  }

  await t.test('the clients and their consumers pass the compiler in strict mode', async (t) => {
    const { code, stdout } = await runTool('typescript/bin/tsc', '--project', '.')
    t.equal(stdout, '')
    t.equal(code, 0)
  })

  for (const client of Object.keys(generators)) {
    await t.test(`${client} lists, creates, gets, patches, deletes and reads a typed problem`, async (t) => {
      const { base } = await listen(t)
      matchTranscript(t, await consume(client, base))
    })
  }
})

async function consume(client: string, base: string): Promise<Transcript> {
  const consumer: { consume: (base: string) => Promise<Transcript> } = await import(
    join(clients, client, 'consumer.ts')
  )
  return consumer.consume(base)
}

function matchTranscript(t: Test, { got, ...rest }: Transcript): void {
  t.match(got, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  t.match(rest.created.version, /^"/)
  t.match(rest, {
    listed: ['Ali', 'Mohamed'],
    created: { name: 'Fatima', email: 'fatima@example.com' },
    patched: 'Fatima Zahra',
    deleted: 204,
    missing: { status: 404, code: 'not-found', detail: 'User not found' },
  })
}

const python = await run('python3', ['--version']).then(
  () => false,
  () => 'python3 is not installed',
)

test("Python's standard library sends empty bodies as JSON", { skip: python }, async (t) => {
  const { base } = await listen(t)
  const { code, stdout, stderr } = await run('python3', [join(clients, 'python', 'consumer.py'), base])
  t.equal(code, 0, stderr)
  t.strictSame(JSON.parse(stdout), {
    listed: ['Ali', 'Mohamed'],
    created: 'فاطمة',
    patched: 'Fatima Zahra',
    emptyPost: 400,
    deleted: 204,
    missing: { status: 404, code: 'not-found', detail: 'User not found' },
  })
})
