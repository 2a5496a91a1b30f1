import { type Test, test } from 'tap'
import { startGitHub } from '../browser/github.ts'
import { arrive, logIn, signIn, startSite } from '../browser/login-setup.ts'
import { locationOf, Visitor } from '../browser/visitor.ts'

async function start(t: Test) {
  const github = await startGitHub(t)
  const site = await startSite(t, github.settings)
  github.allow(site.base)
  return { github, site, enter: (visitor = new Visitor()) => signIn(site, '', visitor, 'github') }
}

test('a user of GitHub logs in by plain OAuth, known by id and with the verified primary address', async (t) => {
  const { github, site, enter } = await start(t)
  const first = await site.me(await enter())
  t.match(first, { user: { name: 'The Octocat', email: 'octocat@example.com', emailVerified: true } })
  t.same(await site.rows('select provider, issuer, subject from identities'), [
    { provider: 'github', issuer: `${github.url}/login/oauth`, subject: '583231' },
  ])
  t.same(github.requests, [
    'GET /login/oauth/authorize',
    'POST /login/oauth/access_token',
    'GET /api/v3/user',
    'GET /api/v3/user/emails',
  ])
  github.user.login = 'another-name'
  github.user.emails = []
  t.equal((await site.me(await enter())).user.id, first.user.id)
})

test('a user without a name is called by login', async (t) => {
  const { github, site, enter } = await start(t)
  github.user.name = null
  t.match(await site.me(await enter()), { user: { name: 'octocat' } })
})

test('a primary address that is not verified is refused, whatever others are', async (t) => {
  const { github, site } = await start(t)
  github.user.emails = [
    { email: 'other@example.com', primary: false, verified: true },
    { email: 'octocat@example.com', primary: true, verified: false },
  ]
  const end = await logIn(site, new Visitor(), '', {}, 'github')
  t.match(JSON.parse(end.body), { status: 403, detail: /GitHub does not say that your address is verified/ })
  t.same(await site.rows('select id from users where id > 2'), [])
})

test("an `iss` of GitHub's is accepted, and no other (RFC 9207)", async (t) => {
  const { github, site, enter } = await start(t)
  github.extra = { iss: `${github.url}/login/oauth` }
  t.equal((await enter()).status, 200)
  for (const iss of [github.url, 'https://accounts.google.com']) {
    github.extra = { iss }
    const end = await logIn(site, new Visitor(), '', {}, 'github')
    t.match(JSON.parse(end.body), { status: 403, code: 'forbidden' }, iss)
  }
  t.equal(github.requests.filter((request) => request.startsWith('POST')).length, 1, 'its code is not redeemed')
})

test('a code of GitHub is good once, and only with the verifier of its login', async (t) => {
  const { github, site } = await start(t)
  const visitor = new Visitor()
  const back = await site.begin(visitor, 'github')
  const code = locationOf(back)?.searchParams.get('code') ?? ''
  // The code of one login is put into the answer of another.
  const other = new Visitor()
  const injected = locationOf(await site.begin(other, 'github')) ?? new URL(site.base)
  injected.searchParams.set('code', code)
  t.match(JSON.parse((await other.ask(injected)).body), { status: 403, code: 'forbidden' })
  t.equal((await arrive(visitor, back)).status, 200)
  const replayed = locationOf(await site.begin(visitor, 'github')) ?? new URL(site.base)
  replayed.searchParams.set('code', code)
  t.match(JSON.parse((await visitor.ask(replayed)).body), { status: 403, code: 'forbidden' })
  t.equal(github.requests.filter((request) => request.startsWith('POST')).length, 3)
})

test('an answer of the API that is none is refused', async (t) => {
  const { github, site } = await start(t)
  for (const user of [{ id: '583231' }, { id: null }, { id: 1.5 }, { emails: { primary: true } }, { emails: [null] }]) {
    const before = github.user
    Object.assign(github, { user: { ...before, ...user } })
    const end = await logIn(site, new Visitor(), '', {}, 'github')
    t.match(JSON.parse(end.body), { status: 403 }, JSON.stringify(user))
    github.user = before
  }
  t.same(await site.rows('select id from identities'), [])
})
