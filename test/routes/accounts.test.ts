import { test } from 'tap'
import { fatima, holdClock, openAccounts, second, seen, wrongPassword } from '../auth/account-setup.ts'
import { makeKey } from '../keys.ts'

const unknown = 'nobody@example.com'
const another = 'a red tram at midnight'

test('signing up answers a known address as it does an unknown one, after as many hashes', async (t) => {
  const { app, join, signUp, notices } = await openAccounts(t)
  await join()
  const before = app.accounts.passwords.computed
  const fresh = await signUp({ email: unknown })
  const between = app.accounts.passwords.computed
  const known = await signUp({ password: another })
  t.same(seen(known), seen(fresh))
  t.equal(fresh.statusCode, 202)
  t.equal(app.accounts.passwords.computed - between, between - before)
  t.match(
    (await notices()).slice(-2).map(({ kind, recipient }) => [kind, recipient]),
    [
      ['verify-email', unknown],
      ['sign-up-attempt', fatima.email],
    ],
  )
  t.equal((await app.inject({ url: '/users', query: { email: fatima.email } })).json().length, 1)
})

test('signing in answers whatever is wrong in the same way, after as many hashes', async (t) => {
  const { app, join, signIn, signUp, admin } = await openAccounts(t)
  await join()
  await signUp({ email: 'unverified@example.com' })
  const disabled = await join({ email: 'disabled@example.com' })
  const payload = { role: 'member', disabled: true }
  await app.inject({ method: 'PUT', url: `/accounts/${disabled}`, headers: admin, payload })
  const wrong = [
    { password: wrongPassword },
    { email: unknown },
    { email: 'ali@example.com' },
    { email: 'unverified@example.com' },
    { email: 'unverified@example.com', password: wrongPassword },
    { email: 'disabled@example.com' },
  ]
  const answers = []
  for (const person of wrong) {
    const before = app.accounts.passwords.computed
    answers.push(seen(await signIn(person)))
    t.equal(app.accounts.passwords.computed - before, 1, JSON.stringify(person))
  }
  for (const answer of answers) t.same(answer, answers[0])
  t.match(answers[0], { statusCode: 401, body: /"detail":"The address or the password is wrong"/ })
})

test('asking for another password answers a known address as it does an unknown one, and writes to it alone', async (t) => {
  const { join, post, notices } = await openAccounts(t)
  await join()
  const known = await post('/auth/request-password-reset', { email: fatima.email })
  const other = await post('/auth/request-password-reset', { email: unknown })
  t.same(seen(known), seen(other))
  t.equal(known.statusCode, 202)
  t.match(await notices('reset-password'), [{ recipient: fatima.email }])
  t.equal((await notices('reset-password')).length, 1)
})

test('a lock answers 429 before any hashing, alike for known and unknown addresses; a success ends the count', async (t) => {
  const pass = holdClock(t)
  const { app, join, signIn } = await openAccounts(t)
  await join()
  const locked = []
  for (const email of [fatima.email, unknown]) {
    for (const _ of [1, 2, 3, 4, 5]) t.equal((await signIn({ email, password: wrongPassword })).statusCode, 401)
    const before = app.accounts.passwords.computed
    locked.push(seen(await signIn({ email })))
    t.equal(app.accounts.passwords.computed, before)
  }
  t.same(locked[0], locked[1])
  t.match(locked[0], { statusCode: 429, headers: { 'retry-after': '1' }, body: /"code":"rate-limited"/ })
  pass(second)
  t.equal((await signIn()).statusCode, 200)
  for (const _ of [1, 2, 3, 4]) t.equal((await signIn({ password: wrongPassword })).statusCode, 401)
  t.equal((await signIn()).statusCode, 200)
})

