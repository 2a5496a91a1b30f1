import { type Test, test } from 'tap'
import { type IssuerUser, startIssuer } from '../browser/issuer.ts'
import { arrive, codeOf, logIn, type Site, signIn, startSite } from '../browser/login-setup.ts'
import { type Visit, Visitor } from '../browser/visitor.ts'
import { startPostgres } from '../storage/postgres-server.ts'

const password = 'violet tram at noon'
const email = 'fatima@example.com'
const verified = { email, email_verified: true, name: 'Fatima' }
const second = 'a red tram at midnight'

type Settings = Record<string, string>
type Tokens = { accessToken: string }

async function start(t: Test, settings: Settings = {}, user: IssuerUser = verified) {
  const issuer = await startIssuer(t)
  const site = await startSite(t, { ...issuer.settings, ...settings })
  issuer.allow(site.base)
  issuer.users.set('fatima', user)
  const post = (url: string, payload: object) => site.app.inject({ method: 'POST', url, payload })
  const token = async () => {
    await site.app.accounts.afterwards.done()
    return (await site.app.notices.pending()).findLast(({ token }) => token !== undefined)?.token ?? ''
  }
  return {
    issuer,
    site,
    post,
    token,
    signUp: (withPassword = password) => post('/auth/sign-up', { name: 'Somebody', email, password: withPassword }),
    verify: async () => post('/auth/verify-email', { token: await token(), password }),
    signInWith: (withPassword: string) => post('/auth/sign-in', { email, password: withPassword }),
  }
}

const disable = (site: Site, userId: number, role = 'member') =>
  site.app.inject({
    method: 'PUT',
    url: `/accounts/${userId}`,
    headers: { 'x-api-key': site.app.apiKeys.first ?? '' },
    payload: { role, disabled: true },
  })

