import { hash } from '@node-rs/argon2'
import suite, { type Test, test } from 'tap'
import { startPostgres } from '../storage/postgres-server.ts'
import { fatima, holdClock, hour, minute, openAccounts, second, wrongPassword } from './account-setup.ts'

const server = await startPostgres(suite)
const another = 'a red tram at midnight'
const user = { id: 'request-1', ip: '192.0.2.7', headers: {}, principal: { id: 'anonymous' } }

/** The same cases on both engines. */
function conformance(name: string, settings: () => Promise<Record<string, string>>): void {
  const open = async (t: Test, more = {}) => openAccounts(t, { ...(await settings()), ...more })

  test(`${name}: who signs up and follows the message can sign in, and has the scopes of a member`, async (t) => {
    const { app, signUp, signIn, verify, audited } = await open(t)
    t.equal((await signUp()).statusCode, 202)
    t.equal((await signIn()).statusCode, 401, 'not before the address is verified')
    t.equal((await verify()).statusCode, 204)
    const signedIn = await signIn()
    t.match(signedIn.json(), { tokenType: 'Bearer', scope: 'users:read keys:read keys:write' })
    t.same(await app.accounts.scopesOf(3), ['users:read', 'keys:read', 'keys:write'])
    t.match(await app.accounts.profile(3), { id: 3, name: 'Fatima', email: fatima.email, emailVerified: true })
    t.same(
      (await audited()).filter((type) => !type.startsWith('key.')),
      ['account.signed-up', 'sign-in.failed', 'email.verified', 'sign-in.succeeded', 'session.started'],
    )
  })

  test(`${name}: a user without an account has no scopes, and nor has nobody`, async (t) => {
    const { app, signIn } = await open(t)
    t.equal(await app.accounts.scopesOf(1), undefined)
    t.equal(await app.accounts.scopesOf(99), undefined)
    t.equal(await app.accounts.profile(1), undefined)
    await t.rejects(app.accounts.get(1), { code: 'not-found' })
    t.equal((await signIn({ email: 'ali@example.com' })).statusCode, 401)
  })

  test(`${name}: of two sign-ups at once with one address, one makes the user; the list of users shows it`, async (t) => {
    const { app, signUp, notices } = await open(t)
    await app.inject('/users')
    const answers = await Promise.all([signUp(), signUp({ email: 'FATIMA@example.com' })])
    t.same(
      answers.map(({ statusCode }) => statusCode),
      [202, 202],
    )
    t.equal((await app.inject('/users')).json().length, 3)
    t.same(
      (await notices()).map(({ kind }) => kind),
      ['verify-email', 'verify-email'],
    )
  })

  test(`${name}: a message of before sets no password once the address is verified in another way`, async (t) => {
    const { signUp, verify, notices, rows } = await open(t)
    await signUp({ password: 'what a stranger has chosen' })
    const [strangers] = await notices()
    const moment = new Date().toISOString()
    await rows(
      `update accounts set verified_email_key = 'fatima@example.com', email_verified_at = '${moment}', password_hash = null returning user_id`,
    )
    t.equal((await verify('what a stranger has chosen', strangers?.token)).statusCode, 400)
    t.same(await rows('select password_hash from accounts'), [{ password_hash: null }])
  })

  test(`${name}: of several sign-ups, the message that is answered says which password counts`, async (t) => {
    const { signUp, signIn, verify, notices, rows } = await open(t)
    await signUp({ password: 'what a stranger has chosen' })
    await signUp()
    const [strangers, own] = await notices()
    t.equal((await verify(fatima.password, strangers?.token)).statusCode, 400, 'not with the other’s password')
    t.equal((await verify(fatima.password, own?.token)).statusCode, 204)
    t.equal((await signIn()).statusCode, 200)
    t.equal((await signIn({ password: 'what a stranger has chosen' })).statusCode, 401)
    t.equal((await verify('what a stranger has chosen', strangers?.token)).statusCode, 400, 'the other one is void')
    t.same(await rows('select * from account_tokens'), [])
  })

  test(`${name}: a user without an account gets one by signing up, or by a reset, once the message is answered`, async (t) => {
    const { signUp, signIn, verify, post, token } = await open(t)
    const ali = { email: 'ali@example.com' }
    await signUp(ali)
    t.equal((await signIn(ali)).statusCode, 401)
    await verify()
    t.equal((await signIn(ali)).statusCode, 200)
    const mohamed = { email: 'mohamed@example.com' }
    await post('/auth/request-password-reset', mohamed)
    await post('/auth/reset-password', { token: await token('reset-password'), password: another })
    t.equal((await signIn({ ...mohamed, password: another })).statusCode, 200)
  })

  test(`${name}: a token is good once, for its purpose, and for its time`, async (t) => {
    const pass = holdClock(t)
    const { signUp, post, token } = await open(t)
    const verify = (text: string) => post('/auth/verify-email', { token: text, password: fatima.password })
    const reset = (text: string) => post('/auth/reset-password', { token: text, password: another })
    const refused = { code: 'validation-failed', errors: [{ in: 'body', pointer: '/token' }] }
    await signUp()
    const first = await token('verify-email')
    t.match((await reset(first)).json(), refused, 'another purpose')
    t.match((await verify('A'.repeat(43))).json(), refused, 'unknown')
    pass(24 * hour)
    t.match((await verify(first)).json(), refused, 'expired')
    await signUp()
    const next = await token('verify-email')
    const both = await Promise.all([verify(next), verify(next)])
    t.same(both.map(({ statusCode }) => statusCode).sort(), [204, 400], 'used at once')
    t.match((await verify(next)).json(), refused, 'used before')
    await post('/auth/request-password-reset', { email: fatima.email })
    const third = await token('reset-password')
    t.match((await verify(third)).json(), refused)
    const resets = await Promise.all([reset(third), reset(third)])
    t.same(resets.map(({ statusCode }) => statusCode).sort(), [204, 400])
    await post('/auth/request-password-reset', { email: fatima.email })
    const last = await token('reset-password')
    pass(hour)
    t.match((await reset(last)).json(), refused, 'a reset has an hour')
  })

  test(`${name}: a wrong password leaves a token good for a few tries, then address and caller wait`, async (t) => {
    const pass = holdClock(t)
    const { signUp, verify, audited } = await open(t)
    await signUp()
    for (const _ of [1, 2, 3, 4, 5]) {
      t.match((await verify(wrongPassword)).json(), {
        code: 'validation-failed',
        errors: [{ in: 'body', pointer: '/token' }],
      })
    }
    t.equal((await verify()).statusCode, 429)
    pass(second)
    t.equal((await verify()).statusCode, 204)
    t.equal((await audited()).filter((type) => type === 'email.verified').length, 6)
  })

  test(`${name}: a stranger does not use up the messages of the owner, and all together get twelve`, async (t) => {
    const { app, notices } = await open(t)
    const ask = (host: number) =>
      app.inject({
        method: 'POST',
        url: '/auth/sign-up',
        payload: fatima,
        remoteAddress: `192.0.2.${host}`,
      })
    for (let time = 0; time < 15; time += 1) await ask(1)
    t.equal((await notices()).length, 3)
    for (const host of [2, 3, 4, 5]) for (const _ of [1, 2, 3, 4]) await ask(host)
    t.equal((await notices()).length, 12)
  })

  test(`${name}: guesses at once are counted and locked out, and the lock is the same for an unknown address`, async (t) => {
    const { app, join, signIn, rows } = await open(t)
    await join()
    const guess = (email: string) =>
      Promise.all(Array.from({ length: 20 }, () => signIn({ email, password: wrongPassword })))
    for (const email of [fatima.email, 'nobody@example.com']) {
      const before = app.accounts.passwords.computed
      const statuses = (await guess(email)).map(({ statusCode }) => statusCode)
      const tried = statuses.filter((status) => status === 401).length
      t.ok(tried >= 5 && tried <= 6, `${tried} were checked`)
      t.equal(statuses.filter((status) => status === 429).length, 20 - tried)
      t.equal(app.accounts.passwords.computed - before, tried, 'the others were refused before any hashing')
      t.equal((await signIn({ email })).statusCode, 429, 'the right password too')
    }
    const counts = (await rows('select failures from sign_in_failures')).map(({ failures }) => Number(failures))
    const [caller = 0, ...addresses] = counts.sort((a, b) => b - a)
    t.equal(addresses.length, 2)
    t.equal(
      caller,
      addresses.reduce((sum, each) => sum + each, 0),
    )
  })

  test(`${name}: no more than three messages of a kind go to an address within an hour, also at once`, async (t) => {
    const pass = holdClock(t)
    const { signUp, signIn, join, post, notices } = await open(t)
    const count = async (kind: Parameters<typeof notices>[0]) => (await notices(kind)).length
    await Promise.all(Array.from({ length: 8 }, () => signUp()))
    t.equal(await count('verify-email'), 3)
    await signIn()
    t.equal(await count('verify-email'), 3, 'nor by signing in')
    await join({ email: 'aisha@example.com' })
    const request = () => post('/auth/request-password-reset', { email: 'aisha@example.com' })
    const answers = await Promise.all(Array.from({ length: 8 }, request))
    t.same(new Set(answers.map(({ statusCode }) => statusCode)), new Set([202]))
    t.equal(await count('reset-password'), 3)
    pass(hour + minute)
    await request()
    t.equal(await count('reset-password'), 4)
  })

  test(`${name}: a session does not start when the password has been reset after it was checked`, async (t) => {
    const { app, join, post, token } = await open(t)
    await join()
    const { proof, ...signedIn } = await app.accounts.signIns.signIn(fatima, user)
    await post('/auth/request-password-reset', { email: fatima.email })
    await post('/auth/reset-password', { token: await token('reset-password'), password: another })
    await t.rejects(app.sessions.start(signedIn, user, proof), { code: 'unauthenticated' })
  })

  test(`${name}: a hash with other parameters is replaced at sign-in, also when two sign in at once`, async (t) => {
    const { join, signIn, rows } = await open(t)
    await join()
    const outdated = await hash(fatima.password, { memoryCost: 8192, timeCost: 1, parallelism: 1 })
    await rows(`update accounts set password_hash = '${outdated}' returning user_id`)
    const answers = await Promise.all([signIn(), signIn()])
    t.same(
      answers.map(({ statusCode }) => statusCode),
      [200, 200],
    )
    const [account] = await rows('select password_hash from accounts')
    t.match(account?.password_hash, /\$m=19456,t=2,p=1\$/)
    t.equal((await signIn()).statusCode, 200)
  })

  test(`${name}: of two changes of an account at once, one is told of the other`, async (t) => {
    const { app, join, admin } = await open(t)
    const id = await join()
    const put = (payload: object) => app.inject({ method: 'PUT', url: `/accounts/${id}`, headers: admin, payload })
    const both = await Promise.all([put({ role: 'admin', disabled: false }), put({ role: 'member', disabled: true })])
    t.same(both.map(({ statusCode }) => statusCode).sort(), [200, 409])
  })

  test(`${name}: a deleted user cannot sign in, and can sign up again`, async (t) => {
    const { app, join, signIn, admin, rows } = await open(t)
    const id = await join()
    await app.inject({ method: 'DELETE', url: `/users/${id}`, headers: admin })
    t.equal((await signIn()).statusCode, 401)
    t.equal(await app.accounts.scopesOf(id), undefined)
    t.same(await rows('select * from accounts'), [])
    t.equal(await join(), id + 1)
    t.equal((await signIn()).statusCode, 200)
  })

  test(`${name}: who signed up and was never verified goes after a time, and nobody else`, async (t) => {
    const pass = holdClock(t)
    const { app, post, signUp, signIn, join, verify, admin, rows } = await open(t)
    const of = (who: string) => ({ email: `${who}@example.com` })
    const change = (id: number, payload: object) =>
      app.inject({ method: 'PATCH', url: `/users/${id}`, headers: admin, payload })
    const create = async (who: string) => (await post('/users', { name: who, ...of(who) }, admin)).json().id as number
    await join(of('verified'))
    await create('listed')
    for (const who of ['spam', 'second-spam', 'listed', 'changed', 'locked', 'late']) await signUp(of(who))
    const ids = new Map((await rows('select id, name_key, email_key from users')).map((row) => [row.email_key, row.id]))
    const idOf = (who: string) => Number(ids.get(of(who).email))
    await change(idOf('changed'), { name: 'Somebody' })
    const lock = { role: 'member', disabled: true }
    await app.inject({ method: 'PUT', url: `/accounts/${idOf('locked')}`, headers: admin, payload: lock })
    const days = (count: number) => app.accounts.abandoned.forgetAfter(count * 24 * hour)
    const left = async () =>
      (await rows("select email from users where email like '%@example.com' order by id"))
        .map(({ email }) => String(email).split('@')[0])
        .filter((each) => each !== 'mohamed' && each !== 'ali')
    pass(7 * 24 * hour - 1)
    await days(7)
    t.equal((await left()).length, 7)
    t.equal((await app.inject({ url: `/users/${idOf('spam')}`, headers: admin })).statusCode, 200)
    // Whoever signs in gets the message again, and may still answer it.
    await signIn(of('late'))
    pass(2)
    await days(7)
    t.same(await left(), ['verified', 'listed', 'changed', 'locked', 'late'])
    t.equal((await app.inject({ url: `/users/${idOf('spam')}`, headers: admin })).statusCode, 404)
    const deleted = await rows(
      "select principal, target, detail from audit_events where type = 'account.deleted' order by target",
    )
    t.same(
      deleted,
      ['spam', 'second-spam'].map((who) => ({
        principal: 'server',
        target: `user:${idOf(who)}`,
        detail: 'its address was never verified',
      })),
    )
    await verify(fatima.password)
    t.equal((await signIn(of('late'))).statusCode, 200)
    pass(30 * 24 * hour)
    await days(7)
    t.same(await left(), ['verified', 'listed', 'changed', 'locked', 'late'])
    t.equal((await signUp(of('spam'))).statusCode, 202, 'an address is free again')
  })

  test(`${name}: what no longer counts is deleted`, async (t) => {
    const pass = holdClock(t)
    const { app, signUp, signIn, rows } = await open(t)
    await signUp()
    await signIn({ password: wrongPassword })
    pass(24 * hour + 1)
    await app.accounts.forget()
    for (const table of ['account_tokens', 'sign_in_failures', 'allowances']) {
      t.same(await rows(`select * from ${table}`), [], table)
    }
    t.equal((await rows('select * from accounts')).length, 1)
  })
}

conformance('SQLite', async () => ({}))
conformance('PostgreSQL', async () => ({ DATABASE_URL: await server.database() }))