test('a reset verifies the address, lifts the lock, and ends every session', async (t) => {
  const { app, join, signUp, enter, signIn, post, token, notices } = await openAccounts(t)
  await join()
  const headers = await enter()
  for (const _ of [1, 2, 3, 4, 5]) await signIn({ password: wrongPassword })
  t.equal((await signIn()).statusCode, 429)
  await post('/auth/request-password-reset', { email: fatima.email })
  t.match(
    (await post('/auth/reset-password', { token: await token('reset-password'), password: 'Fatima-2026' })).json(),
    { code: 'validation-failed', errors: [{ pointer: '/password' }] },
    'a weak password leaves the token good',
  )
  const payload = { token: await token('reset-password'), password: another }
  t.equal((await post('/auth/reset-password', payload)).statusCode, 204)
  t.equal((await app.inject({ url: '/me', headers })).statusCode, 401)
  t.equal((await signIn({ password: another })).statusCode, 200)
  t.equal((await notices()).at(-1)?.kind, 'password-changed')
  await signUp({ email: 'aisha@example.com' })
  await post('/auth/request-password-reset', { email: 'aisha@example.com' })
  await post('/auth/reset-password', { token: await token('reset-password'), password: another })
  t.equal((await signIn({ email: 'aisha@example.com', password: another })).statusCode, 200, 'it was not verified')
})

test('a change of the password wants the present one, and ends the other sessions', async (t) => {
  const { app, join, enter, signIn, post, token, notices } = await openAccounts(t)
  await join()
  const here = await enter()
  const there = await enter()
  await post('/auth/request-password-reset', { email: fatima.email })
  const pending = await token('reset-password')
  const change = (currentPassword: string, newPassword: string) =>
    post('/auth/change-password', { currentPassword, newPassword }, here)
  const wrong = await change(wrongPassword, another)
  t.match(wrong.json(), { code: 'validation-failed', errors: [{ pointer: '/currentPassword' }] })
  t.match((await change(fatima.password, 'fatima-fatima')).json(), { errors: [{ pointer: '/newPassword' }] })
  t.match((await change(fatima.password, fatima.password)).json(), {
    code: 'validation-failed',
    errors: [{ pointer: '/newPassword', detail: 'must be another password than the present one' }],
  })
  t.equal((await change(fatima.password, another)).statusCode, 204)
  t.equal((await app.inject({ url: '/me', headers: here })).statusCode, 200)
  t.equal((await app.inject({ url: '/me', headers: there })).statusCode, 401)
  t.equal((await signIn()).statusCode, 401)
  t.equal((await signIn({ password: another })).statusCode, 200)
  t.equal((await notices()).at(-1)?.kind, 'password-changed')
  t.equal((await post('/auth/reset-password', { token: pending, password: fatima.password })).statusCode, 400)
})

test('who has somebody’s session cannot try out passwords with it', async (t) => {
  const { join, enter, post } = await openAccounts(t)
  await join()
  const headers = await enter()
  const guess = () => post('/auth/change-password', { currentPassword: wrongPassword, newPassword: another }, headers)
  for (const _ of [1, 2, 3, 4, 5]) t.equal((await guess()).statusCode, 400)
  t.equal((await guess()).statusCode, 429)
})

test('neither a key nor nobody can change a password', async (t) => {
  const { post, admin } = await openAccounts(t)
  const change = { currentPassword: fatima.password, newPassword: another }
  t.equal((await post('/auth/change-password', change)).statusCode, 401)
  t.equal((await post('/auth/change-password', change, admin)).statusCode, 403)
})

test('what is not asked for is refused: nobody signs up as an administrator, or with the id of another', async (t) => {
  const { app, post } = await openAccounts(t)
  for (const more of [
    { role: 'admin' },
    { id: 1 },
    { emailVerifiedAt: '2026-11-25T12:00:00Z' },
    { scopes: ['admin'] },
  ]) {
    const refused = await post('/auth/sign-up', { ...fatima, ...more })
    t.match(refused.json(), { code: 'validation-failed' }, JSON.stringify(more))
  }
  t.equal((await app.inject('/users')).json().length, 2)
})

