import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { build, temporaryFolder } from '../helper.ts'

const complete = `operationId: 'getThing', summary: 'Get', description: 'Gets.', tags: ['things'], security: [], response: { 200: { type: 'object' } }`

test('a route that is no operation stops the start with its name, the place and the reason', async (t) => {
  const cases: [string, RegExp][] = [
    [complete.replace("operationId: 'getThing', ", ''), /GET \/things: schema\.operationId is missing/],
    [complete.replace("'getThing'", "'Get-thing'"), /schema\.operationId must be a camelCase name/],
    [complete.replace("'getThing'", "'getUser'"), /getUser: GET \/things has the operationId of GET \/users\/:id/],
    [complete.replace("summary: 'Get', ", ''), /getThing: schema\.summary is missing/],
    [complete.replace("tags: ['things'], ", ''), /getThing: schema\.tags must hold exactly one tag/],
    [complete.replace('200:', '404:'), /getThing: schema\.response must hold exactly one success status/],
    [`${complete}, live: true`, /getThing: schema\.live needs a GET that answers with pages/],
    [
      `${complete}, querystring: { type: 'object', properties: {} }`,
      /getThing: schema\.querystring must set additionalProperties: false/,
    ],
    [
      `${complete}, querystring: { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false },
       params: { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false }`,
      /getThing: schema\.querystring\.a has the name of params\.a/,
    ],
    [
      complete.replace(
        "{ type: 'object' }",
        `{ type: 'object', properties: { a: { $id: 'A', type: 'string' }, b: { $id: 'A', type: 'integer' } } }`,
      ),
      /getThing: schema\.response\.200\.properties\.b: \$id A is the name of another schema at getThing: schema\.response\.200\.properties\.a/,
    ],
  ]
  for (const [schema, expected] of cases) {
    const folder = temporaryFolder(t)
    writeFileSync(
      join(folder, 'things.mjs'),
      `export default async (fastify) => { fastify.get('/things', { schema: { ${schema} } }, async () => ({})) }`,
    )
    await t.rejects(build(t, {}, folder), { message: expected })
  }
})

test('a route that only HTTP could reach stops the start', async (t) => {
  const params = `params: { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false }`
  const cases: [string, string, RegExp][] = [
    ['/things/:a.json', `schema: { ${complete}, ${params} }`, /getThing: url \/things\/:a\.json must have plain param/],
    ['/things/:b', `schema: { ${complete}, ${params} }`, /getThing: schema\.params lacks b/],
    [
      '/things/:a',
      `schema: { ${complete}, ${params} }, constraints: { version: '1.0.0' }`,
      /getThing: url \/things\/:a is found by no path of its own/,
    ],
  ]
  for (const [url, options, expected] of cases) {
    const folder = temporaryFolder(t)
    writeFileSync(
      join(folder, 'things.mjs'),
      `export default async (fastify) => { fastify.get('${url}', { ${options} }, async () => ({})) }`,
    )
    await t.rejects(build(t, {}, folder), { message: expected })
  }
})

test('the contract holds every operation, without HEAD twins and hidden routes', async (t) => {
  const { app } = await build(t)
  const ofUsers = [...app.contract.values()].filter(({ tag }) => tag === 'users').map(({ operationId }) => operationId)
  t.same(ofUsers.sort(), ['createUser', 'deleteUser', 'findUser', 'getUser', 'listUsers', 'replaceUser', 'updateUser'])
  const hidden = [...app.contract.values()].filter(
    ({ url, method }) => /health|metrics|docs/.test(url) || method === 'HEAD',
  )
  t.same(hidden, [])
  t.match(app.contract.get('createUser'), { method: 'POST', url: '/users', tag: 'users', success: { status: 201 } })
})
