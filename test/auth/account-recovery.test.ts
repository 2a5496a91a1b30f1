import suite, { type Test, test } from 'tap'
import { startPostgres } from '../storage/postgres-server.ts'
import { fatima, openAccounts, wrongPassword } from './account-setup.ts'

const server = await startPostgres(suite)
const another = 'a red tram at midnight'

/** The same cases on both engines. */
function conformance(name: string, settings: () => Promise<Record<string, string>>): void {
  const open = async (t: Test, more = {}) => openAccounts(t, { ...(await settings()), ...more })

  test(`${name}: another address of the user is not verified, and a token of the old one is void`, async (t) => {
    const { app, join, signIn, verify, post, token, admin } = await open(t)
    const id = await join()
    const change = (email: string) =>
      app.inject({ method: 'PATCH', url: `/users/${id}`, headers: admin, payload: { email } })
    await post('/auth/request-password-reset', { email: fatima.email })
    const old = await token('reset-password')
    await change('fatima@example.org')
    t.equal((await signIn()).statusCode, 401)
    t.equal((await signIn({ email: 'fatima@example.org' })).statusCode, 401)
    t.equal((await post('/auth/reset-password', { token: old, password: another })).statusCode, 400)
    t.match(await app.accounts.get(id), { emailVerified: false })
    // The right password has sent the message again, to the new address.
    t.equal((await verify(another)).statusCode, 400)
    t.equal((await verify()).statusCode, 204)
    t.equal((await signIn({ email: 'fatima@example.org' })).statusCode, 200)
    await change('FATIMA@example.org')
    t.equal((await signIn({ email: 'fatima@example.org' })).statusCode, 200, 'the same address, written otherwise')
  })

  test(`${name}: who changes the address of an administrator cannot become one`, async (t) => {
    const { app, join, signIn, signUp, post, notices, admin } = await open(t)
    const id = await join()
    const put = (payload: object) => app.inject({ method: 'PUT', url: `/accounts/${id}`, headers: admin, payload })
    const change = (email: string) =>
      app.inject({ method: 'PATCH', url: `/users/${id}`, headers: admin, payload: { email } })
    t.equal((await put({ role: 'admin', disabled: false })).statusCode, 200)
    t.same(await app.accounts.scopesOf(id), ['admin'])
    await change('thief@example.com')
    const before = (await notices()).length
    await post('/auth/request-password-reset', { email: 'thief@example.com' })
    await signIn({ email: 'thief@example.com', password: wrongPassword })
    t.equal((await notices()).length, before, 'no token goes to the new address')
    await signUp({ email: 'thief@example.com' })
    t.equal((await notices()).at(-1)?.kind, 'sign-up-attempt')
    await change(fatima.email)
    t.equal((await signIn()).statusCode, 200, 'the address that was verified is good again')
    await put({ role: 'member', disabled: false })
    await change('thief@example.com')
    t.match((await put({ role: 'admin', disabled: false })).json(), { code: 'conflict' })
  })

  for (const promoted of [false, true]) {
    const whom = promoted ? 'a member who becomes an administrator' : 'a plain member'
    test(`${name}: who changes addresses cannot take over ${whom}`, async (t) => {
      const { app, join, signIn, signUp, post, token, notices, rows, admin } = await open(t)
      const id = await join()
      const change = async (email: string) =>
        (await app.inject({ method: 'PATCH', url: `/users/${id}`, headers: admin, payload: { email } })).statusCode
      const put = async (role: string) => {
        const payload = { role, disabled: false }
        return (await app.inject({ method: 'PUT', url: `/accounts/${id}`, headers: admin, payload })).statusCode
      }
      const reset = async (text: string) =>
        (await post('/auth/reset-password', { token: text, password: another })).statusCode
      const thief = { email: 'thief@example.com' }
      t.equal(await change(thief.email), 200)
      await post('/auth/request-password-reset', thief)
      await signUp({ ...thief, password: another })
      t.same(
        (await notices()).map(({ kind }) => kind),
        ['verify-email', 'welcome', 'address-changed', 'sign-up-attempt'],
        'none of which has a token for the thief',
      )
      // A token that the thief could have all the same: of the time before the account was verified.
      await rows('update accounts set verified_email_key = null returning user_id')
      await post('/auth/request-password-reset', thief)
      const old = await token('reset-password')
      t.match(old, /./)
      await rows(`update accounts set verified_email_key = 'fatima@example.com' returning user_id`)
      t.equal(await change(fatima.email), 200)
      t.equal(await put(promoted ? 'admin' : 'member'), 200)
      t.equal((await rows('select * from account_tokens')).length, promoted ? 0 : 1, 'a promotion voids tokens')
      t.equal(await change(thief.email), 200)
      t.equal(await reset(old), 400)
      t.equal(await change(fatima.email), 200)
      t.equal((await signIn()).statusCode, 200, 'the password is what it was')
    })
  }

  test(`${name}: a changed address is verified with nothing but the present password`, async (t) => {
    const { app, join, enter, signIn, verify, post, admin } = await open(t)
    const id = await join()
    const headers = await enter()
    const email = 'fatima@example.org'
    await app.inject({ method: 'PATCH', url: `/users/${id}`, headers: admin, payload: { email } })
    await signIn({ email })
    const sent = await app.notices.pending()
    t.equal(sent.at(-1)?.recipient, email)
    await post('/auth/change-password', { currentPassword: fatima.password, newPassword: another }, headers)
    t.equal((await verify(fatima.password, sent.at(-1)?.token)).statusCode, 400, 'it was changed meanwhile')
    await signIn({ email, password: another })
    t.equal((await verify(another)).statusCode, 204)
    t.equal((await signIn({ email, password: another })).statusCode, 200)
  })
}

conformance('SQLite', async () => ({}))
conformance('PostgreSQL', async () => ({ DATABASE_URL: await server.database() }))
