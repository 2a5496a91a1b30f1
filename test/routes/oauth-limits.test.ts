import { test } from 'tap'
import { allow, authorizationOf, Browser, fatima, machine, openServer, reports } from '../auth/oauth-setup.ts'

const form = { grant_type: 'client_credentials', scope: 'users:read' }

test('a parameter that is too long is refused with its name, and nothing is kept of it', async (t) => {
  const server = await openServer(t)
  const config = await server.discover(await server.client(reports))
  for (const [name, most] of [
    ['state', 4096],
    ['nonce', 512],
    ['scope', 2048],
    ['redirect_uri', 1024],
    ['login_hint', 512],
    ['client_id', 512],
    ['ui_locales', 512],
    ['code_challenge', 512],
    ['prompt', 512],
  ] as const) {
    const { url } = await authorizationOf(config, { [name]: 'a'.repeat(most + 1) })
    const page = await new Browser(server).open(url)
    t.equal(page.status, 400, name)
    t.equal(page.url.origin, server.issuer, 'and nobody is sent on')
    t.match(page.text, `${name} must not be longer than ${most} characters (invalid_request)`)
    t.notMatch(page.text, 'aaaa')
  }
  t.same(await server.rows('select model from oauth_payloads'), [])
  await server.join(fatima)
  const state = 'a'.repeat(4096)
  const { url } = await authorizationOf(config, { state, nonce: 'b'.repeat(512) })
  t.equal((await allow(server, url)).searchParams.get('state'), state)
})

test('at the other endpoints too', async (t) => {
  const server = await openServer(t)
  const client = await server.client(machine)
  for (const [path, name, most] of [
    ['/oauth/token', 'scope', 2048],
    ['/oauth/token', 'refresh_token', 512],
    ['/oauth/token', 'code', 512],
    ['/oauth/token', 'client_secret', 512],
    ['/oauth/introspect', 'token', 4096],
    ['/oauth/revoke', 'token', 4096],
    ['/oauth/revoke', 'token_type_hint', 512],
  ] as const) {
    const answer = await server.send(path, client, { ...form, token: 'x', [name]: 'a'.repeat(most + 1) })
    t.match(answer, { status: 400, body: { error: 'invalid_request' } }, `${path} ${name}`)
    t.equal(answer.body.error_description, `${name} must not be longer than ${most} characters`)
  }
  const huge = await server.send('/oauth/token', client, { ...form, other: 'a'.repeat(100_000) })
  t.match(huge, { status: 400, body: { error: 'invalid_request' } })
  t.same(await server.rows('select model from oauth_payloads'), [])
  const unknown = await server.send('/oauth/token', client, { ...form, scope: 'users:read users:fly users:read' })
  t.equal(unknown.body.scope, 'users:read', 'of scopes that are unknown nothing is kept')
})