test('a weak password is refused before anything is looked up, the same for every address', async (t) => {
  const { app, join, signUp } = await openAccounts(t)
  await join()
  const before = app.accounts.passwords.computed
  const known = await signUp({ password: 'qwertyuiop' })
  t.match(known.json(), {
    status: 400,
    errors: [{ in: 'body', pointer: '/password', detail: 'is among those that are tried first' }],
  })
  t.same(seen(await signUp({ email: unknown, password: 'qwertyuiop' })), seen(known))
  t.equal(app.accounts.passwords.computed, before)
  t.match((await signUp({ password: 'short' })).json(), { errors: [{ pointer: '/password' }] })
  for (const name of [' ', 'Fatima\nhttps://evil.example', 'a\u2028b', 'a\u2029', '\u0007']) {
    t.match((await signUp({ name })).json(), { errors: [{ pointer: '/name' }] }, encodeURIComponent(name))
  }
  t.equal((await signUp({ name: 'Fāṭima al-Fihriyya 紫' })).statusCode, 202)
})

test('where signing up is switched off it answers 403; in production it is off unless it is switched on', async (t) => {
  const production = {
    NODE_ENV: 'production',
    SECRET: 'a secret of more than 32 characters',
    PUBLIC_URL: 'https://api.example.com',
  }
  const cases: [Record<string, string>, number][] = [
    [{}, 202],
    [{ SIGN_UP: 'false' }, 403],
    [production, 403],
    [{ ...production, SIGN_UP: 'true' }, 202],
  ]
  for (const [settings, status] of cases) {
    const { signUp } = await openAccounts(t, settings)
    t.equal((await signUp()).statusCode, status, JSON.stringify(settings))
  }
})

test('from one address of the network there are so many sign-ups and requests for a reset within an hour', async (t) => {
  const { post } = await openAccounts(t, { LOG_LEVEL: 'silent' })
  for (let number = 1; number <= 30; number += 1) {
    const email = `person-${number}@example.com`
    t.equal((await post('/auth/request-password-reset', { email })).statusCode, 202)
  }
  const refused = await post('/auth/request-password-reset', { email: fatima.email })
  t.equal(refused.statusCode, 429)
  t.match(refused.headers['retry-after'], /^\d+$/)
  t.equal((await post('/auth/sign-up', fatima)).statusCode, 202, 'each has a count of its own')
})

test('administrators see and set role and lock; who is demoted or disabled is out at once', async (t) => {
  const { app, join, enter, signIn, admin, rows } = await openAccounts(t)
  const id = await join()
  const url = `/accounts/${id}`
  const put = (payload: object, headers: Record<string, string> = admin) =>
    app.inject({ method: 'PUT', url, headers, payload })
  const statusOf = async (headers: Record<string, string>) => (await app.inject({ url, headers })).statusCode
  const account = { id, role: 'member', disabled: false, emailVerified: true }
  t.match((await app.inject({ url, headers: admin })).json(), account)
  const member = await enter()
  t.equal(await statusOf(member), 403)
  t.equal((await put({ role: 'admin', disabled: false }, member)).statusCode, 403)
  t.match((await put({ role: 'admin', disabled: false })).json(), { ...account, role: 'admin' })
  t.equal(await statusOf(member), 401, 'its sessions have ended')
  const headers = await enter()
  t.equal(await statusOf(headers), 200)
  t.equal((await put({ role: 'admin', disabled: false })).statusCode, 200)
  t.equal(await statusOf(headers), 200, 'what changes nothing ends no session')
  t.equal((await put({ role: 'member', disabled: true })).statusCode, 200)
  t.equal(await statusOf(headers), 401)
  t.equal((await signIn()).statusCode, 401)
  t.equal((await put({ role: 'member', disabled: false })).statusCode, 200)
  t.equal((await signIn()).statusCode, 200)
  const events = await rows(`select type, principal, target, detail from audit_events where type like 'account.%'`)
  t.match(events.slice(1), [
    { type: 'account.role-changed', principal: /^api-key:/, target: `user:${id}`, detail: 'member to admin' },
    { type: 'account.role-changed', detail: 'admin to member' },
    { type: 'account.disabled' },
    { type: 'account.enabled' },
  ])
})

