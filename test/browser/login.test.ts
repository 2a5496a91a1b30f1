import { type Test, test } from 'tap'
import { skip, startChromium } from './chromium.ts'
import { startGitHub } from './github.ts'
import { startIssuer } from './issuer.ts'
import { comeBack, startSite } from './login-setup.ts'
import { serveLoopback } from './loopback.ts'
import { locationOf, Visitor } from './visitor.ts'

/** What an app on another origin does: begins with a challenge, exchanges the code, and asks who has come. */
const script = `
const api = new URLSearchParams(location.hash.slice(1)).get('api') ?? sessionStorage.getItem('api')
const show = (text) => { document.querySelector('output').textContent = text }
const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
document.querySelector('button').onclick = async () => {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)))
  sessionStorage.setItem('verifier', verifier)
  sessionStorage.setItem('api', api)
  const challenge = base64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)))
  const providers = await (await fetch(api + '/auth/providers')).json()
  location.href = providers[0].url + '?' + new URLSearchParams({ redirect: location.origin + '/app', challenge })
}
const query = new URLSearchParams(location.search)
const finish = async (code) => {
  history.replaceState(null, '', '/app')
  const body = JSON.stringify({ code, verifier: sessionStorage.getItem('verifier') })
  const headers = { 'content-type': 'application/json' }
  const tokens = await (await fetch(api + '/auth/exchange', { method: 'POST', headers, body })).json()
  const me = await fetch(api + '/me', { headers: { authorization: 'Bearer ' + tokens.accessToken } })
  show(JSON.stringify(await me.json(), null, 2))
}
if (query.has('code')) finish(query.get('code'))
if (query.has('error')) show(query.get('error') + ': ' + query.get('error_description'))
`

const page = `<!doctype html>
<meta charset="utf-8">
<title>An app</title>
<style>body { font: 16px sans-serif; margin: 40px } output { white-space: pre; display: block; margin-top: 20px }</style>
<h1>An app</h1>
<button>Log in</button>
<output></output>
<script>${script}</script>
`

/** The app, and a site that lets it in. */
async function start(t: Test, settings: Record<string, string>) {
  const app = await serveLoopback(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page)
  })
  const site = await startSite(t, { ...settings, CORS_ORIGINS: app.url, LOGIN_REDIRECTS: `${app.url}/app` })
  const browser = await startChromium(t)
  return { app: `${app.url}/#api=${site.base}`, site, browser }
}

test('a person logs in to an app with an issuer, in a browser', { skip }, async (t) => {
  const issuer = await startIssuer(t)
  const { app, site, browser } = await start(t, issuer.settings)
  issuer.allow(site.base)
  issuer.users.set('fatima', { email: 'fatima@example.com', email_verified: true, name: 'Fatima' })
  const context = await browser.newContext()
  const window = await context.newPage()
  await window.goto(app)
  await window.click('button')
  await window.waitForSelector('h1:text("Example Issuer")')
  t.match(await context.cookies(`${site.base}/auth/callback/oidc`), [
    { name: 'septet-login', path: '/auth', httpOnly: true, sameSite: 'Lax' },
  ])
  await window.fill('[name=login]', 'fatima')
  await window.click('button:text("Sign in")')
  await window.waitForSelector('output:not(:empty)')
  const me = JSON.parse((await window.textContent('output')) ?? '')
  t.match(me, { kind: 'user', user: { name: 'Fatima', email: 'fatima@example.com', emailVerified: true } })
  t.match(window.url(), /^http:\/\/127\.0\.0\.1:\d+\/app$/, 'no code is left in the address')

  const again = await context.newPage()
  await again.goto(app)
  await again.click('button')
  await again.waitForSelector('output:not(:empty)')
  t.match(JSON.parse((await again.textContent('output')) ?? ''), { id: me.id }, 'the issuer knows the browser by now')
})

test('a person who cancels at the issuer is back in the app, which says so and runs nothing', { skip }, async (t) => {
  const issuer = await startIssuer(t)
  const { app, site, browser } = await start(t, issuer.settings)
  issuer.allow(site.base)
  const window = await (await browser.newContext()).newPage()
  await window.goto(app)
  await window.click('button')
  await window.click('button:text("Cancel")')
  await window.waitForSelector('output:not(:empty)')
  t.equal(await window.textContent('output'), 'forbidden: The login was declined at Example Issuer')
  t.equal(await window.title(), 'An app')
})

test('the address that a stranger was sent back to logs nobody else in', { skip }, async (t) => {
  const issuer = await startIssuer(t)
  const { app, site, browser } = await start(t, issuer.settings)
  issuer.allow(site.base)
  issuer.users.set('mallory', { email: 'mallory@example.com', email_verified: true })
  const theirs = locationOf(await comeBack(site, new Visitor(), 'mallory'))
  const window = await (await browser.newContext()).newPage()
  await window.goto(app)
  await window.click('button')
  await window.waitForSelector('h1:text("Example Issuer")')
  await window.goto(theirs?.href ?? '')
  t.match(JSON.parse((await window.textContent('body')) ?? ''), { status: 403, detail: /not begun in this browser/ })
  t.same(await site.rows('select id from identities'), [])
})

test('a person logs in to an app with GitHub, in a browser', { skip }, async (t) => {
  const github = await startGitHub(t)
  const { app, site, browser } = await start(t, github.settings)
  github.allow(site.base)
  const window = await (await browser.newContext()).newPage()
  await window.goto(app)
  await window.click('button')
  await window.waitForSelector('output:not(:empty)')
  t.match(JSON.parse((await window.textContent('output')) ?? ''), { user: { name: 'The Octocat' } })
})
