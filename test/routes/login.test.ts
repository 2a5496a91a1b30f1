import { randomBytes } from 'node:crypto'
import { mock } from 'node:test'
import { type Test, test } from 'tap'
import { startIssuer } from '../browser/issuer.ts'
import { challengeOf, codeOf, logIn, type Site, signIn, startSite } from '../browser/login-setup.ts'
import { locationOf, Visitor } from '../browser/visitor.ts'
import { build } from '../helper.ts'

const app = 'http://127.0.0.1:9/app?tab=1'
const verifier = randomBytes(32).toString('base64url')
const challenge = challengeOf(verifier)
const fatima = { email: 'Fatima@example.com', email_verified: true, name: 'Fatima' }

/** A site, and an issuer that knows Fatima. */
async function start(t: Test, settings: Record<string, string> = {}) {
  const issuer = await startIssuer(t)
  const site = await startSite(t, {
    LOGIN_REDIRECTS: `${app}, https://app.example/done`,
    ...issuer.settings,
    ...settings,
  })
  issuer.allow(site.base)
  issuer.users.set('fatima', fatima)
  return { issuer, site }
}

const finished = async (site: Site, query: Record<string, string> = {}, visitor = new Visitor()) => {
  const end = await logIn(site, visitor, 'fatima', query)
  return { visitor, end, code: codeOf(end) }
}

test('without settings nobody can log in so: no provider is listed, none is found', async (t) => {
  const { app } = await build(t)
  t.same((await app.inject('/auth/providers')).json(), [])
  for (const url of ['/auth/login/google', '/auth/login/oidc', '/auth/callback/github?state=x']) {
    t.match((await app.inject(url)).json(), { status: 404, code: 'not-found' }, url)
  }
})

test('providers are listed with their name and the address where a browser begins', async (t) => {
  const { app } = await build(t, {
    PUBLIC_URL: 'https://api.example.com',
    GITHUB_CLIENT_ID: 'id',
    GITHUB_CLIENT_SECRET: 'secret',
    GOOGLE_CLIENT_ID: 'id',
    GOOGLE_CLIENT_SECRET: 'secret',
  })
  t.same((await app.inject('/auth/providers')).json(), [
    { id: 'google', label: 'Google', url: 'https://api.example.com/auth/login/google' },
    { id: 'github', label: 'GitHub', url: 'https://api.example.com/auth/login/github' },
  ])
})

test('a browser is sent to the provider with PKCE, state, nonce and the exact redirect URI, and gets a cookie', async (t) => {
  const { issuer, site } = await start(t)
  const begun = await new Visitor().ask(`${site.base}/auth/login/oidc`)
  t.equal(begun.status, 302)
  t.equal(begun.headers.get('cache-control'), 'no-store')
  t.match(begun.headers.get('set-cookie'), /^septet-login=[\w-]{43}; Path=\/auth; HttpOnly; SameSite=Lax; Max-Age=600$/)
  const { origin, searchParams } = locationOf(begun) ?? new URL(site.base)
  t.equal(origin, issuer.url)
  const { state, nonce, code_challenge, ...others } = Object.fromEntries(searchParams)
  for (const random of [state, nonce, code_challenge]) t.match(random, /^[\w-]{43}$/)
  t.same(others, {
    client_id: issuer.client.id,
    redirect_uri: `${site.base}/auth/callback/oidc`,
    response_type: 'code',
    scope: 'openid email profile',
    code_challenge_method: 'S256',
  })
  const head = await new Visitor().ask(`${site.base}/auth/login/oidc`, { method: 'HEAD' })
  t.equal(head.status, 405, 'a look begins nothing')
})

test('behind TLS the cookie is bound to this very host', async (t) => {
  const { app } = await build(t, {
    PUBLIC_URL: 'https://api.example.com',
    GITHUB_CLIENT_ID: 'id',
    GITHUB_CLIENT_SECRET: 'secret',
  })
  const begun = await app.inject('/auth/login/github')
  t.match(
    begun.headers['set-cookie'],
    /^__Host-septet-login=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=600$/,
  )
  t.match(begun.headers.location, /^https:\/\/github\.com\/login\/oauth\/authorize\?/)
})

