import type { ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import { type Test, test } from 'tap'
import { startForgedIssuer } from '../browser/forged-issuer.ts'
import { startIssuer } from '../browser/issuer.ts'
import { arrive, comeBack, type Site, signIn, startSite } from '../browser/login-setup.ts'
import { locationOf, type Visit, Visitor } from '../browser/visitor.ts'

const down = { status: 503, code: 'unavailable' }
const problemOf = ({ body }: Visit) => JSON.parse(body)

async function start(t: Test, settings: Record<string, string> = {}) {
  const issuer = await startForgedIssuer(t)
  return { issuer, site: await startSite(t, { ...issuer.settings, ...settings }) }
}

const begin = ({ base }: Site) => new Visitor().ask(`${base}/auth/login/oidc`)

async function attempt(site: Site, query: Record<string, string> = {}): Promise<Visit> {
  const visitor = new Visitor()
  return arrive(visitor, await comeBack(site, visitor, '', query))
}

const answer =
  (path: string, send: (response: ServerResponse) => void) => (asked: string, response: ServerResponse) => {
    if (asked !== path) return false
    send(response)
    return true
  }

const discovery = '/.well-known/openid-configuration'

test('a provider that is down when a login begins is told as that, and asked again when it is up', async (t) => {
  const issuer = await startIssuer(t)
  const site = await startSite(t, issuer.settings)
  t.match(problemOf(await begin(site)), { ...down, detail: /Example Issuer cannot be reached/ })
  issuer.allow(site.base)
  issuer.users.set('fatima', { email: 'fatima@example.com', email_verified: true })
  t.equal((await signIn(site, 'fatima')).status, 200)
})

test('a provider that goes down before the browser is back is told as that, with and without a redirect', async (t) => {
  const { issuer, site } = await start(t, { LOGIN_REDIRECTS: 'https://app.example/' })
  issuer.instead = answer('/token', (response) => response.destroy())
  t.match(problemOf(await attempt(site)), { ...down, detail: 'Forged does not answer: try again later' })
  const sent = await attempt(site, { redirect: 'https://app.example/' })
  t.equal(locationOf(sent)?.searchParams.get('error'), 'unavailable')
  t.match((await site.audited()).slice(-1), ['sign-in.failed oidc: provider down'])
})

test('a provider that answers with failures, too much, or elsewhere, is down', async (t) => {
  const { issuer, site } = await start(t)
  const large = JSON.stringify({ access_token: 'x'.repeat(300_000) })
  const answers: [string, (response: ServerResponse) => void][] = [
    ['500', (response) => response.writeHead(500).end()],
    ['503', (response) => response.writeHead(503, { 'retry-after': '3600' }).end('{}')],
    ['429', (response) => response.writeHead(429).end()],
    ['too large', (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(large)],
  ]
  for (const [what, send] of answers) {
    for (const path of [discovery, '/token']) {
      const fresh = await startSite(t, issuer.settings)
      issuer.instead = answer(path, send)
      const end = path === discovery ? await begin(fresh) : await attempt(fresh)
      t.match(problemOf(end), down, `${path} ${what}`)
    }
  }
  issuer.instead = answer('/token', (response) =>
    response.writeHead(307, { location: `${issuer.url}/elsewhere` }).end(),
  )
  t.match(problemOf(await attempt(site)), { status: 403 }, 'a redirect')
  t.notOk(issuer.requests.includes('/elsewhere'), 'is not followed: it would get the secret and the code')
})

test('a provider that never ends its answer is left after five seconds', async (t) => {
  const slow = (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const drip = setInterval(() => response.write(' '), 100)
    response.on('close', () => clearInterval(drip))
  }
  const [early, late] = await Promise.all([start(t), start(t)])
  early.issuer.instead = answer(discovery, slow)
  late.issuer.instead = answer('/token', slow)
  const begun = performance.now()
  for (const end of await Promise.all([begin(early.site), attempt(late.site)])) t.match(problemOf(end), down)
  const seconds = (performance.now() - begun) / 1000
  t.ok(seconds > 4 && seconds < 9, `${seconds.toFixed(1)} s`)
})

test('an issuer that publishes another name, or nothing to verify with, or a URL without TLS, is not used', async (t) => {
  const { issuer } = await start(t)
  const lies = [
    { issuer: 'https://accounts.google.com' },
    { issuer: undefined },
    { authorization_endpoint: undefined },
    { authorization_endpoint: 'javascript:alert(1)' },
  ]
  for (const metadata of lies) {
    issuer.metadata = metadata
    const fresh = await startSite(t, issuer.settings)
    t.match(problemOf(await begin(fresh)), down, JSON.stringify(metadata))
  }
  const later = [
    { jwks_uri: undefined },
    { jwks_uri: 'http://192.0.2.1/jwks' },
    { token_endpoint: undefined },
    { token_endpoint: 'http://192.0.2.1/token' },
  ]
  for (const metadata of later) {
    issuer.metadata = metadata
    const fresh = await startSite(t, issuer.settings)
    const { status } = await attempt(fresh)
    t.ok(status === 403 || status === 503, JSON.stringify(metadata))
    t.same(await fresh.rows('select id from identities'), [])
  }
})

test('the issuer is discovered once for many logins', async (t) => {
  const { issuer, site } = await start(t)
  await Promise.all([attempt(site), attempt(site), attempt(site)])
  await attempt(site)
  t.equal(issuer.requests.filter((path) => path === discovery).length, 1)
})

test('secrets and what a provider answers stay out of the log', async (t) => {
  const { issuer, site } = await start(t, { LOG_LEVEL: 'trace' })
  issuer.instead = answer('/token', (response) => {
    response.writeHead(400, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: 'invalid_grant', error_description: 'CONFIDENTIAL', more: 'CONFIDENTIAL' }))
  })
  t.match(problemOf(await attempt(site)), { status: 403 })
  const logged = JSON.stringify(site.logs())
  t.match(logged, /invalid_grant.*a login failed at the provider/)
  t.notMatch(logged, /CONFIDENTIAL/)
  t.notMatch(logged, /code-0/)
})
