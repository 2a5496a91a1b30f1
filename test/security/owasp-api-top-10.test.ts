/** One test or more a row of the OWASP API Security Top 10 of 2023, tried over the listener. */

import { request } from 'node:http'
import { test } from 'tap'
import { openOutside, password } from './visitor.ts'

test('API1 broken object level authorization: what belongs to somebody else is not found', async (t) => {
  const { ask, join, admin } = await openOutside(t)
  const [one, other] = [await join('one@example.com'), await join('other@example.com')]
  const key = await ask('POST', '/keys', {
    credential: one.accessToken,
    body: { name: 'mine', scopes: ['users:read'] },
  })
  t.equal(key.status, 201)
  const sessions = await ask('GET', '/auth/sessions', { credential: one.accessToken })
  const tries: [string, string, unknown?][] = [
    ['GET', `/keys/${key.json.id}`],
    ['PATCH', `/keys/${key.json.id}`, { name: 'theirs' }],
    ['POST', `/keys/${key.json.id}/rotate`, {}],
    ['DELETE', `/keys/${key.json.id}`],
    ['DELETE', `/auth/sessions/${sessions.json[0].id}`],
  ]
  for (const [method, path, body] of tries) {
    t.equal((await ask(method, path, { credential: other.accessToken, body })).status, 404, `${method} ${path}`)
  }
  const theirs = await ask('GET', '/keys', { credential: other.accessToken })
  t.same(theirs.json, [])
  t.equal((await ask('GET', '/users', { credential: key.json.key })).status, 200, 'and nothing has happened to it')
  t.equal((await ask('DELETE', `/keys/${key.json.id}`, { credential: admin })).status, 204, 'an administrator may')
})

