import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { loadConnectors } from '../../src/connectors/load.ts'
import { settled } from '../../src/connectors/settle.ts'
import { build, temporaryFolder } from '../helper.ts'

const CONNECTORS = join(import.meta.dirname, 'folder')
const on = { CONNECTORS, LEDGER_URL: 'http://127.0.0.1:9', LEDGER_SECRET: 'a good secret' }

test('a connector without settings registers nothing, and logs one line', async (t) => {
  const { app, logs } = await build(t, { CONNECTORS })
  const lines = logs().filter(({ connector }) => connector === 'ledger')
  t.match(lines, [{ msg: 'the connector ledger is off: it needs LEDGER_URL, LEDGER_SECRET' }])
  t.equal(lines.length, 1)
  t.equal(app.connectors.connection('ledger'), undefined)
  t.notOk(app.hasRoute({ method: 'POST', url: '/connectors/ledger/webhook' }))
  const asked = { headers: { 'x-api-key': app.apiKeys.first ?? '' }, method: 'POST' as const }
  t.equal((await app.inject({ ...asked, url: '/connectors/ledger/back-fill' })).json().detail, 'The connector is off')
})

test('settings that are not all there, or wrong, end the start; what may be secret is not repeated', async (t) => {
  const cases: [settings: Record<string, string>, message: string | RegExp][] = [
    [{ LEDGER_URL: 'http://127.0.0.1:9' }, 'LEDGER_SECRET must be set for the connector ledger too'],
    [{ LEDGER_NOTE: 'rent' }, 'LEDGER_NOTE needs LEDGER_URL, LEDGER_SECRET for the connector ledger'],
    [{ ...on, LEDGER_SECRET: 'short!' }, /^LEDGER_SECRET must NOT have fewer than 8 characters$/],
    [{ ...on, LEDGER_URL: 'user secret' }, /^LEDGER_URL must match format "uri"$/],
    [{ ...on, LEDGER_SIZE: 'two' }, 'LEDGER_SIZE must be integer, got "two"'],
    [{ ...on, LEDGER_SECRET: 'id name email createdAt updatedAt' }, 'LEDGER_SECRET is easily guessed'],
    [{ CONNECTORS: '/nowhere' }, 'CONNECTORS names /nowhere, which is no folder'],
  ]
  for (const [settings, message] of cases) {
    await t.rejects(build(t, { CONNECTORS, ...settings }), { name: 'ConfigError', message }, String(message))
  }
})

test('a file that is no connector says so', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'notes.md'), 'not looked at')
  mkdirSync(join(folder, 'empty'))
  t.same(await loadConnectors(folder), [])
  writeFileSync(join(folder, 'stove.js'), 'export default { name: "stove" }')
  await t.rejects(loadConnectors(folder), { message: 'stove.js has no connector as its default export' })
  const eager = 'export default { name: "stove", settings: { properties: {} }, types: [], connect: () => ({}) }'
  writeFileSync(join(folder, 'stove.mjs'), eager)
  await t.rejects(loadConnectors(folder), /requires no setting|stove.js has no/)
})

test('what changes while it is sent is sent again, and what changes for ever is left', async (t) => {
  const sent: number[] = []
  let value = 1
  await settled(
    () => value,
    async (current) => {
      sent.push(current)
      if (current === 1) value = 2
    },
  )
  t.same(sent, [1, 2])
  await t.rejects(
    settled(
      () => value++,
      async () => {},
    ),
    { message: 'the subject changes faster than it is sent' },
  )
})

test('the connector of the README works once it is saved, as the README shows', async (t) => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
  const code = /```ts\n\/\/ src\/integrations\/chat\.ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  const folder = saved(t, code)
  const posts: string[] = []
  const server = createServer(async (request, reply) => {
    posts.push(await text(request))
    reply.writeHead(posts.length === 1 ? 503 : 200).end()
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close().closeAllConnections())
  await wait(10)
  const CHAT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`
  const { app } = await build(t, { CONNECTORS: folder, CHAT_URL, WEBHOOK_WAITS: '0 0.1' })
  await app.inject({ method: 'POST', url: '/users', payload: { name: 'Zoe', email: 'zoe@example.com' } })
  for (const end = Date.now() + 20_000; posts.length < 2 && Date.now() < end; ) await wait(10)
  t.same(posts, ['{"text":"Zoe is here"}', '{"text":"Zoe is here"}'])
})

/** Where its imports hold: beside `src/connectors`, but not among the server's own. */
function saved(t: Test, code: string): string {
  t.ok(code, 'the README has it')
  const folder = temporaryFolder(t)
  const root = join(import.meta.dirname, '../..')
  mkdirSync(join(folder, 'node_modules/@sinclair'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const typebox = `export * from '${join(root, 'node_modules/@sinclair/typebox/build/esm/index.mjs')}'`
  mkdirSync(join(folder, 'node_modules/@sinclair/typebox'))
  writeFileSync(join(folder, 'node_modules/@sinclair/typebox/index.js'), typebox)
  writeFileSync(join(folder, 'node_modules/@sinclair/typebox/package.json'), '{"type":"module","exports":"./index.js"}')
  writeFileSync(join(folder, 'chat.ts'), code)
  return folder
}
