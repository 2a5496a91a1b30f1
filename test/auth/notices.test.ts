import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { build } from '../helper.ts'
import { raw } from '../storage/setup.ts'
import { fatima, holdClock, hour, openAccounts } from './account-setup.ts'

const production = {
  NODE_ENV: 'production',
  SECRET: 'a secret of more than 32 characters',
  SIGN_UP: 'true',
  PUBLIC_URL: 'https://api.example.com',
}
const ali = { kind: 'password-changed', recipient: 'ali@example.com', name: 'Ali' } as const

test('a notice is kept sealed with the change that it tells of, and is pending until it is sent', async (t) => {
  const { app, signUp, notices, rows } = await openAccounts(t, production)
  await signUp()
  const [notice] = await notices()
  t.match(notice, { kind: 'verify-email', recipient: fatima.email, name: 'Fatima', token: /^[\w-]{43}$/ })
  const stored = JSON.stringify([await rows('select * from notices'), await rows('select * from account_tokens')])
  t.notOk(stored.includes(notice?.token ?? ''), 'its token is not in the database')
  await app.notices.sent(notice?.id ?? '')
  t.same(await notices(), [])
  t.match(await rows('select * from notices'), [{ payload: '', sent_at: /Z$/ }], 'what was sent is forgotten')
})

test('pending notices come in the order in which they were written', async (t) => {
  const pass = holdClock(t)
  const { app } = await build(t)
  const names = ['first', 'second', 'third']
  for (const name of names) {
    await app.storage.engine.write(app.notices.commands(app.notices.compose({ ...ali, name })))
    pass(1)
  }
  t.same(
    (await app.notices.pending()).map(({ name }) => name),
    names,
  )
  t.equal((await app.notices.pending(2)).length, 2)
})

test('a notice that cannot be opened is a warning, and keeps no other back', async (t) => {
  const { app, logs } = await build(t)
  const { engine } = app.storage
  for (let number = 1; number <= 5; number += 1) {
    await engine.write(app.notices.commands(app.notices.compose({ ...ali, name: String(number) })))
  }
  const [one, two, three] = await app.notices.pending()
  for (const { id = '' } of [one, two, three] as { id?: string }[]) {
    await engine.all(raw(`update notices set payload = 'of another secret' where id = '${id}' returning id`), {})
  }
  const names = async (limit?: number) => (await app.notices.pending(limit)).map(({ name }) => name).sort()
  t.same(
    await names(),
    [one, two, three].reduce((left, notice) => left.filter((name) => name !== notice?.name), ['1', '2', '3', '4', '5']),
  )
  t.equal((await names(1)).length, 1, 'nor do as many as are asked for')
  t.match(logs().filter(({ level }) => Number(level) >= 40)[0], {
    level: 40,
    msg: 'a notice cannot be opened',
    notice: /^[\da-f-]{36}$/,
  })
})

test('a link points to where clients reach the server, with the token where no server logs it', async (t) => {
  const input = { kind: 'reset-password', recipient: 'ali@example.com', name: 'Ali', token: 'secret' } as const
  const { app } = await build(t, { PORT: '8081' })
  t.equal(app.notices.compose(input).link, 'http://localhost:8081/auth/reset-password#token=secret')
  const published = await build(t, { PUBLIC_URL: 'https://api.example.com' })
  t.equal(published.app.notices.compose(input).link, 'https://api.example.com/auth/reset-password#token=secret')
  t.equal(app.notices.compose(ali).link, undefined)
  const { port } = new URL(await app.listen({ port: 0 }))
  t.match(app.notices.compose(input).link, `http://localhost:${port}/`)
})

test('outside production a notice is a file too, which only its user reads; the log names nothing but the file', async (t) => {
  const { signUp, notices, folder, logs } = await openAccounts(t)
  await signUp()
  const [notice] = await notices()
  const [file = '', ...others] = readdirSync(join(folder, 'notices'))
  t.same(others, [])
  t.match(file, /^[\dTZ-]+-verify-email-[0-9a-f]{8}\.json$/)
  t.same(JSON.parse(readFileSync(join(folder, 'notices', file), 'utf8')), notice)
  t.equal(statSync(join(folder, 'notices', file)).mode & 0o777, 0o600)
  t.equal(statSync(join(folder, 'notices')).mode & 0o777, 0o700)
  t.match(
    logs().filter((line) => line.file !== undefined),
    [{ file, level: 30 }],
  )
  t.notMatch(JSON.stringify(logs()), notice?.token)
})

test('in production there is no file', async (t) => {
  const { signUp, folder } = await openAccounts(t, production)
  await signUp()
  t.notOk(readdirSync(folder).includes('notices'))
})

test('a notice that its write did not keep is no file', async (t) => {
  const { app, folder, logs } = await openAccounts(t)
  await app.notices.announce(app.notices.compose(ali))
  t.notOk(readdirSync(folder).includes('notices'))
  t.same(
    logs().filter(({ level }) => Number(level) >= 40),
    [],
  )
})

test('a file that cannot be written is a warning, and the notice stays pending', async (t) => {
  const { signUp, notices, folder, logs } = await openAccounts(t)
  writeFileSync(join(folder, 'notices'), 'in the way')
  await signUp()
  t.equal((await notices()).length, 1)
  t.match(
    logs().filter(({ level }) => Number(level) >= 40),
    [{ level: 40, msg: 'a notice could not be written to a file' }],
  )
})

