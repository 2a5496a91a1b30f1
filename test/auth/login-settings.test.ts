import { test } from 'tap'
import { newBrowser } from '../../src/auth/browser-cookie.ts'
import { loginCookie } from '../../src/auth/login/browser.ts'
import { issuersOf, readLoginSettings } from '../../src/auth/login/settings.ts'
import { ConfigError, readConfig } from '../../src/config.ts'
import { build } from '../helper.ts'

const read = (env: Record<string, string>) => readLoginSettings(readConfig(env))
const google = { GOOGLE_CLIENT_ID: 'id-g', GOOGLE_CLIENT_SECRET: 'secret' }
const github = { GITHUB_CLIENT_ID: 'id-h', GITHUB_CLIENT_SECRET: 'secret' }
const oidc = { OIDC_ISSUER: 'https://id.example.com/realm', OIDC_CLIENT_ID: 'id-o', OIDC_CLIENT_SECRET: 'secret' }

test('those providers exist whose settings are complete', (t) => {
  t.same(read({}).providers, [])
  t.match(read({ ...google, ...github, ...oidc }).providers, [
    { protocol: 'oidc', id: 'google', label: 'Google', issuer: 'https://accounts.google.com', clientId: 'id-g' },
    { protocol: 'github', id: 'github', label: 'GitHub', url: 'https://github.com', apiUrl: 'https://api.github.com' },
    { protocol: 'oidc', id: 'oidc', label: 'OpenID Connect', issuer: 'https://id.example.com/realm' },
  ])
  t.match(read({ ...oidc, OIDC_NAME: 'Example' }).providers, [{ label: 'Example' }])
  t.end()
})

test('a GitHub Enterprise Server is asked by its own API', (t) => {
  const server = { ...github, GITHUB_URL: 'https://github.example.com/' }
  t.match(read(server).providers, [{ url: 'https://github.example.com', apiUrl: 'https://github.example.com/api/v3' }])
  t.match(read({ ...server, GITHUB_API_URL: 'https://api.example.com/' }).providers, [
    { apiUrl: 'https://api.example.com' },
  ])
  t.end()
})

test('identities are known by every text that the issuer may have in its tokens', (t) => {
  const issuersOfAll = (env: Record<string, string>) => read(env).providers.flatMap(issuersOf)
  t.same(issuersOfAll({ ...google, ...github, ...oidc }), [
    'https://accounts.google.com',
    'https://accounts.google.com/',
    'https://github.com/login/oauth',
    'https://id.example.com/realm',
  ])
  t.same(issuersOfAll({ ...oidc, OIDC_ISSUER: 'https://ID.example.com/' }), [
    'https://ID.example.com/',
    'https://id.example.com/',
    'https://id.example.com',
  ])
  t.end()
})

test('half of the settings of a provider ends the start, naming what is missing and no value', async (t) => {
  const halves: [Record<string, string>, RegExp][] = [
    [{ GOOGLE_CLIENT_ID: 'xyz' }, /^GOOGLE_CLIENT_SECRET must be set, as GOOGLE_CLIENT_ID is$/],
    [{ GOOGLE_CLIENT_SECRET: 'xyz' }, /^GOOGLE_CLIENT_ID must be set, as GOOGLE_CLIENT_SECRET is$/],
    [{ GITHUB_CLIENT_ID: 'xyz' }, /^GITHUB_CLIENT_SECRET must be set/],
    [{ OIDC_ISSUER: 'xyz' }, /^OIDC_CLIENT_ID and OIDC_CLIENT_SECRET must be set, as OIDC_ISSUER is$/],
    [{ OIDC_CLIENT_ID: 'xyz', OIDC_CLIENT_SECRET: 'xyz' }, /^OIDC_ISSUER must be set/],
  ]
  for (const [env, message] of halves) {
    t.throws(() => read(env), { name: 'ConfigError', message })
    t.notMatch(message.source, /xyz/)
    await t.rejects(build(t, env), new ConfigError(''), 'the server does not start')
  }
})

test('a URL over which others could read along, or with more than an address, ends the start', (t) => {
  const unsafe = [
    'http://app.example/',
    'ftp://app.example/',
    'javascript:alert(1)',
    'https://app.example/#x',
    'https://app.example/#',
    'https://user:password@app.example/',
    'app.example',
    'http://localhost.example/',
    'http://127.0.0.1.example/',
  ]
  for (const url of unsafe) {
    t.throws(
      () => read({ LOGIN_REDIRECTS: `https://fine.example/, ${url}` }),
      { message: /^LOGIN_REDIRECTS must hold/ },
      url,
    )
    t.throws(() => read({ ...oidc, OIDC_ISSUER: url }), { message: /^OIDC_ISSUER must hold/ }, url)
    t.throws(() => read({ ...github, GITHUB_URL: url }), { message: /^GITHUB_URL must hold/ }, url)
  }
  const own = ['http://127.0.0.1:3000/a', 'http://localhost/b', 'http://[::1]:3000/c', 'https://app.example/d?e=f']
  t.same([...read({ LOGIN_REDIRECTS: own.join(',') }).redirects], own)
  t.end()
})

test('the cookie of a browser is read back, under the name that the address of the server gives it', (t) => {
  for (const origin of ['http://localhost:8080', 'https://api.example.com']) {
    const browser = newBrowser()
    const [pair = ''] = loginCookie.line(browser, origin).split(';')
    t.equal(loginCookie.read(pair, origin), browser)
    t.equal(loginCookie.read(`a=b; ${pair}; c=d`, origin), browser)
    t.equal(loginCookie.read(`${pair}; ${pair}`, origin), undefined)
    t.equal(loginCookie.read(`x${pair}`, origin), undefined)
    t.equal(loginCookie.read(`${pair}x`, origin), undefined)
    t.equal(loginCookie.read(undefined, origin), undefined)
  }
  t.equal(loginCookie.read(`septet-login=${newBrowser()}`, 'https://api.example.com'), undefined)
  t.end()
})