test('a first login makes an account with a verified address and no password, and begins a session', async (t) => {
  const { site } = await start(t)
  const { visitor, end, code } = await finished(site)
  t.equal(end.status, 200)
  t.same(JSON.parse(end.body), { code, expiresIn: 60 })
  t.equal(end.headers.get('cache-control'), 'no-store')
  const session = await site.exchange(visitor, code)
  t.equal(session.status, 200)
  t.equal(session.headers.get('cache-control'), 'no-store')
  t.match(await site.me(session), { user: { name: 'Fatima', email: 'Fatima@example.com', emailVerified: true } })
  t.same(await site.rows('select role, password_hash from accounts'), [{ role: 'member', password_hash: null }])
  t.same(await site.audited(), [
    'account.signed-up oidc: F…@example.com',
    'identity.linked oidc: F…@example.com',
    'sign-in.succeeded oidc',
    'session.started',
  ])
  t.match(await site.app.notices.pending(), [{ kind: 'welcome', recipient: 'Fatima@example.com', name: 'Fatima' }])
})

test('the same person is known again by issuer and subject, whatever address they have by now', async (t) => {
  const { issuer, site } = await start(t)
  const first = await site.me(await signIn(site, 'fatima'))
  issuer.users.set('fatima', { email: 'other@example.com', email_verified: false })
  const second = await site.me(await signIn(site, 'fatima'))
  t.equal(second.user.id, first.user.id)
  t.equal(second.user.email, 'Fatima@example.com')
  issuer.users.set('thief', fatima)
  const third = await site.me(await signIn(site, 'thief'))
  t.equal(third.user.id, first.user.id, 'another subject with the verified address is a second identity')
  t.equal((await site.rows('select id from identities')).length, 2)
})

test('two logins of a new person at once make one account', async (t) => {
  const { site } = await start(t)
  const ends = await Promise.all([1, 2, 3].map(() => finished(site)))
  const callers = await Promise.all(ends.map(async ({ visitor, code }) => site.me(await site.exchange(visitor, code))))
  t.equal(new Set(callers.map(({ user }) => user.id)).size, 1)
  t.equal((await site.rows('select id from identities')).length, 1)
})

test('where the issuer puts the address into the ID token, UserInfo is not asked', async (t) => {
  const issuer = await startIssuer(t, {
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false }, userinfo: { enabled: false } },
  })
  const site = await startSite(t, issuer.settings)
  issuer.allow(site.base)
  issuer.users.set('fatima', fatima)
  t.match(await site.me(await signIn(site, 'fatima')), { user: { email: 'Fatima@example.com' } })
})

test('a listed redirect gets the code behind what it has, and nothing else', async (t) => {
  const { site } = await start(t)
  const { visitor, end, code } = await finished(site, { redirect: app })
  t.equal(end.status, 302)
  t.equal(end.headers.get('location'), `${app}&code=${code}`)
  t.equal(end.headers.get('referrer-policy'), 'no-referrer')
  t.equal((await site.exchange(visitor, code)).status, 200)
})

test('a code is exchanged by the browser that began the login, once', async (t) => {
  const { site } = await start(t)
  const { visitor, code } = await finished(site)
  const both = await Promise.all([site.exchange(visitor, code), site.exchange(visitor, code)])
  t.same(both.map(({ status }) => status).sort(), [200, 401])
  const again = await site.exchange(visitor, code)
  t.equal(again.status, 401)
  t.match(JSON.parse(again.body), { code: 'unauthenticated', detail: /wrong, used, expired, or of another browser/ })
  const { visitor: owner, code: stolen } = await finished(site)
  t.equal((await site.exchange(new Visitor(), stolen)).status, 401)
  t.equal((await site.exchange(owner, stolen)).status, 401, 'a code that somebody else has tried is gone')
})

test('a code is good for a minute', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  t.teardown(() => mock.timers.reset())
  const { site } = await start(t)
  const { visitor, code } = await finished(site)
  mock.timers.setTime(Date.now() + 60_000)
  t.equal((await site.exchange(visitor, code)).status, 401)
  await (await site.app.login.flow()).forget()
  t.same(await site.rows('select mac from login_codes'), [])
})

test('with a challenge, who knows the verifier exchanges the code of a redirect, and nobody else', async (t) => {
  const { site } = await start(t)
  const query = { redirect: app, challenge }
  const { code } = await finished(site, query)
  t.equal((await site.exchange(new Visitor(), code, verifier)).status, 200, 'from another origin, without the cookie')
  const without = await finished(site, query)
  t.equal((await site.exchange(without.visitor, without.code)).status, 401, 'the cookie does not stand in for it')
  const wrong = await finished(site, query)
  t.equal((await site.exchange(wrong.visitor, wrong.code, `${verifier}a`)).status, 401)
  t.equal((await site.exchange(wrong.visitor, wrong.code, verifier)).status, 401, 'one guess')
  const plain = await finished(site, { redirect: app })
  t.equal((await site.exchange(plain.visitor, plain.code, verifier)).status, 401, 'a verifier that was not asked for')
})