/** Each of them over both engines. */
const cases: [name: string, run: (t: Test, settings: Settings) => Promise<void>][] = [
  [
    'an account that has verified the address is linked, and keeps its password and its sessions',
    async (t, settings) => {
      const { site, signUp, verify, signInWith } = await start(t, settings)
      await signUp()
      await verify()
      const before = await signInWith(password)
      const me = await site.me(await signIn(site, 'fatima'))
      t.match(me, { user: { name: 'Somebody', emailVerified: true } })
      t.equal((await signInWith(password)).statusCode, 200)
      const headers = { authorization: `Bearer ${before.json().accessToken}` }
      t.equal((await site.app.inject({ url: '/me', headers })).statusCode, 200)
      t.match(
        await site.audited(),
        ['account.signed-up', 'notice'].slice(0, 1).map((type) => new RegExp(type)),
      )
    },
  ],
  [
    'an account that somebody else made in advance loses what they know and hold (pre-hijacking)',
    async (t, settings) => {
      const { issuer, site, post, token, signUp, signInWith } = await start(t, settings)
      await signUp()
      const mailed = await token()
      const [{ id }] = (await site.rows(`select id from users where email_key = '${email}'`)) as [{ id: number }]
      // What an attacker could hold by some other way, too.
      const client = { id: 'request-1', ip: '192.0.2.1', headers: {} }
      const theirs = await site.app.sessions.start({ userId: id, scopes: ['users:read'] }, client)
      const now = new Date().toISOString()
      await site.run(`insert into identities (id, user_id, provider, issuer, subject, email, created_at)
        values ('theirs', ${id}, 'oidc', '${issuer.url}', 'mallory', '${email}', '${now}')`)
      await site.run(`insert into api_keys (id, name, mac, scopes, user_id, created_by, created_at)
        values ('key', 'key', 'mac', 'users:read', ${id}, 'user:${id}', '${now}')`)

      const me = await site.me(await signIn(site, 'fatima'))
      t.match(me, { id: `user:${id}`, user: { emailVerified: true } })
      t.equal((await signInWith(password)).statusCode, 401, 'the password is gone')
      t.equal(
        (await post('/auth/verify-email', { token: mailed, password })).statusCode,
        400,
        'so is the token with it',
      )
      t.equal((await signInWith(password)).statusCode, 401)
      t.equal((await post('/auth/refresh', { refreshToken: theirs.refreshToken })).statusCode, 401)
      const headers = { authorization: `Bearer ${theirs.accessToken}` }
      t.equal((await site.app.inject({ url: '/me', headers })).statusCode, 401)
      t.same(await site.rows('select subject from identities'), [{ subject: 'fatima' }])
      t.same(await site.rows("select id from api_keys where id = 'key' and revoked_at is null"), [])
      t.match((await site.audited()).join('\n'), /email\.verified by a login: what the account had before is taken out/)
      t.match(kindsOf(await site.app.notices.pending()), 'verify-email welcome')
      await post('/auth/request-password-reset', { email })
      await post('/auth/reset-password', { token: await token(), password: second })
      t.equal((await signInWith(second)).statusCode, 200, 'who reads the address may set a password')
    },
  ],
  [
    'a user without an account gets one',
    async (t, settings) => {
      const { site, issuer } = await start(t, { ...settings, SEED: 'true', SIGN_UP: 'false' })
      issuer.users.set('ali', { email: 'ALI@example.com', email_verified: true, name: 'Somebody else' })
      t.match(await site.me(await signIn(site, 'ali')), {
        id: 'user:2',
        user: { name: 'Ali', email: 'ali@example.com' },
      })
    },
  ],
  [
    'a disabled account can neither log in nor exchange a code that it has',
    async (t, settings) => {
      const { site, issuer } = await start(t, settings)
      const me = await site.me(await signIn(site, 'fatima'))
      const visitor = new Visitor()
      const code = codeOf(await logIn(site, visitor, 'fatima'))
      await disable(site, me.user.id)
      t.equal((await site.exchange(visitor, code)).status, 401)
      issuer.users.set('second', verified)
      for (const name of ['fatima', 'second']) {
        const end = await logIn(site, new Visitor(), name)
        t.match(JSON.parse(end.body), { status: 403, detail: 'This account cannot be used' })
      }
      t.match((await site.audited()).slice(-3), [
        'sign-in.failed oidc: account disabled',
        'sign-in.failed oidc: account disabled',
        'sign-in.failed oidc: account disabled',
      ])
      t.equal((await site.rows('select id from identities')).length, 1)
    },
  ],
  [
    'an account whose address somebody has changed is not taken over by it, a member’s or an administrator’s',
    async (t, settings) => {
      const { site, signUp, verify, issuer } = await start(t, settings)
      await signUp()
      await verify()
      await site.run("update users set email_key = 'mallory@example.com' where email_key = 'fatima@example.com'")
      issuer.users.set('mallory', { email: 'mallory@example.com', email_verified: true })
      for (const role of ['member', 'admin']) {
        await site.run(`update accounts set role = '${role}'`)
        const end = await logIn(site, new Visitor(), 'mallory')
        t.match(JSON.parse(end.body), { status: 403, code: 'forbidden' }, role)
        t.match((await site.audited()).at(-1), 'sign-in.failed oidc: address changed, not verified')
      }
      t.same(await site.rows('select id from identities'), [])
    },
  ],
  [
    'people who come at once to an account that nobody has verified do not harm each other',
    async (t, settings) => {
      const { site, signUp, issuer } = await start(t, settings)
      await signUp()
      issuer.users.set('second', verified)
      const tokens = await Promise.all(['fatima', 'second', 'fatima', 'second'].map((name) => signIn(site, name)))
      t.same(
        tokens.map(({ status }) => status),
        [200, 200, 200, 200],
      )
      t.same(await site.rows('select subject from identities order by subject'), [
        { subject: 'fatima' },
        { subject: 'second' },
      ])
    },
  ],
  [
    'of two identities that are unlinked at once, the last stays',
    async (t, settings) => {
      const { site, issuer } = await start(t, settings)
      issuer.users.set('second', verified)
      const session = await signIn(site, 'fatima')
      await signIn(site, 'second')
      const ids = JSON.parse((await site.as(session, 'GET', '/me/identities')).body) as { id: string }[]
      const both = await Promise.all(ids.map(({ id }) => site.as(session, 'DELETE', `/me/identities/${id}`)))
      t.same(both.map(({ status }) => status).sort(), [204, 409])
    },
  ],
  [
    'an identity that its user has unlinked opens nothing until that user links it again',
    async (t, settings) => {
      const { site, signUp, verify, signInWith } = await start(t, settings)
      await signUp()
      await verify()
      const session = await signIn(site, 'fatima')
      const [identity] = JSON.parse((await site.as(session, 'GET', '/me/identities')).body) as [{ id: string }]
      t.equal((await site.as(session, 'DELETE', `/me/identities/${identity.id}`)).status, 204)
      const refused = await logIn(site, new Visitor(), 'fatima')
      t.match(JSON.parse(refused.body), { status: 403, detail: /was unlinked from its account/ })
      t.same(await site.rows('select id from identities'), [])
      t.equal((await link(site, new Visitor(), (await signInWith(password)).json(), 'fatima')).status, 200)
      t.match(await site.me(await signIn(site, 'fatima')), { user: { name: 'Somebody' } })
      t.match(kindsOf(await site.app.notices.pending()), /identity-linked identity-unlinked identity-linked/)
    },
  ],
  [
    'a user links an identity with another address, but not that of somebody else',
    async (t, settings) => {
      const { site, issuer, signUp, verify, signInWith } = await start(t, settings)
      await signUp()
      await verify()
      issuer.users.set('work', { email: 'fatima@work.example', email_verified: false })
      issuer.users.set('ali', { email: 'ali@example.com', email_verified: true })
      await signIn(site, 'ali')
      const tokens = (await signInWith(password)).json()
      t.equal((await link(site, new Visitor(), tokens, 'work')).status, 200)
      t.match(await site.me(await signIn(site, 'work')), { user: { email } })
      const taken = await link(site, new Visitor(), tokens, 'ali')
      t.match(JSON.parse(taken.body), { status: 403, detail: 'This login belongs to another account' })
      const other = new Visitor()
      const begun = await beginLink(site, other, tokens)
      const elsewhere = await new Visitor().follow(begun, ({ pathname }) => pathname.startsWith('/auth/callback/'))
      t.equal(elsewhere.status, 200, 'the provider asks who it is')
      const back = await arrive(
        new Visitor(),
        await other.follow(await other.submit(await other.follow(begun), { login: 'work' }), ({ pathname }) =>
          pathname.startsWith('/auth/callback/'),
        ),
      )
      t.equal(back.status, 403, 'a browser that did not begin it does not end it')
    },
  ],
  [
    'a link that was begun ends with its session, with the password and with the account, and with nothing else',
    async (t, settings) => {
      const { site, issuer, post, token, signUp, verify, signInWith } = await start(t, settings)
      await signUp()
      await verify()
      const other = 'a green tram at dawn'
      const as = ({ accessToken }: Tokens) => ({ authorization: `Bearer ${accessToken}` })
      const change = (headers: Record<string, string>, currentPassword: string, newPassword: string) =>
        site.app.inject({
          method: 'POST',
          url: '/auth/change-password',
          headers,
          payload: { currentPassword, newPassword },
        })
      const ends: [name: string, status: number, password: string, end: (tokens: Tokens) => Promise<unknown>][] = [
        ['nothing', 200, password, async () => {}],
        ['another session’s end', 200, password, async () => signOut(as((await signInWith(password)).json()))],
        ['a sign-out', 403, password, (tokens) => signOut(as(tokens))],
        ['a password that this session changed', 403, password, (tokens) => change(as(tokens), password, other)],
        [
          'a password reset',
          403,
          other,
          async () => {
            await post('/auth/request-password-reset', { email })
            return post('/auth/reset-password', { token: await token(), password: second })
          },
        ],
        ['a lock', 403, second, async () => disable(site, id)],
      ]
      const signOut = (headers: Record<string, string>) =>
        site.app.inject({ method: 'POST', url: '/auth/sign-out', headers })
      const [{ id }] = (await site.rows(`select id from users where email_key = '${email}'`)) as [{ id: number }]
      for (const [index, [name, status, withPassword, end]] of ends.entries()) {
        const login = `mallory-${index}`
        issuer.users.set(login, { email: `${login}@example.com`, email_verified: true })
        const tokens: Tokens = (await signInWith(withPassword)).json()
        const finish = await halfLink(site, new Visitor(), tokens, login)
        await end(tokens)
        t.equal((await finish()).status, status, name)
        const found = await site.rows(`select subject from identities where subject = '${login}'`)
        t.equal(found.length, status === 200 ? 1 : 0, name)
      }
      const audited = (await site.audited()).join('\n')
      t.match(audited, /sign-in\.failed oidc: session of the link ended/)
      t.match(audited, /sign-in\.failed oidc: password changed since the link was begun/)
    },
  ],
  [
    'a password reset unlinks what somebody linked who had the account',
    async (t, settings) => {
      const { site, issuer, post, token, signUp, verify, signInWith } = await start(t, settings)
      await signUp()
      await verify()
      issuer.users.set('mallory', { email: 'mallory@example.com', email_verified: true })
      const visitor = new Visitor()
      const linked = await link(site, visitor, (await signInWith(password)).json(), 'mallory')
      await post('/auth/request-password-reset', { email })
      t.equal((await post('/auth/reset-password', { token: await token(), password: second })).statusCode, 204)
      t.equal((await site.exchange(visitor, codeOf(linked))).status, 401, 'nor does a code that was left')
      t.match(await site.me(await signIn(site, 'mallory')), { user: { email: 'mallory@example.com' } })
    },
  ],
  [
    'an administrator’s account is linked by nobody’s address alone',
    async (t, settings) => {
      const { site, signUp, verify, signInWith } = await start(t, settings)
      await signUp()
      await verify()
      await site.run("update accounts set role = 'admin'")
      const end = await logIn(site, new Visitor(), 'fatima')
      t.match(JSON.parse(end.body), { status: 403, detail: /sign in to it, and link this login from there/ })
      t.equal((await link(site, new Visitor(), (await signInWith(password)).json(), 'fatima')).status, 200)
      t.match(await site.me(await signIn(site, 'fatima')), { user: { email } })
    },
  ],
]

