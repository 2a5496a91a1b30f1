import { join } from 'node:path'
import { type Test, test } from 'tap'
import { listen } from '../helper.ts'
import { makeKey } from '../keys.ts'
import { type Case, cases, type Keys } from './cases.ts'
import type { Client, Result, Wire } from './clients/client.ts'
import { graphql } from './clients/graphql.ts'
import { jsonRpc } from './clients/json-rpc.ts'
import { rest } from './clients/rest.ts'

const wires: readonly Wire[] = [graphql, jsonRpc]
const routes = [join(import.meta.dirname, '../../examples/blog/routes'), join(import.meta.dirname, 'routes')]

/** A server with the example's resource and the routes of this suite beside its own. */
async function start(t: Test) {
  const { app, base } = await listen(t, { ACCESS_LOG: 'off' }, routes)
  const admin = app.apiKeys.first ?? ''
  const revoked = await makeKey(app, admin, ['users:read'])
  await app.inject({ method: 'DELETE', url: `/keys/${revoked.id}`, headers: { 'x-api-key': admin } })
  const { key: readOnly } = await makeKey(app, admin, ['posts:read'])
  return { app, base, keys: { admin, readOnly, revoked: revoked.key } }
}

async function run(
  client: Client,
  { steps }: Case,
  keys: Keys,
  check: (result: Result, expected: object) => void = () => {},
) {
  const results: Result[] = []
  for (const each of steps) {
    const { operationId, input, headers, expect } = typeof each === 'function' ? each(results) : each
    const result = await client.call(operationId, input, typeof headers === 'function' ? headers(keys) : headers)
    check(result, expect)
    results.push(result)
  }
  return results
}

/** What differs with each request or server. */
function comparable({ value, problem, meta }: Result): object {
  const timeless = JSON.parse(
    JSON.stringify(value ?? null)
      .replaceAll(/"(createdAt|updatedAt)":"[^"]+"/g, '"$1":"…"')
      .replaceAll(/"api-key:\w+"/g, '"api-key:…"'),
  ) as unknown
  return { value: timeless, problem: problem && { ...problem, requestId: '' }, meta }
}

for (const each of cases) {
  test(each.name, async (t) => {
    const reference = await start(t)
    const client = await rest.open(t, reference.base, reference.app.contract)
    const expected = await run(client, each, reference.keys, (result, pattern) => t.match(result, pattern, 'REST'))
    for (const wire of wires) {
      const { app, base, keys } = await start(t)
      const results = await run(await wire.open(t, base, app.contract), each, keys)
      const same = (result: Result) =>
        comparable(wire.differences.reduce((seen, { normalise }) => normalise(seen), result))
      t.same(results.map(same), expected.map(same), wire.name)
    }
  })
}

test('every operation of users and of the example is called by a case', async (t) => {
  const { app } = await start(t)
  const called = new Set(
    cases.flatMap(({ steps }) => steps.map((step) => (typeof step === 'function' ? '' : step.operationId))),
  )
  const own = [...app.contract.values()].filter(({ tag }) => ['users', 'blog', 'shapes'].includes(tag))
  t.ok(own.length > 15)
  t.same(
    own.map(({ operationId }) => operationId).filter((operationId) => !called.has(operationId)),
    [],
  )
})

test('calls of two principals at once do not mix', async (t) => {
  const { app, base, keys } = await start(t)
  for (const wire of [rest, ...wires]) {
    const client = await wire.open(t, base, app.contract)
    const credentials = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? keys.admin : keys.readOnly))
    const results = await Promise.all(
      credentials.map((key) => client.call('getMe', {}, { authorization: `Bearer ${key}` })),
    )
    const ids = results.map(({ value }) => (value as { id: string }).id)
    t.same(
      ids,
      ids.map((_, index) => ids[index % 2]),
      wire.name,
    )
    t.not(ids[0], ids[1])
  }
})