test('API2 broken authentication: guessing is locked out, and forged tokens are refused', async (t) => {
  const { ask, join } = await openOutside(t)
  const { accessToken, email } = await join('one@example.com')
  const statuses: number[] = []
  for (let guess = 0; guess < 7; guess += 1) {
    statuses.push((await ask('POST', '/auth/sign-in', { body: { email, password: `a wrong phrase ${guess}` } })).status)
  }
  t.same(statuses, [401, 401, 401, 401, 401, 429, 429])
  const locked = await ask('POST', '/auth/sign-in', { body: { email, password } })
  t.equal(locked.status, 429, 'the right password does not tell itself while locked')
  t.ok(Number(locked.headers.get('retry-after')) >= 1)

  const [head = '', payload = '', signature = ''] = accessToken.split('.')
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const forged = [
    `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
    `${head}.${encode({ ...claims, scope: 'admin' })}.${signature}`,
    `${head}.${encode({ ...claims, sub: '1' })}.${signature}`,
    `${head}.${payload}.${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`,
    `${head}.${payload}`,
  ]
  for (const credential of forged)
    t.equal((await ask('GET', '/me', { credential })).status, 401, credential.slice(0, 30))
  t.equal((await ask('GET', '/me', { credential: accessToken })).status, 200)
})

test('API2 broken authentication: a stolen refresh token that is used twice ends the session', async (t) => {
  const { ask, join } = await openOutside(t)
  const { accessToken, refreshToken } = await join('one@example.com')
  const owner = await ask('POST', '/auth/refresh', { body: { refreshToken } })
  t.equal(owner.status, 200)
  t.equal((await ask('POST', '/auth/refresh', { body: { refreshToken } })).status, 401, 'the thief')
  const next = { refreshToken: owner.json.refreshToken }
  t.equal((await ask('POST', '/auth/refresh', { body: next })).status, 401, 'and the owner, who signs in again')
  for (const credential of [accessToken, owner.json.accessToken]) {
    t.equal((await ask('GET', '/me', { credential })).status, 401)
  }
})

test('API3 broken object property level authorization: no property is set or told that is not declared', async (t) => {
  const { ask, join, admin } = await openOutside(t)
  const { accessToken, id } = await join('one@example.com')
  const role = await ask('POST', '/auth/sign-up', {
    body: { name: 'A', email: 'a@example.com', password, role: 'admin' },
  })
  t.match(role.json, { status: 400, errors: [{ in: 'body', pointer: '/role' }] })
  for (const property of ['id', 'version', 'createdAt', 'passwordHash', 'emailKey', 'email_key', '__proto__']) {
    const body = JSON.parse(`{"name":"A","email":"p@example.com","${property}":1}`)
    t.equal((await ask('POST', '/users', { credential: admin, body })).status, 400, property)
  }
  const shown = await ask('GET', `/users/${id}`, { credential: accessToken })
  t.same(Object.keys(shown.json).sort(), ['createdAt', 'email', 'id', 'name', 'updatedAt'])
  const me = await ask('GET', '/me', { credential: accessToken })
  t.notMatch(me.text, /hash|argon2/i)
  const wide = { name: 'wide', scopes: ['admin'] }
  t.equal((await ask('POST', '/keys', { credential: accessToken, body: wide })).status, 403)
})

test('API4 unrestricted resource consumption: size, pages, headers and floods of sign-ups are limited', async (t) => {
  const { ask, admin, base } = await openOutside(t)
  t.equal((await ask('GET', '/users?limit=101', { credential: admin })).status, 400)
  const large = { name: 'x'.repeat(2_000_000), email: 'a@example.com' }
  t.equal((await ask('POST', '/users', { credential: admin, body: large })).status, 413)
  t.equal(
    (await ask('POST', '/auth/sign-in', { body: { email: 'a@example.com', password: 'x'.repeat(5000) } })).status,
    400,
  )
  const header = await new Promise<number | undefined>((resolve, reject) => {
    request(`${base}/users`, { headers: { 'x-large': 'x'.repeat(20_000) } }, (response) => resolve(response.statusCode))
      .once('error', reject)
      .end()
  })
  t.equal(header, 431)
  const statuses = new Set<number>()
  for (let count = 0; count < 35; count += 1) {
    const body = { name: 'A', email: `flood-${count}@example.com`, password }
    statuses.add((await ask('POST', '/auth/sign-up', { body })).status)
  }
  t.same([...statuses], [202, 429])
})

test('API5 broken function level authorization: each operation refuses who lacks its scope, and anonymous callers', async (t) => {
  const { app, ask, admin } = await openOutside(t)
  const none = await ask('POST', '/keys', { credential: admin, body: { name: 'other', scopes: ['metrics:read'] } })
  const guarded = [...app.contract.values()].filter(({ access }) => access !== undefined)
  t.ok(guarded.length > 15)
  for (const { operationId, method, url } of guarded) {
    const path = url.replaceAll(/:\w+/g, '1')
    t.equal((await ask(String(method), path)).status, 401, `${operationId} without a credential`)
  }
  for (const { operationId, method, url } of guarded.filter(({ access }) => access?.scopes.length)) {
    const answer = await ask(String(method), url.replaceAll(/:\w+/g, '1'), { credential: none.json.key })
    t.match(answer.json, { status: 403, code: 'forbidden' }, operationId)
  }
  const personal = guarded.filter(({ access }) => access?.kinds.has('api-key') === false)
  t.ok(personal.length > 2)
  for (const { operationId, method, url } of personal) {
    const answer = await ask(String(method), url.replaceAll(/:\w+/g, '1'), { credential: admin })
    t.match(answer.json, { status: 403, code: 'forbidden' }, `${operationId} by an administrator's key`)
  }
})

test('API6 unrestricted access to sensitive business flows: one address is not flooded with messages', async (t) => {
  const { app, ask, join } = await openOutside(t)
  const { email } = await join('one@example.com')
  const before = (await app.notices.pending()).length
  for (let count = 0; count < 8; count += 1) {
    t.equal((await ask('POST', '/auth/request-password-reset', { body: { email } })).status, 202)
  }
  await app.accounts.afterwards.done()
  t.equal((await app.notices.pending()).length - before, 3)
})

test('API7 server side request forgery: what is called for others is guarded, and no other address is fetched', async (t) => {
  const { app, ask, admin } = await openOutside(t)
  const inputs = [...app.contract.values()].flatMap(({ operationId, params, querystring, body }) =>
    [params, querystring, body].flatMap((part) =>
      Object.entries(part?.properties ?? {}).map(([name, schema]) => ({ operationId, name, format: schema.format })),
    ),
  )
  t.ok(inputs.length > 20)
  const neverFetched = ['redirectUris']
  // By OutboundGuard: test/outbound holds it, and its names at each connection.
  const guarded = ['createEndpoint.url', 'updateEndpoint.url']
  t.same(
    inputs
      .filter(({ name, format }) => format === 'uri' || /url|uri|host|webhook|callback/i.test(name))
      .filter(({ name }) => !neverFetched.includes(name))
      .map(({ operationId, name }) => `${operationId}.${name}`),
    guarded,
    'whoever adds one has to guard it (resolve, judge, pin the address) and to say so here',
  )
  const inside = ['http://127.0.0.1/', 'https://[::ffff:169.254.169.254]/', 'https://10.0.0.1/', 'https://localhost/']
  for (const url of [...inside, 'file:///etc/passwd', 'https://user:secret@example.com/']) {
    const { status, json } = await ask('POST', '/webhooks', { credential: admin, body: { url } })
    t.match({ status, json }, { status: 400, json: { errors: [{ pointer: '/url' }] } }, url)
  }
})

test('API8 security misconfiguration: errors tell nothing, headers protect, other origins and methods get nothing', async (t) => {
  const { ask, admin, base } = await openOutside(t)
  const broken = await ask('GET', '/users/1%00', { credential: admin })
  t.notMatch(broken.text, /at \w+ \(|node_modules|\.ts:|sqlite/i)
  for (const path of ['/users', '/users/99999', '/nothing', '/me']) {
    const { headers } = await ask('GET', path)
    t.equal(headers.get('x-content-type-options'), 'nosniff', path)
    t.match(headers.get('content-security-policy'), /default-src 'none'/, path)
    t.equal(headers.get('x-powered-by'), null)
    t.equal(headers.get('server'), null)
  }
  const foreign = await ask('GET', '/users', { credential: admin, headers: { origin: 'https://evil.example' } })
  t.equal(foreign.headers.get('access-control-allow-origin'), null)
  const rebound = await new Promise<number | undefined>((resolve, reject) => {
    request(`${base}/users`, { headers: { host: 'evil.example' } }, (response) => resolve(response.statusCode))
      .once('error', reject)
      .end()
  })
  t.equal(rebound, 421)
  const traced = await new Promise<number | undefined>((resolve, reject) => {
    request(`${base}/users`, { method: 'TRACE' }, (response) => resolve(response.statusCode))
      .once('error', reject)
      .end()
  })
  t.equal(traced, 405)
})

test('API9 improper inventory management: every route is an operation of the document, or one of the few that are not', async (t) => {
  const { app, ask } = await openOutside(t)
  const documented = (await ask('GET', '/docs/json')).json
  const described = Object.entries(documented.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const offered = [...app.contract.values()].map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`)
  t.same(described.sort(), offered.sort())
  t.equal(documented.info.version, '1.0.0')
})