test('a code that is shown needs its browser, even with the verifier', async (t) => {
  const { site } = await start(t)
  const shown = await finished(site, { challenge })
  t.equal((await site.exchange(new Visitor(), shown.code, verifier)).status, 401)
  const { visitor, code } = await finished(site, { challenge })
  t.equal((await site.exchange(visitor, code, verifier)).status, 200)
})

test('identities are listed, and unlinked while there is another way to sign in', async (t) => {
  const { issuer, site } = await start(t)
  const session = await signIn(site, 'fatima')
  const [only] = JSON.parse((await site.as(session, 'GET', '/me/identities')).body)
  t.match(only, { provider: 'oidc', email: 'Fatima@example.com', createdAt: /Z$/, lastUsedAt: /Z$/ })
  const last = await site.as(session, 'DELETE', `/me/identities/${only.id}`)
  t.match(JSON.parse(last.body), { status: 409, detail: /last way to sign in/ })

  issuer.users.set('second', fatima)
  const other = await signIn(site, 'second')
  t.equal((await site.as(session, 'DELETE', `/me/identities/${only.id}`)).status, 204)
  t.equal((await site.as(session, 'GET', '/me')).status, 200, 'the session that asks goes on')
  t.equal((await site.as(other, 'GET', '/me')).status, 401, 'others end')
  t.equal((await site.as(session, 'DELETE', `/me/identities/${only.id}`)).status, 404)
  t.match(await site.audited(), /identity\.unlinked/)
  const key = { 'x-api-key': site.app.apiKeys.first ?? '' }
  t.equal((await site.app.inject({ url: '/me/identities', headers: key })).statusCode, 403, 'not for keys')
})

test('an identity of an issuer that is no longer set is no way to sign in, whatever its provider is called', async (t) => {
  const { site } = await start(t)
  const session = await signIn(site, 'fatima')
  const [only] = JSON.parse((await site.as(session, 'GET', '/me/identities')).body)
  const of = (id: string, provider: string, issuer: string) =>
    site.run(`insert into identities (id, user_id, provider, issuer, subject, email, created_at)
      select '${id}', user_id, '${provider}', '${issuer}', '${id}', email, created_at from identities limit 1`)
  await of('former-issuer', 'oidc', 'https://former.example')
  await of('former-provider', 'google', 'https://accounts.google.com')
  t.equal((await site.as(session, 'DELETE', `/me/identities/${only.id}`)).status, 409)
  t.same(await site.rows('select subject from unlinked_identities'), [])
})

test('an identity of somebody else is not found', async (t) => {
  const { issuer, site } = await start(t)
  issuer.users.set('ali', { email: 'ali2@example.com', email_verified: true })
  const [mine, theirs] = [await signIn(site, 'fatima'), await signIn(site, 'ali')]
  const [{ id }] = JSON.parse((await site.as(theirs, 'GET', '/me/identities')).body)
  t.equal((await site.as(mine, 'DELETE', `/me/identities/${id}`)).status, 404)
})

test('with the user everything of the login goes', async (t) => {
  const { site } = await start(t)
  const { visitor, code } = await finished(site)
  await site.run("delete from users where email_key = 'fatima@example.com'")
  t.same(await site.rows('select id from identities'), [])
  t.equal((await site.exchange(visitor, code)).status, 401)
})

test('nothing that opens a login or a session stands in the database or the log in clear', async (t) => {
  const { site } = await start(t, { LOG_LEVEL: 'trace' })
  const visitor = new Visitor()
  const begun = locationOf(await visitor.ask(`${site.base}/auth/login/oidc`))
  const { state = '', nonce = '' } = Object.fromEntries(begun?.searchParams ?? [])
  const cookie = visitor.cookies.find(({ name }) => name === 'septet-login')?.value ?? ''
  const { code } = await finished(site, {}, visitor)
  const tables = await Promise.all(
    ['login_attempts', 'login_codes', 'identities', 'audit_events'].map((table) => site.rows(`select * from ${table}`)),
  )
  t.same(
    tables.map((rows) => rows.length > 0),
    [true, true, true, true],
  )
  const everything = JSON.stringify([tables, site.logs()])
  for (const secret of [state, nonce, cookie, code]) {
    t.match(secret, /^[\w-]{43}$/)
    t.notMatch(everything, secret)
  }
})
