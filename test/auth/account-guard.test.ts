import { test } from 'tap'
import { makeKey } from '../keys.ts'
import { raw } from '../storage/setup.ts'
import { fatima, openAccounts } from './account-setup.ts'

test('who may write users but is no administrator changes and deletes no administrator', async (t) => {
  const { app, join, admin } = await openAccounts(t, { ANONYMOUS_SCOPES: 'users:read' })
  const id = await join()
  const url = `/users/${id}`
  const { key } = await makeKey(app, admin['x-api-key'], ['users:write', 'users:read'])
  const writer = { 'x-api-key': key }
  const patch = { name: 'F', email: fatima.email }
  const statuses = async (headers: Record<string, string>) => [
    (await app.inject({ method: 'PATCH', url, headers, payload: patch })).statusCode,
    (await app.inject({ method: 'PUT', url, headers, payload: patch })).statusCode,
  ]
  t.same(await statuses(writer), [200, 200], 'a member')
  const payload = { role: 'admin', disabled: false }
  await app.inject({ method: 'PUT', url: `/accounts/${id}`, headers: admin, payload })
  t.same(await statuses(writer), [403, 403])
  const refused = await app.inject({ method: 'DELETE', url, headers: writer })
  t.match(refused.json(), { status: 403, code: 'forbidden', detail: /administrator/ })
  t.equal((await app.inject({ url, headers: writer })).statusCode, 200, 'reading is another thing')
  t.same(await statuses(admin), [200, 200])
  t.equal((await app.inject({ method: 'DELETE', url, headers: admin })).statusCode, 204)
  t.equal((await app.inject({ method: 'DELETE', url: '/users/1', headers: writer })).statusCode, 204, 'no account')
})

test('another address and the end of a user who has an account are on record, with who did it', async (t) => {
  const { app, join, admin, rows } = await openAccounts(t)
  const id = await join()
  const send = (method: 'PATCH' | 'DELETE', url: string, payload?: object) =>
    app.inject({ method, url, headers: admin, ...(payload && { payload }) })
  await send('PATCH', `/users/${id}`, { name: 'Another name' })
  await send('PATCH', `/users/${id}`, { email: 'ali@example.com' })
  await send('PATCH', `/users/${id}`, { email: 'fatima@example.org' })
  await send('PATCH', '/users/1', { email: 'other@example.org' })
  await send('DELETE', `/users/${id}`)
  await send('DELETE', '/users/2')
  const events = await rows(`select * from audit_events where type in ('account.address-changed', 'account.deleted')`)
  const principal = /^api-key:/
  const target = `user:${id}`
  t.match(events, [
    { type: 'account.address-changed', principal, target, detail: 'F…@Example.com to f…@example.org' },
    { type: 'account.deleted', principal, target, detail: 'f…@example.org' },
  ])
  t.equal(events.length, 2)
})

test('whoever reads the verified address of an account hears that it has another one', async (t) => {
  const { app, join, signUp, admin, notices } = await openAccounts(t)
  const id = await join()
  await signUp({ email: 'another@example.org' })
  const send = async (user: number, email: string) => {
    const payload = { name: 'F', email }
    return (await app.inject({ method: 'PUT', url: `/users/${user}`, headers: admin, payload })).statusCode
  }
  t.same([await send(id, 'ali@example.com'), await send(id, fatima.email)], [409, 200])
  t.same(await notices('address-changed'), [], 'it has not')
  t.same([await send(id, 'fatima@example.org'), await send(id, 'f@example.org')], [200, 200])
  t.equal(await send(id + 1, 'b@example.org'), 200)
  const told = (await notices('address-changed')).map(({ recipient }) => recipient)
  t.same(told, [fatima.email], 'an address that nobody has verified hears nothing')
})

test('what is not changed is not on record, and what cannot be on record is not changed', async (t) => {
  const { app, join, admin, rows } = await openAccounts(t)
  const run = (sql: string) => app.storage.engine.write([[raw(sql), {}]])
  const id = await join()
  const url = `/users/${id}`
  const send = (method: 'PUT' | 'PATCH' | 'DELETE', more: object = {}, headers: object = {}) =>
    app.inject({ method, url, headers: { ...admin, ...headers }, ...more })
  const payload = { name: 'F', email: 'f@example.org' }
  const audited = () => rows(`select id from audit_events where type like 'account.%' and type <> 'account.signed-up'`)
  const stale = { 'if-match': '"99"' }
  t.equal((await send('PUT', { payload }, stale)).statusCode, 412)
  t.equal((await send('PATCH', { payload: { email: 'mohamed@example.com' } })).statusCode, 409)
  t.equal((await send('DELETE', {}, stale)).statusCode, 412)
  t.same(await audited(), [])
  await run('alter table audit_events rename to audit_events_away')
  t.equal((await send('PUT', { payload })).statusCode, 500)
  t.equal((await send('DELETE')).statusCode, 500)
  await run('alter table audit_events_away rename to audit_events')
  t.match((await app.inject({ url, headers: admin })).json(), { email: fatima.email })
  t.equal((await send('PUT', { payload }, { 'if-match': '"1"' })).statusCode, 200)
  t.equal((await send('DELETE', {}, { 'if-match': '"1", "2"' })).statusCode, 204)
  t.equal((await audited()).length, 2)
})