async function beginLink(site: Site, visitor: Visitor, { accessToken }: Tokens) {
  const begun = await visitor.ask(`${site.base}/me/identities`, {
    method: 'POST',
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ provider: 'oidc' }),
  })
  return visitor.ask((JSON.parse(begun.body) as { url: string }).url)
}

/** Links an identity from a session, and gives what the browser gets that is back. */
async function link(site: Site, visitor: Visitor, tokens: Tokens, login: string): Promise<Visit> {
  const finish = await halfLink(site, visitor, tokens, login)
  return finish()
}

/** As {@link link}, but for the last step, which it gives. */
async function halfLink(site: Site, visitor: Visitor, tokens: Tokens, login: string): Promise<() => Promise<Visit>> {
  const isCallback = ({ pathname }: URL) => pathname.startsWith('/auth/callback/')
  const page = await visitor.follow(await beginLink(site, visitor, tokens), isCallback)
  const back = await visitor.follow(await visitor.submit(page, { login }), isCallback)
  return () => arrive(visitor, back)
}

function kindsOf(notices: readonly { kind: string }[]): string {
  return notices.map(({ kind }) => kind).join(' ')
}

for (const [name, run] of cases) test(name, (t) => run(t, {}))

test('on PostgreSQL', async (t) => {
  const server = await startPostgres(t)
  for (const [name, run] of cases) {
    await t.test(name, async (t) => run(t, { DATABASE_URL: await server.database() }))
  }
})