test('a notice goes with its user, and after a week', async (t) => {
  const pass = holdClock(t)
  const { app } = await build(t)
  const { engine } = app.storage
  const write = () => engine.write(app.notices.commands(app.notices.compose(ali)))
  await write()
  await app.inject({ method: 'DELETE', url: '/users/2' })
  t.same(await engine.all(raw('select * from notices'), {}), [])
  await write()
  t.same(await engine.all(raw('select * from notices'), {}), [], 'nobody has the address')
  const mohamed = app.notices.compose({ ...ali, recipient: 'mohamed@example.com' })
  await engine.write(app.notices.commands(mohamed))
  pass(7 * 24 * hour + 1)
  await app.accounts.forget()
  t.same(await engine.all(raw('select * from notices'), {}), [])
})

test('a notice is told of when it is kept, without address and token, to administrators alone', async (t) => {
  const { app, signUp, notices, admin, enter } = await openAccounts(t, { MEMBER_SCOPES: 'events:read' })
  for (let time = 1; time <= 4; time += 1) await signUp()
  const kept = await notices()
  t.equal(kept.length, 3, 'a fourth within the hour is not kept')
  const told = async (headers: Record<string, string>) => {
    const all = await app.inject({ url: '/events', query: { limit: '100' }, headers })
    return all.json<{ type: string; owner?: number }[]>().filter(({ type }) => type === 'notice.created')
  }
  const events = await told(admin)
  t.match(
    events.slice(0, 3),
    kept.map(({ id, kind }) => ({ subject: `/notices/${id}`, data: { id, kind } })),
  )
  t.equal(events.length, 4, 'nor does who counts events learn that it was not')
  t.notMatch(JSON.stringify(events), /@|token/)
  await app.inject({
    method: 'POST',
    url: '/auth/verify-email',
    payload: { token: kept[2]?.token, password: fatima.password },
  })
  t.same(await told(await enter()), [])
})

test('as many events tell of a reset for an address that nobody has as for one that somebody has', async (t) => {
  const { app, join, post, rows } = await openAccounts(t)
  await join()
  const [{ id: disabled } = {}] = await rows(`select id from users where email = 'ali@example.com'`)
  await rows(
    `insert into accounts (user_id, role, disabled_at, created_at, updated_at) values (${disabled}, 'member', '1', '1', '1') returning user_id`,
  )
  const told = async () => rows('select type, data, owner from events order by id')
  for (const [email, kept] of [
    [fatima.email, true],
    ['nobody@example.com', false],
    ['ali@example.com', false],
  ] as const) {
    for (let time = 1; time <= 4; time += 1) {
      const before = (await told()).length
      await post('/auth/request-password-reset', { email })
      const [event, ...others] = (await told()).slice(before)
      t.same(others, [], email)
      const { id, kind } = JSON.parse(String(event?.data)) as { id: string; kind: string }
      t.match([event?.type, kind], ['notice.created', 'reset-password'])
      t.equal((await app.notices.find(id)).as, kept && time <= 3 ? 'pending' : 'unknown', `${email} ${time}`)
      if (!kept) t.equal(event?.owner, 0)
    }
  }
})

test('a notice is found to be sent, and keeps the languages of who caused it', async (t) => {
  const { app, post, notices, rows } = await openAccounts(t)
  await post('/auth/sign-up', fatima, { 'accept-language': `de-CH, ${'x'.repeat(300)}` })
  const [notice] = await notices()
  const id = notice?.id ?? ''
  t.match(notice, { languages: /^de-CH, x{193}$/ })
  t.same(await app.notices.find(id), { as: 'pending', notice, provenAt: undefined })
  t.same(await app.notices.find('another'), { as: 'unknown' })
  await rows(`update notices set payload = 'of another secret' returning id`)
  t.same(await app.notices.find(id), { as: 'unreadable' })
  await app.notices.sent(id)
  t.same(await app.notices.find(id), { as: 'sent' })
})

test('who verifies the first address of an account is welcomed, once', async (t) => {
  const { app, join, signIn, notices, token, post, admin } = await openAccounts(t)
  const id = await join()
  const kinds = async () => (await notices()).map(({ kind }) => kind)
  t.same(
    (await notices('welcome')).map(({ recipient, name }) => [recipient, name]),
    [[fatima.email, fatima.name]],
  )
  const email = 'fatima@example.org'
  await app.inject({
    method: 'PATCH',
    url: `/users/${id}`,
    payload: { email },
    headers: { ...admin, 'content-type': 'application/merge-patch+json' },
  })
  await signIn({ email })
  const answer = await post('/auth/verify-email', { token: await token('verify-email'), password: fatima.password })
  t.equal(answer.statusCode, 204)
  t.equal((await kinds()).filter((kind) => kind === 'welcome').length, 1)
})

test('whoever has a session hears that its refresh token was used twice, once', async (t) => {
  const { join, signIn, post, notices } = await openAccounts(t)
  await join()
  const { refreshToken } = (await signIn()).json<{ refreshToken: string }>()
  const refresh = async () => (await post('/auth/refresh', { refreshToken }, { 'accept-language': 'fr' })).statusCode
  t.same([await refresh(), await refresh(), await refresh()], [200, 401, 401])
  t.match(await notices('session-ended'), [{ recipient: fatima.email, name: fatima.name, languages: 'fr' }])
  t.equal((await notices('session-ended')).length, 1)
})
