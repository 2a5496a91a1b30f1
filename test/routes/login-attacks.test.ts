import { mock } from 'node:test'
import { type Test, test } from 'tap'
import { startForgedIssuer } from '../browser/forged-issuer.ts'
import { startGitHub } from '../browser/github.ts'
import { startIssuer } from '../browser/issuer.ts'
import { arrive, challengeOf, comeBack, type Site, startSite } from '../browser/login-setup.ts'
import { locationOf, type Visit, Visitor } from '../browser/visitor.ts'

const app = 'https://app.example/done?tab=1'
const notBegun = { status: 403, detail: /not begun in this browser, is finished, or took too long/ }
const notTrusted = { status: 403, code: 'forbidden', detail: /gave no answer that can be trusted/ }

async function start(t: Test, settings: Record<string, string> = {}) {
  const issuer = await startForgedIssuer(t)
  const site = await startSite(t, { ...issuer.settings, LOGIN_REDIRECTS: app, ...settings })
  return { issuer, site }
}

const problemOf = ({ body }: Visit) => JSON.parse(body)
/** The URL that the provider sends the browser back to. */
const callbackOf = (visit: Visit) => locationOf(visit) ?? new URL('about:blank')

/** Finishes a login in whatever way the issuer has been told to. */
async function attempt(site: Site, visitor = new Visitor()): Promise<Visit> {
  return arrive(visitor, await comeBack(site, visitor, ''))
}

test('the issuer of these tests is believed while it does not lie', async (t) => {
  const { issuer, site } = await start(t)
  t.equal((await attempt(site)).status, 200)
  const [form] = issuer.redeemed
  t.same(
    [form?.get('grant_type'), form?.get('redirect_uri')],
    ['authorization_code', `${site.base}/auth/callback/oidc`],
  )
})

test('a login that was begun in one browser is not finished in another (login CSRF)', async (t) => {
  const { issuer, site } = await start(t)
  const [attacker, victim] = [new Visitor(), new Visitor()]
  const theirs = await comeBack(site, attacker, '')
  t.match(problemOf(await arrive(victim, theirs)), notBegun, 'a browser without a login')
  const begun = await comeBack(site, victim, '')
  const more = await comeBack(site, attacker, '')
  t.match(problemOf(await arrive(victim, more)), notBegun, 'a browser with a login of its own')
  t.match(problemOf(await arrive(attacker, more)), notBegun, 'and it is used up')
  t.equal((await arrive(victim, begun)).status, 200, 'its own is not')
  t.equal(issuer.redeemed.length, 1, 'no code but that one was redeemed')
  t.match(await site.audited(), ['sign-in.failed oidc: state of another browser'])
})

test('two cookies of one name, of which one was planted, are none', async (t) => {
  const { site } = await start(t)
  const attacker = new Visitor()
  const theirs = await comeBack(site, attacker, '')
  const planted = attacker.cookies.map(({ name, value }) => `${name}=${value}`).join()
  const cookie = `${planted}; septet-login=${'x'.repeat(43)}`
  t.match(problemOf(await new Visitor().ask(callbackOf(theirs), { headers: { cookie } })), notBegun)
})

test('a state that is missing, wrong, doubled or used is refused, and no code is redeemed', async (t) => {
  const { issuer, site } = await start(t)
  const visitor = new Visitor()
  const back = callbackOf(await comeBack(site, visitor, ''))
  const changed = (change: (parameters: URLSearchParams) => void) => {
    const url = new URL(back)
    change(url.searchParams)
    return url
  }
  const states = [
    changed((parameters) => parameters.delete('state')),
    changed((parameters) => parameters.set('state', '')),
    changed((parameters) => parameters.set('state', 'x'.repeat(43))),
    changed((parameters) => parameters.set('state', `${parameters.get('state')}\0`)),
    changed((parameters) => parameters.append('state', parameters.get('state') ?? '')),
  ]
  for (const url of states) t.match(problemOf(await visitor.ask(url)), notBegun, url.search)
  t.equal(issuer.redeemed.length, 0)
  t.equal((await visitor.ask(back)).status, 200)
  t.match(problemOf(await visitor.ask(back)), notBegun, 'used')
  t.equal(issuer.redeemed.length, 1)
})

