import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { build, listen } from './helper.ts'
import { connect } from './protocols/websocket/client.ts'

const root = join(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** A folder beside `routes/`, so that imports hold; none for what the reader of the README has saved there already. */
function saved(t: Test, name: string, code: string): string[] {
  if (existsSync(join(root, 'routes', name))) return []
  const folder = join(root, `.${name}-routes-of-a-test`)
  mkdirSync(folder, { recursive: true })
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, name), code)
  return [folder]
}

test('the route of the README is served on every wire once it is saved, as the README shows', async (t) => {
  const code = /```ts\n\/\/ routes\/greetings\.ts\n([\s\S]*?)```/.exec(readme)?.[1]
  t.ok(code, 'the README has it')
  const { base } = await listen(t, {}, saved(t, 'greetings.ts', code ?? ''))
  const shown = [
    ...readme.matchAll(
      /^\$ curl localhost:8080(\/\S*greetings\S*|\/graphql)[^\n]*?(?:-d '(\{"query":"\{ getGreeting[^']*)')?\n(\{.*)$/gm,
    ),
  ]
  const own = shown.filter(([, path, body]) => path?.includes('greetings') || body)
  t.equal(own.length, 2)
  for (const [, path, body, answer] of own) {
    const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
    const response = await fetch(base + path, body ? (sent as RequestInit) : {})
    t.equal(await response.text(), answer, String(path))
  }
  const message = /`(\{"jsonrpc":"2.0","id":1,"method":"getGreeting"[^`]*)`/.exec(readme)?.[1]
  t.match(await (await connect(t, base)).send(message), { id: 1, result: { text: 'Hello, Zoe' } })
  const document = (await (await fetch(`${base}/docs/json`)).json()) as { paths: object }
  t.ok('/greetings/{name}' in document.paths)
})

test('the example is served once it is copied as the README shows', async (t) => {
  const [, from, to, source, name = ''] = /^\$ sed 's#(\S+)#(\S+)#' (examples\S+) > routes\/(\S+)$/m.exec(readme) ?? []
  const code = readFileSync(join(root, String(source)), 'utf8').replaceAll(String(from), String(to))
  const { app, base } = await listen(t, {}, saved(t, name, code))
  const answer = await fetch(`${base}/posts`, { headers: { 'x-api-key': app.apiKeys.first ?? '' } })
  t.equal(await answer.text(), '[]')
})

test('a route that GraphQL cannot say stops the start with the reason', async (t) => {
  const folder = join(root, '.wrong-routes-of-a-test')
  mkdirSync(folder, { recursive: true })
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const route = (schema: string) => `
import { Type } from '@sinclair/typebox'
import { open } from '../src/schemas/security.ts'
export default async (fastify) => {
  fastify.get('/odd', { schema: { operationId: 'getOdd', summary: 'Odd', description: 'Odd.', tags: ['odd'], security: open,
    response: { 200: Type.Object({ odd: ${schema} }, { additionalProperties: false }) } } }, async () => ({}))
}`
  for (const [schema, reason] of [
    ['Type.Union([Type.Integer(), Type.String()])', /^getOdd: schema\.response\.200\.odd: a union must be of objects/],
    ['Type.Union([Type.Object({ a: Type.String() }), Type.Object({ b: Type.String() })])', /needs an \$id/],
    ["Type.Unsafe({ type: 'integer', enum: [1, 2] })", /a closed list must hold texts/],
  ] as const) {
    const file = `${folder}/odd-${schema.length}`
    mkdirSync(file, { recursive: true })
    writeFileSync(join(file, 'index.ts'), route(schema).replace('../src', '../../src'))
    await t.rejects(build(t, {}, file), { name: 'ContractError', message: reason }, schema)
  }
})
