import { test } from 'tap'
import {
  allow,
  authorizationOf,
  Browser,
  callback,
  fatima,
  hassan,
  type OpenServer,
  openServer,
  reports,
} from '../auth/oauth-setup.ts'

/** A server with a client and Fatima, and a browser that asks for access. */
async function openPage(server: OpenServer, more: Record<string, string> = {}, browser = new Browser(server)) {
  const config = await server.discover(await server.client({ ...reports, name: `Reports "&' <script>` }))
  const { url, redeem } = await authorizationOf(config, more)
  return { browser, config, redeem, url, page: await browser.open(url) }
}

test('the pages run no script, load nothing, are framed nowhere, and escape what they show', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const { browser, page } = await openPage(server, { login_hint: '"><script>alert(1)</script>' })
  const asked = await browser.signIn(page, fatima)
  for (const { headers, text, status } of [page, asked]) {
    t.equal(status, 200)
    t.equal(headers.get('content-type'), 'text/html; charset=utf-8')
    const policy = headers.get('content-security-policy') ?? ''
    t.match(
      policy,
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'self' https:\/\/reports\.example\.com; frame-/,
    )
    t.match(policy, /frame-ancestors 'none'; base-uri 'none'$/)
    t.equal(headers.get('cache-control'), 'no-store')
    t.match(text, 'Reports &quot;&amp;&#39; &lt;script&gt;')
    t.notMatch(text, '<script')
    t.notMatch(text, /https?:\/\//)
  }
  t.match(page.text, /<label for="email">.*<label for="password">/s)
  t.match(page.text, 'value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"')
})

test('a wrong password is told as a sign-in tells it, is not repeated, and locks as there', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const { browser, page } = await openPage(server)
  const wrong = { email: fatima.email, password: 'not the password' }
  const refused = await browser.signIn(page, wrong)
  t.match(refused, { status: 401, text: /role="alert"[^>]*>The address or the password is wrong</ })
  t.match(refused.text, `value="${fatima.email}"`)
  t.notMatch(refused.text, wrong.password)
  for (let count = 0; count < 4; count += 1) await browser.signIn(page, wrong)
  const locked = await browser.signIn(page, fatima)
  t.match(locked, { status: 429, text: 'Too many attempts' })
  t.ok(locked.headers.get('retry-after'))
  t.equal((await server.audited('sign-in.failed')).length, 5)
  t.same(await server.audited('sign-in.succeeded'), [])
})

test('whoever denies, on either page, is sent back with nothing', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const { browser, page } = await openPage(server, { state: 'the-state' })
  const early = (await browser.press(page, 'deny')).url
  t.equal(early.origin + early.pathname, callback)
  t.match(Object.fromEntries(early.searchParams), { error: 'access_denied', state: 'the-state', iss: server.issuer })
  const again = await openPage(server)
  const late = (await again.browser.press(await again.browser.signIn(again.page, fatima), 'deny')).url
  t.match(Object.fromEntries(late.searchParams), { error: 'access_denied' })
  t.equal(late.searchParams.get('code'), null)
  t.same(await server.audited('consent.granted'), [])
  t.same(await server.rows(`select model from oauth_payloads where model = 'Grant'`), [])
})

test('no other site and no other browser answers for the user', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const { browser, page } = await openPage(server)
  const asked = await browser.signIn(page, fatima)
  const attacker = await openPage(server)
  const refused = { status: 400, text: 'This page has expired' }
  t.match(await new Browser(server).press(asked, 'allow'), refused, 'without the cookie')
  t.match(await attacker.browser.press(asked, 'allow'), refused, 'with the cookies of another browser')
  for (const origin of ['https://evil.example', 'null', 'http://localhost:1']) {
    t.match(await browser.press(asked, 'allow', {}, { origin }), refused, origin)
  }
  const foreign = { ...asked, url: attacker.page.url }
  t.match(await browser.press(foreign, 'allow'), refused, 'the page of another')
  t.match(await new Browser(server).open(asked.url), refused)
  t.match(await browser.signIn(asked, fatima), refused, 'an answer to another question')
  t.same(await server.audited('consent.granted'), [])
  t.ok((await browser.press(asked, 'allow')).url.searchParams.get('code'), 'the user still can')
  t.match(await browser.press(asked, 'allow'), refused, 'once')
})

