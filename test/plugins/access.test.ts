import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { build, temporaryFolder } from '../helper.ts'
import { adminKeyOf } from '../keys.ts'

const credentials = (headers: Record<string, string>) => ({ url: '/users', headers })

/** A folder with one route, as `schema` says. */
function routes(t: Test, schema: string): string {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'thing'))
  const route = `{ method: 'GET', url: '/things', schema: ${schema}, handler: async (request) => request.principal.id }`
  writeFileSync(join(folder, 'thing', 'index.mjs'), `export default async (fastify) => { fastify.route(${route}) }`)
  return folder
}

test('a route that declares no access does not start, and the message says what to write', async (t) => {
  await t.rejects(build(t, {}, routes(t, `{ hide: true }`)), {
    message: 'GET /things: schema.security is missing: say requires(…), signedIn() or open',
  })
  await t.rejects(
    build(t, {}, routes(t, `{ hide: true, security: [{ magic: [] }] }`)),
    /names the unknown scheme magic/,
  )
  await t.rejects(
    build(t, {}, routes(t, `{ hide: true, security: [{ apiKey: ['a:b'] }, { accessToken: [] }] }`)),
    /wants different scopes by scheme/,
  )
  await t.rejects(build(t, {}, routes(t, `{ hide: true, security: [{ apiKey: ['A B'] }] }`)), /malformed scope "A B"/)
  for (const security of [`[{}]`, `[{ apiKey: [], accessToken: [] }]`]) {
    await t.rejects(build(t, {}, routes(t, `{ hide: true, security: ${security} }`)), /must name one scheme/)
  }
})

test('a route of our own below /docs declares its access like any other', async (t) => {
  const folder = routes(t, `{ hide: true }`)
  const file = join(folder, 'thing', 'index.mjs')
  writeFileSync(file, readFileSync(file, 'utf8').replace('/things', '/docs/things'))
  await t.rejects(build(t, {}, folder), /GET \/docs\/things: schema.security is missing/)
})

test('an answer to who sent a credential is not for caches that others share', async (t) => {
  const { app, folder } = await build(t)
  const own = await app.inject(credentials({ 'x-api-key': adminKeyOf(folder) }))
  t.equal(own.headers['cache-control'], 'private, no-cache')
  t.equal((await app.inject('/users')).headers['cache-control'], undefined, 'what anybody gets')
})

test('a route that is open reads no credential', async (t) => {
  const { app } = await build(t, {}, routes(t, `{ hide: true, security: [] }`))
  const answer = await app.inject({ url: '/things', headers: { authorization: 'Bearer nonsense' } })
  t.match(answer, { statusCode: 200, body: 'anonymous' })
})

test('on loopback outside production anonymous callers read users, and no more', async (t) => {
  const { app } = await build(t, { ANONYMOUS_SCOPES: '' })
  t.equal((await app.inject('/users')).statusCode, 200)
  t.equal((await app.inject({ method: 'HEAD', url: '/users' })).statusCode, 200)
  const refused = await app.inject({ method: 'POST', url: '/users', payload: { name: 'A', email: 'a@example.com' } })
  t.equal(refused.statusCode, 401)
  t.match(refused.json(), { code: 'unauthenticated', detail: 'This operation needs a credential' })
  t.equal(refused.headers['www-authenticate'], 'Bearer realm="septet"')
})

test('in production anonymous callers may do nothing, and documents and health stay open', async (t) => {
  const { app } = await build(t, {
    NODE_ENV: 'production',
    SECRET: 's'.repeat(32),
    PUBLIC_URL: 'https://api.example.com',
    ANONYMOUS_SCOPES: '',
  })
  for (const url of ['/users', '/users/1', '/user?id=1', '/metrics', '/keys', '/audit-events']) {
    t.equal((await app.inject(url)).statusCode, 401, url)
    t.equal((await app.inject({ method: 'HEAD', url })).statusCode, 401, `HEAD ${url}`)
  }
  for (const url of ['/docs/json', '/docs/', '/docs/openapi-3.0.json', '/health/live', '/health/ready']) {
    t.equal((await app.inject(url)).statusCode, 200, url)
  }
})

test('the guard comes before validation and before the body is read', async (t) => {
  const { app } = await build(t, { ANONYMOUS_SCOPES: 'users:read' })
  const headers = { 'content-type': 'application/json' }
  t.equal((await app.inject({ method: 'POST', url: '/users', headers, payload: '{broken' })).statusCode, 401)
  t.equal((await app.inject({ method: 'DELETE', url: '/users/not-a-number' })).statusCode, 401)
})

test('a wrong credential is refused even where none is needed', async (t) => {
  const { app } = await build(t)
  const refused: [Record<string, string>, RegExp][] = [
    [{ authorization: 'Bearer nonsense' }, /neither an API key nor an access token/],
    [{ authorization: 'Basic YTpi' }, /Authorization must be: Bearer, then a token/],
    [{ authorization: 'Bearer a b' }, /Authorization must be: Bearer, then a token/],
    [{ authorization: 'Bearer' }, /Authorization must be: Bearer, then a token/],
    [{ authorization: '' }, /Authorization must be: Bearer, then a token/],
    [{ 'x-api-key': '' }, /X-API-Key must hold one key/],
    [{ 'x-api-key': 'spt_short' }, /typing error/],
    [{ authorization: `Bearer ${'a'.repeat(10_000)}` }, /neither an API key nor an access token/],
  ]
  for (const [headers, detail] of refused) {
    const answer = await app.inject(credentials(headers))
    t.match(answer.json(), { status: 401, code: 'unauthenticated', detail }, JSON.stringify(headers).slice(0, 80))
    t.equal(answer.headers['www-authenticate'], 'Bearer realm="septet", error="invalid_token"')
  }
})

test('two different credentials are one too many; the same one twice is one', async (t) => {
  const { app, folder } = await build(t)
  const key = adminKeyOf(folder)
  const both = (authorization: string) => app.inject(credentials({ 'x-api-key': key, authorization }))
  t.equal((await both(`Bearer ${key}`)).statusCode, 200)
  t.equal((await both(`bearer   ${key} `)).statusCode, 200, 'the scheme in any case (RFC 9110 section 11.1)')
  t.equal((await both(`Bearer   ${key}`)).statusCode, 200, 'and with more spaces')
  t.match((await both('Bearer other')).json(), { code: 'malformed-request', detail: /Send one credential/ })
})

test('a credential in the query is not read', async (t) => {
  const { app, folder } = await build(t, { ANONYMOUS_SCOPES: 'users:read' })
  const key = adminKeyOf(folder)
  t.equal((await app.inject({ method: 'DELETE', url: `/users/1?access_token=${key}` })).statusCode, 401)
  t.equal((await app.inject({ method: 'DELETE', url: `/users/1?api_key=${key}` })).statusCode, 401)
})

test('every operation of the document says who may call it, and what a refusal looks like', async (t) => {
  const { app } = await build(t)
  const { paths, components } = app.swagger() as unknown as {
    paths: Record<string, Record<string, { security?: unknown[]; responses: object; operationId: string }>>
    components: { securitySchemes: object }
  }
  const operations = Object.values(paths).flatMap((path) => Object.values(path))
  for (const { operationId, security } of operations) t.ok(Array.isArray(security), operationId)
  for (const { operationId, responses } of operations.filter(({ security }) => security?.length !== 0)) {
    t.match(responses, { 401: {}, 403: {} }, operationId)
  }
  t.match(components.securitySchemes, {
    apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
    accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
  })
})