test('an account that is not there is not found, and half of its properties are not enough', async (t) => {
  const { app, admin } = await openAccounts(t)
  const put = (url: string, payload: object) => app.inject({ method: 'PUT', url, headers: admin, payload })
  t.equal((await app.inject({ url: '/accounts/1', headers: admin })).statusCode, 404)
  t.equal((await put('/accounts/1', { role: 'admin', disabled: false })).statusCode, 404)
  t.equal((await put('/accounts/1', { role: 'admin' })).statusCode, 400)
  t.equal((await put('/accounts/1', { role: 'owner', disabled: false })).statusCode, 400)
  const { key } = await makeKey(app, admin['x-api-key'], ['users:write'])
  t.equal((await app.inject({ url: '/accounts/1', headers: { 'x-api-key': key } })).statusCode, 403)
})

test('a disabled account gets no token to come back with', async (t) => {
  const { app, join, post, notices, token, admin } = await openAccounts(t)
  const id = await join()
  await post('/auth/request-password-reset', { email: fatima.email })
  const payload = { role: 'member', disabled: true }
  await app.inject({ method: 'PUT', url: `/accounts/${id}`, headers: admin, payload })
  const reset = { token: await token('reset-password'), password: another }
  t.equal((await post('/auth/reset-password', reset)).statusCode, 400, 'nor is an older one good')
  await post('/auth/request-password-reset', { email: fatima.email })
  t.equal((await notices('reset-password')).length, 1)
})

test('the audit trail says why, and neither it nor the log holds a password, a token or a whole address', async (t) => {
  const { join, signIn, signUp, post, token, rows, logs } = await openAccounts(t)
  await join()
  await signUp()
  await signIn({ email: unknown })
  for (const _ of [1, 2, 3, 4, 5]) await signIn({ password: wrongPassword })
  await post('/auth/request-password-reset', { email: fatima.email })
  const sent = await token('reset-password')
  await post('/auth/reset-password', { token: sent, password: another })
  const events = await rows('select type, outcome, principal, target, detail, address from audit_events order by id')
  t.match(
    events.filter(({ type }) => !String(type).startsWith('key.')),
    [
      { type: 'account.signed-up', outcome: 'success', principal: 'anonymous', detail: 'new user: F…@Example.com' },
      { type: 'email.verified', outcome: 'success', principal: 'user:3', target: 'user:3', address: '127.0.0.1' },
      { type: 'account.signed-up', outcome: 'failure', target: 'user:3' },
      { type: 'sign-in.failed', outcome: 'failure', target: '', detail: 'unknown address: n…@example.com' },
      ...[1, 2, 3, 4, 5].map(() => ({ type: 'sign-in.failed', target: 'user:3', detail: /^wrong password/ })),
      { type: 'sign-in.locked', outcome: 'failure', target: 'user:3' },
      { type: 'password.reset-requested', outcome: 'success', target: 'user:3' },
      { type: 'password.reset', outcome: 'success', principal: 'user:3', target: 'user:3' },
    ],
  )
  const written = JSON.stringify([events, logs()])
  for (const secret of [fatima.password, wrongPassword, another, sent, fatima.email, unknown]) {
    t.notOk(written.includes(secret), secret)
  }
})

test('a session’s tokens are not stored on the way', async (t) => {
  const { join, signIn } = await openAccounts(t)
  await join()
  const { headers } = await signIn()
  t.equal(headers['cache-control'], 'no-store')
})

test('the audit trail tells of a lock once, however many failures follow', async (t) => {
  const pass = holdClock(t)
  const { join, signIn, audited } = await openAccounts(t)
  await join()
  for (const _ of [1, 2, 3, 4, 5, 6, 7]) {
    await signIn({ password: wrongPassword })
    pass(10 * second)
  }
  const types = await audited()
  t.equal(types.filter((type) => type === 'sign-in.failed').length, 7)
  t.equal(types.filter((type) => type === 'sign-in.locked').length, 1)
})

test('the users API shows nothing of an account', async (t) => {
  const { app, join } = await openAccounts(t)
  const id = await join()
  t.same(Object.keys((await app.inject(`/users/${id}`)).json()), ['id', 'name', 'email', 'createdAt', 'updatedAt'])
  t.same(Object.keys((await app.inject('/users')).json().at(-1)), ['id', 'name', 'email'])
})