test('cookies of an interaction that a sibling domain has planted have nobody sign in for it', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const attacker = await openPage(server)
  const victim = new Browser(server)
  for (const [key, cookie] of attacker.browser.cookies) {
    // Over TLS the name of this one begins with `__Host-`: no sibling can plant it.
    if (!key.startsWith('septet-oauth-browser')) victim.cookies.set(key, cookie)
  }
  t.match(await victim.open(attacker.page.url), { status: 400, text: 'This page has expired' })
  t.match(await victim.signIn(attacker.page, fatima), { status: 400, text: 'This page has expired' })
  await victim.open(attacker.page.url.href.replace(/\/interaction\/.*/, '/authorize'))
  t.match(await victim.open(attacker.page.url), { status: 400, text: 'This page has expired' }, 'nor with its own')
  t.match((await attacker.browser.signIn(attacker.page, fatima)).text, 'Allow Reports', 'its own browser goes on')
})

test('an answer that was given in one browser is not taken from another that has the cookies for it planted', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const attacker = await openPage(server)
  const victim = new Browser(server)
  await victim.open((await authorizationOf(attacker.config)).url)
  const asked = await attacker.browser.signIn(attacker.page, fatima)
  attacker.browser.stopsAt = /^\/oauth\/authorize\//
  const { url: next } = await attacker.browser.press(asked, 'allow')
  for (const [key, planted] of attacker.browser.cookies) {
    if (!/^(__Host-)?septet-oauth-browser/.test(key)) victim.cookies.set(key, planted)
  }
  const refused = { status: 400, text: 'This page has expired' }
  t.match(await victim.open(next), refused)
  t.match(await victim.open(next.href.split('?', 1).join()), refused)
  t.match(await victim.open(next.href.replace(/browser=.*/, 'browser=A&browser=B')), refused)
  t.match(await new Browser(server).open(next), refused)
  t.ok((await attacker.browser.open(next)).url.searchParams.get('code'), 'its own browser goes on')
})

test('a form that was tampered with is refused', async (t) => {
  const server = await openServer(t)
  const { browser, page } = await openPage(server)
  t.equal((await browser.press(page, 'become-admin')).status, 400)
  t.equal((await browser.press(page, 'sign-in', { email: 'x'.repeat(300), password: '' })).status, 400)
  t.equal((await browser.press(page, 'sign-in', { role: 'admin' })).status, 400)
  const json = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }
  t.equal((await fetch(page.url, json)).status, 415)
})

test('cookies are for this server alone, and over TLS alone where it is named so', async (t) => {
  for (const [settings, secure] of [
    [{}, false],
    [{ PUBLIC_URL: 'https://api.example.com' }, true],
  ] as const) {
    const server = await openServer(t, settings)
    await server.join(fatima)
    const { id } = await server.client(reports)
    const url = new URL(`${server.issuer}/oauth/authorize`)
    const challenge = { code_challenge: 'A'.repeat(43), code_challenge_method: 'S256' }
    const request = { client_id: id, response_type: 'code', scope: 'openid', redirect_uri: callback, ...challenge }
    url.search = String(new URLSearchParams(request))
    const browser = new Browser(server)
    t.match((await browser.signIn(await browser.open(url), fatima)).text, 'Allow Reports')
    const lines = [...browser.cookies.values()].map(({ line }) => line)
    t.ok(lines.length >= 6, 'each is signed')
    for (const line of lines) {
      t.match(line, /; httponly/i)
      t.match(line, /; samesite=lax/i)
      t.equal(/; secure/i.test(line), secure, line)
    }
    t.equal(lines.filter((line) => line.startsWith(`${secure ? '__Host-' : ''}septet_oauth_session`)).length, 2)
    t.equal(lines.filter((line) => line.startsWith(`${secure ? '__Host-' : ''}septet-oauth-browser`)).length, 1)
  }
})