test('of two windows of a browser that come back with one state, one gets in', async (t) => {
  const { site } = await start(t)
  const visitor = new Visitor()
  const back = callbackOf(await comeBack(site, visitor, ''))
  const both = await Promise.all([visitor.ask(back), visitor.ask(back)])
  t.same(both.map(({ status }) => status).sort(), [200, 403])
})

test('a login takes ten minutes at most', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  t.teardown(() => mock.timers.reset())
  const { issuer, site } = await start(t)
  const [visitor, late] = [new Visitor(), new Visitor()]
  const back = await comeBack(site, visitor, '')
  const tooLate = await comeBack(site, late, '')
  mock.timers.setTime(Date.now() + 599_000)
  t.equal((await arrive(visitor, back)).status, 200)
  mock.timers.setTime(Date.now() + 1000)
  t.match(problemOf(await arrive(late, tooLate)), notBegun)
  t.equal(issuer.redeemed.length, 1)
  await comeBack(site, visitor, '')
  await (await site.app.login.flow()).forget()
  t.equal((await site.rows('select provider from login_attempts')).length, 1, 'one that may still come back is kept')
})

test('the answer of one provider is not taken for that of another (mix-up)', async (t) => {
  const github = await startGitHub(t)
  const { issuer, site } = await start(t, github.settings)
  github.allow(site.base)
  const visitor = new Visitor()
  const back = callbackOf(await site.begin(visitor, 'github'))
  back.pathname = '/auth/callback/oidc'
  t.match(problemOf(await visitor.ask(back)), notBegun)
  const other = callbackOf(await site.begin(visitor, 'oidc'))
  other.pathname = '/auth/callback/github'
  t.match(problemOf(await visitor.ask(other)), notBegun)
  t.same([issuer.redeemed.length, github.requests.filter((request) => request.startsWith('POST')).length], [0, 0])
})

test('a code that was redeemed before is refused by the issuer, and so here', async (t) => {
  const issuer = await startIssuer(t)
  const site = await startSite(t, issuer.settings)
  issuer.allow(site.base)
  issuer.users.set('fatima', { email: 'fatima@example.com', email_verified: true })
  const visitor = new Visitor()
  const back = await comeBack(site, visitor, 'fatima')
  t.equal((await arrive(visitor, back)).status, 200)
  const again = callbackOf(await comeBack(site, visitor, 'fatima'))
  again.searchParams.set('code', callbackOf(back).searchParams.get('code') ?? '')
  t.match(problemOf(await visitor.ask(again)), notTrusted)
})

test('a code of another login is of no use: it needs the verifier of that one (PKCE)', async (t) => {
  const issuer = await startIssuer(t)
  const site = await startSite(t, issuer.settings)
  issuer.allow(site.base)
  issuer.users.set('victim', { email: 'victim@example.com', email_verified: true })
  issuer.users.set('mallory', { email: 'mallory@example.com', email_verified: true })
  const stolen = callbackOf(await comeBack(site, new Visitor(), 'victim')).searchParams.get('code') ?? ''
  const mallory = new Visitor()
  const injected = callbackOf(await comeBack(site, mallory, 'mallory'))
  injected.searchParams.set('code', stolen)
  t.match(problemOf(await mallory.ask(injected)), notTrusted)
  t.same(await site.rows('select id from identities'), [])
})

test('a redirect that is not listed to the letter is refused before anything is begun', async (t) => {
  const { issuer, site } = await start(t)
  const unlisted = [
    'https://evil.example/',
    'https://app.example/done',
    'https://app.example/done?tab=1&',
    'https://app.example/done?tab=1#x',
    'https://app.example/done?tab=2',
    'https://APP.example/done?tab=1',
    'https://app.example:443/done?tab=1',
    'https://app.example@evil.example/done?tab=1',
    'https://app.example.evil.example/done?tab=1',
    '//app.example/done?tab=1',
    '/auth/providers',
    'javascript:alert(1)',
  ]
  for (const redirect of unlisted) {
    const answer = await new Visitor().ask(`${site.base}/auth/login/oidc?${new URLSearchParams({ redirect })}`)
    t.match(problemOf(answer), { status: 400, code: 'validation-failed' }, redirect)
    t.equal(answer.headers.get('location'), null)
  }
  const doubled = new URLSearchParams([
    ['redirect', app],
    ['redirect', 'https://evil.example/'],
  ])
  t.equal((await new Visitor().ask(`${site.base}/auth/login/oidc?${doubled}`)).status, 400)
  t.same(issuer.requests, [])
  t.same(await site.rows('select provider from login_attempts'), [])
})