test('an address that the issuer does not call verified makes and links nothing', async (t) => {
  const { site, issuer, signUp, verify } = await start(t)
  await signUp()
  await verify()
  const users: IssuerUser[] = [
    { email },
    { email, email_verified: false },
    { email, email_verified: 'true' },
    { email_verified: true },
    { email: 'unknown@example.com', email_verified: false },
  ]
  for (const user of users) {
    issuer.users.set('mallory', user)
    const end = await logIn(site, new Visitor(), 'mallory')
    t.match(JSON.parse(end.body), { status: 403, detail: /Example Issuer does not say that your address is verified/ })
  }
  t.same(await site.rows('select id from identities'), [])
  t.match((await site.audited()).at(-1), 'sign-in.failed oidc: address not verified')
})

test('an address that is none here, or would be read as another one, is refused', async (t) => {
  const { site, issuer, signUp, verify } = await start(t)
  await signUp()
  await verify()
  for (const each of [
    'nobody',
    'a b@example.com',
    `${'x'.repeat(250)}@example.com`,
    'x@exam\u0000ple.com',
    '\u212a@example.com',
  ]) {
    issuer.users.set('mallory', { email: each, email_verified: true })
    const end = await logIn(site, new Visitor(), 'mallory')
    t.match(JSON.parse(end.body), { status: 403, detail: /cannot be used here/ }, JSON.stringify(each))
  }
})

test('where signing up is off, a login makes no account, and links to one that is there', async (t) => {
  const { site, issuer } = await start(t, { SIGN_UP: 'false', SEED: 'true' })
  const end = await logIn(site, new Visitor(), 'fatima')
  t.match(JSON.parse(end.body), { status: 403, detail: 'Signing up is not offered here' })
  t.same(await site.rows(`select id from users where email_key = '${email}'`), [])
  issuer.users.set('ali', { email: 'ali@example.com', email_verified: true })
  t.match(await site.me(await signIn(site, 'ali')), { id: 'user:2' })
})

test('a name of the issuer is taken as far as it is one', async (t) => {
  const { site, issuer } = await start(t)
  const names: [string | undefined, string][] = [
    ['  Ada\u0000\n', 'Ada'],
    ['', 'person-1'],
    [undefined, 'person-2'],
    ['\ud800', '\ufffd'],
    ['👩🏽‍🚀'.repeat(100), '👩🏽‍🚀'.repeat(50)],
  ]
  for (const [index, [name, expected]] of names.entries()) {
    issuer.users.set(`p${index}`, {
      email: `person-${index}@example.com`,
      email_verified: true,
      ...(name === undefined ? {} : { name }),
    })
    t.equal((await site.me(await signIn(site, `p${index}`))).user.name, expected)
  }
})
