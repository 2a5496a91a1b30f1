import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { build, temporaryFolder } from '../../helper.ts'

const known = 'query One($id: BigInt!) { getUser(id: $id) { name } }\n'
const hash = createHash('sha256').update(known).digest('hex')

async function open(t: Test, documents: Record<string, string>) {
  const folder = temporaryFolder(t)
  for (const [file, text] of Object.entries(documents)) writeFileSync(join(folder, file), text)
  const { app } = await build(t, { TRUSTED_DOCUMENTS: folder })
  return Object.assign((payload: object) => app.inject({ method: 'POST', url: '/graphql', payload }), {
    get: (query: Record<string, string>) => app.inject(`/graphql?${new URLSearchParams(query)}`),
  })
}

test('with trusted documents, those are answered, by their text or their hash, and no others', async (t) => {
  const ask = await open(t, { 'one.graphql': known, 'notes.txt': 'no document' })
  const variables = { id: 1 }
  for (const payload of [
    { query: known, variables },
    { variables, extensions: { persistedQuery: { version: 1, sha256Hash: hash } } },
    { variables, documentId: `sha256:${hash}` },
  ]) {
    t.match((await ask(payload)).json(), { data: { getUser: { name: 'Mohamed' } } }, JSON.stringify(payload))
  }
  for (const query of [
    '{ listUsers { nextCursor } }',
    known.trim(),
    '{ __typename }',
    '{ __schema { queryType { name } } }',
  ]) {
    const answer = await ask({ query, variables })
    t.match(answer.json(), { errors: [{ extensions: { code: 'DOCUMENT_NOT_TRUSTED' } }] }, query)
  }
  for (const documentId of [hash.replace(/./, 'x'), 'sha256:', '__proto__']) {
    const answer = await ask({ documentId })
    t.equal(answer.statusCode, 400)
    t.match(answer.json(), { errors: [{ message: 'PersistedQueryNotFound' }] })
  }
})

test('trusted documents are asked for by GET too, so that caches can keep them', async (t) => {
  const ask = await open(t, { 'one.graphql': known, 'two.graphql': 'mutation { deleteUser(id: 1) }' })
  const variables = JSON.stringify({ id: 1 })
  for (const query of [
    { query: known, variables },
    { documentId: `sha256:${hash}`, variables },
    { extensions: JSON.stringify({ persistedQuery: { version: 1, sha256Hash: hash } }), variables },
  ]) {
    const answer = await ask.get(query)
    t.equal(answer.statusCode, 200)
    t.match(answer.json(), { data: { getUser: { name: 'Mohamed' } } }, JSON.stringify(query))
  }
  t.match((await ask.get({ documentId: 'sha256:' })).json(), { errors: [{ message: 'PersistedQueryNotFound' }] })
  const changing = createHash('sha256').update('mutation { deleteUser(id: 1) }').digest('hex')
  const refused = await ask.get({ documentId: changing })
  t.equal(refused.statusCode, 405)
  t.equal(refused.headers.allow, 'POST')
})

test('a trusted document that the schema does not know stops the start, and is named', async (t) => {
  await t.rejects(open(t, { 'old.graphql': '{ goneOperation { id } }' }), {
    name: 'ContractError',
    message: /^the trusted document old\.graphql: Cannot query field "goneOperation"/,
  })
})

test('a folder that is not there stops the start', async (t) => {
  await t.rejects(build(t, { TRUSTED_DOCUMENTS: join(temporaryFolder(t), 'nowhere') }), { code: 'ENOENT' })
})
