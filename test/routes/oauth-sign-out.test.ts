import type * as openid from 'openid-client'
import { test } from 'tap'
import { holdClock, hour } from '../auth/account-setup.ts'
import {
  allow,
  authorizationOf,
  Browser,
  fatima,
  hassan,
  type OpenServer,
  openServer,
  type Page,
  reports,
} from '../auth/oauth-setup.ts'

/** A browser in which a user has signed in and allowed what an application asks for, and the token it got. */
async function enter(server: OpenServer, config: openid.Configuration, person = fatima) {
  const browser = new Browser(server)
  const { url, redeem } = await authorizationOf(config)
  const { access_token } = await redeem(await allow(server, url, person, browser))
  /** What the application is told when it asks without a page: nothing when the user is signed in. */
  const told = async () => {
    const { url: none } = await authorizationOf(config, { prompt: 'none', scope: 'openid users:read' })
    return (await browser.open(none)).url.searchParams.get('error') ?? undefined
  }
  return { browser, access_token, told, page: await browser.open(`${server.issuer}/oauth/sign-out`) }
}

const tokenOf = ({ text }: Page) => /name="token" value="([^"]+)"/.exec(text)?.[1] ?? ''

async function signIn({ app }: OpenServer, { email, password }: typeof fatima) {
  const answer = await app.inject({ method: 'POST', url: '/auth/sign-in', payload: { email, password } })
  return { authorization: `Bearer ${answer.json<{ accessToken: string }>().accessToken}` }
}

test('a user signs out in one browser, and stays signed in in another', async (t) => {
  const server = await openServer(t)
  const userId = await server.join(fatima)
  const config = await server.discover(await server.client(reports))
  const [one, other] = [await enter(server, config), await enter(server, config)]
  // Sign-ins of one user within a second are one.
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const later = await enter(server, config)
  t.match(later.page.text, fatima.email)
  t.notMatch(later.page.text, '<script')
  t.match(later.page.headers.get('content-security-policy'), /^default-src 'none'.*frame-ancestors 'none'/)
  t.match(
    (await later.browser.press(later.page, 'sign-out', { token: tokenOf(later.page) })).text,
    'You are signed out',
  )
  t.equal(await later.told(), 'login_required')
  t.same([await one.told(), await other.told()], [undefined, undefined])
  t.equal(await server.status(later.access_token), 200, 'the application keeps what it was allowed')
  t.match((await later.browser.open(later.page.url)).text, 'You are signed out')
  t.match(await server.audited('sign-out.succeeded'), [{ principal: `user:${userId}`, target: `user:${userId}` }])
})

test('nobody else signs a user out', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  await server.join(hassan)
  const config = await server.discover(await server.client(reports))
  const { browser, page, told } = await enter(server, config)
  const attacker = await enter(server, config, hassan)
  const token = tokenOf(page)
  for (const origin of ['https://evil.example', 'null', 'https://sibling.localhost']) {
    t.equal((await browser.press(page, 'sign-out', { token }, { origin })).status, 400, origin)
  }
  for (const foreign of [tokenOf(attacker.page), 'A'.repeat(43), '']) {
    t.equal((await browser.press(page, 'sign-out', { token: foreign })).status, 400)
  }
  t.equal((await browser.press(page, 'sign-out')).status, 400, 'without its token')
  t.match((await new Browser(server).press(page, 'sign-out', { token })).text, 'You are signed out', 'with no cookie')
  t.equal(await told(), undefined)
  t.same(await server.audited('sign-out.succeeded'), [])
})

test('signing out everywhere ends every session of the user, in browsers too, and leaves keys and grants', async (t) => {
  const server = await openServer(t)
  const userId = await server.join(fatima)
  await server.join(hassan)
  const config = await server.discover(await server.client(reports))
  const [one, other] = [await enter(server, config), await enter(server, config, hassan)]
  const [mine, second, others] = [
    await signIn(server, fatima),
    await signIn(server, fatima),
    await signIn(server, hassan),
  ]
  const call = async (headers: Record<string, string>, method: 'GET' | 'DELETE' = 'GET') =>
    (await server.app.inject({ method, url: '/auth/sessions', headers })).statusCode
  const made = await server.app.inject({
    method: 'POST',
    url: '/keys',
    headers: mine,
    payload: { name: 'Script', scopes: ['users:read'] },
  })
  t.equal(await call({ authorization: `Bearer ${one.access_token}` }, 'DELETE'), 403, 'by no application')
  t.equal(await call(mine, 'DELETE'), 204)
  t.same([await call(mine), await call(second), await call(others)], [401, 401, 200])
  t.same([await one.told(), await other.told()], ['login_required', undefined])
  t.equal(await server.status(one.access_token), 200)
  t.equal(await server.status(made.json<{ key: string }>().key), 200)
  t.match(await server.audited('session.all-revoked'), [{ principal: `user:${userId}`, target: `user:${userId}` }])
})

test('requests that are under way bring no session back', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const { told } = await enter(server, await server.discover(await server.client(reports)))
  const headers = await signIn(server, fatima)
  await Promise.all([
    ...Array.from({ length: 5 }, told),
    server.app.inject({ method: 'DELETE', url: '/auth/sessions', headers }),
    ...Array.from({ length: 5 }, told),
  ])
  t.equal(await told(), 'login_required')
})

test('a page that was open when its user signed out everywhere gives nothing away', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const config = await server.discover(await server.client(reports))
  const browser = new Browser(server)
  const asked = await browser.signIn(await browser.open((await authorizationOf(config)).url), fatima)
  const headers = await signIn(server, fatima)
  await server.app.inject({ method: 'DELETE', url: '/auth/sessions', headers })
  t.match((await browser.press(asked, 'allow')).text, 'Sign in')
  t.same(await server.rows(`select model from oauth_payloads where model = 'Grant'`), [])
  t.same(await server.audited('consent.granted'), [])
})

test('a session on the pages ends twelve hours after the sign-in, however much it is used', async (t) => {
  const advance = holdClock(t)
  const server = await openServer(t)
  await server.join(fatima)
  const { told, page, browser } = await enter(server, await server.discover(await server.client(reports)))
  for (let passed = 0; passed < 11; passed += 1) {
    advance(hour)
    t.equal(await told(), undefined)
  }
  advance(hour)
  t.equal(await told(), 'login_required')
  t.match((await browser.open(page.url)).text, 'You are signed out')
  await server.app.oauth.forgetExpired()
  t.same(await server.rows('select user_id from oauth_sign_ins'), [])
  t.same(await server.rows(`select model from oauth_payloads where model = 'Session' and user_id is not null`), [])
})