test('a challenge that is none is refused', async (t) => {
  const { site } = await start(t)
  for (const challenge of ['', 'x', `${challengeOf('x')}=`, `${challengeOf('x').slice(1)}+`]) {
    const answer = await new Visitor().ask(`${site.base}/auth/login/oidc?${new URLSearchParams({ challenge })}`)
    t.equal(answer.status, 400, challenge)
  }
})

test('nothing that a provider says of a failure is repeated to the browser', async (t) => {
  const { issuer, site } = await start(t)
  const script = '<script>alert(1)</script>'
  const reflected = /alert|evil|cookie/
  const known = ['access_denied', 'server_error', 'temporarily_unavailable', 'invalid_scope']
  for (const error of [...known, script, 'javascript:alert(1)', '\r\nset-cookie: x=1']) {
    issuer.parameters = { code: '', error, error_description: script, error_uri: 'https://evil.example/' }
    const shown = await attempt(site)
    t.equal(shown.headers.get('content-type'), 'application/problem+json')
    t.equal(shown.headers.get('x-content-type-options'), 'nosniff')
    t.match(shown.body, /"code":"(forbidden|unavailable)"/)
    t.notMatch(shown.body, reflected)
    const visitor = new Visitor()
    const sent = await arrive(visitor, await comeBack(site, visitor, '', { redirect: app }))
    const to = locationOf(sent)
    t.equal(to?.origin, 'https://app.example')
    t.match(to?.searchParams.get('error'), /^(forbidden|unavailable)$/)
    t.equal(to?.searchParams.get('tab'), '1')
    t.equal(to?.searchParams.get('code'), null)
    t.notMatch(sent.headers.get('location'), reflected)
  }
  t.notMatch(JSON.stringify(await site.rows('select detail from audit_events')), reflected)
})

test('a person who declines is told so', async (t) => {
  const issuer = await startIssuer(t)
  const site = await startSite(t, { ...issuer.settings, LOGIN_REDIRECTS: app })
  issuer.allow(site.base)
  for (const query of [{}, { redirect: app }]) {
    const visitor = new Visitor()
    const page = await site.begin(visitor, 'oidc', query)
    const back = await visitor.follow(await visitor.submit(page, { cancel: '1' }), ({ origin }) => origin === site.base)
    const end = await arrive(visitor, back)
    const told = locationOf(end)?.searchParams.get('error_description') ?? problemOf(end).detail
    t.equal(told, 'The login was declined at Example Issuer')
  }
})

test('a provider, redirect or code of another form is refused', async (t) => {
  const { site } = await start(t)
  for (const path of [
    '/auth/login/OIDC',
    '/auth/login/..%2Foidc',
    '/auth/login/__proto__',
    '/auth/callback/constructor',
  ]) {
    const { status } = await new Visitor().ask(`${site.base}${path}`)
    t.ok(status === 400 || status === 404, path)
  }
  for (const code of ['', 'x', 'x'.repeat(44), `${'x'.repeat(42)}'`]) {
    t.equal((await site.exchange(new Visitor(), code)).status, 400, code)
  }
  t.equal((await site.exchange(new Visitor(), 'x'.repeat(43))).status, 401)
})

test('one caller begins and fails at most 300 logins an hour', async (t) => {
  const { site } = await start(t)
  const visitor = new Visitor()
  const back = await comeBack(site, visitor, '')
  await site.run('update allowances set used = 299')
  const unknown = `${site.base}/auth/callback/oidc?state=x`
  t.equal((await visitor.ask(unknown)).status, 403)
  for (const url of [unknown, `${site.base}/auth/login/oidc`]) {
    const refused = await visitor.ask(url)
    t.match(problemOf(refused), { status: 429, code: 'rate-limited' })
    t.match(refused.headers.get('retry-after'), /^\d+$/)
  }
  t.equal((await site.exchange(visitor, 'x'.repeat(43))).status, 429)
  const end = await arrive(visitor, back)
  t.equal(end.status, 200, 'a login that was begun goes on')
  t.equal((await site.exchange(visitor, problemOf(end).code)).status, 200)
})