test('a cookie that this server has not signed is none', async (t) => {
  const server = await openServer(t)
  const { browser, page } = await openPage(server)
  for (const [key, cookie] of browser.cookies) {
    if (key.includes('.sig')) browser.cookies.set(key, { ...cookie, value: 'A'.repeat(27) })
  }
  t.match(await browser.open(page.url), { status: 400, text: 'This page has expired' })
})

test('who is signed in is not asked again, unless the application wants it', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const { browser, config, url } = await openPage(server)
  const none = await authorizationOf(config, { prompt: 'none' })
  t.equal((await browser.open(none.url)).url.searchParams.get('error'), 'login_required')
  await allow(server, url, fatima, browser)
  t.ok((await browser.open((await authorizationOf(config, { prompt: 'none' })).url)).url.searchParams.get('code'))
  t.match((await browser.open((await authorizationOf(config, { prompt: 'login' })).url)).text, 'Sign in')
  const wider = await authorizationOf(config, { prompt: 'none', scope: 'openid keys:read' })
  t.equal((await browser.open(wider.url)).url.searchParams.get('error'), 'consent_required')
})

test('a user goes on with another account, also where a session of the first is there already', async (t) => {
  const server = await openServer(t)
  const userId = await server.join(fatima)
  const other = await server.join(hassan)
  const { browser, page, redeem, config } = await openPage(server)
  const tab = await authorizationOf(config)
  const opened = await browser.open(tab.url)
  const asked = await browser.signIn(page, fatima)
  t.match(asked.text, fatima.email)
  const signIn = await browser.press(asked, 'switch')
  t.match(signIn.text, 'Sign in')
  const allowed = await browser.press(await browser.signIn(signIn, fatima), 'allow')
  t.equal((await redeem(allowed.url)).claims()?.sub, String(userId))
  const second = await browser.signIn(opened, hassan)
  t.match(second.text, hassan.email)
  t.equal((await tab.redeem((await browser.press(second, 'allow')).url)).claims()?.sub, String(other))
})

test('what a user could not give, or has refused, is asked for when it is named again', async (t) => {
  const server = await openServer(t)
  const userId = await server.join(fatima)
  const { browser, page, config, redeem } = await openPage(server, { scope: 'openid users:read audit:read' })
  const asked = await browser.signIn(page, fatima)
  t.notMatch(asked.text, 'audit')
  const first = await redeem((await browser.press(asked, 'allow')).url)
  t.equal(first.scope, 'openid users:read')
  const ask = async (prompt?: string) => {
    const next = await authorizationOf(config, { scope: 'openid users:read audit:read' })
    next.url.searchParams.delete('prompt')
    if (prompt) next.url.searchParams.set('prompt', prompt)
    return { ...next, page: await browser.open(next.url) }
  }
  t.ok((await ask('none')).page.url.searchParams.get('code'), 'what she cannot give is not asked for')
  const payload = { role: 'admin', disabled: false }
  await server.app.inject({ method: 'PUT', url: `/accounts/${userId}`, headers: server.admin, payload })
  // The change has ended where she was signed in.
  const refused = await browser.signIn((await ask()).page, fatima)
  t.match(refused.text, 'audit')
  t.equal((await browser.press(refused, 'deny')).url.searchParams.get('error'), 'access_denied')
  t.equal((await ask('none')).page.url.searchParams.get('error'), 'consent_required')
  const again = await ask()
  t.match(again.page.text, 'audit')
  t.equal((await again.redeem((await browser.press(again.page, 'allow')).url)).scope, 'openid users:read audit:read')
  t.ok((await ask()).page.url.searchParams.get('code'), 'and once it was given, no more')
})

test('who may give nothing of what is asked for is sent back, not asked', async (t) => {
  const server = await openServer(t)
  await server.join(fatima)
  const { browser, page } = await openPage(server, { scope: 'audit:read', prompt: 'login', nonce: '' })
  const { url } = await browser.signIn(page, fatima)
  t.equal(url.searchParams.get('error'), 'access_denied')
})
