import { test } from 'tap'
import { fatima, openAccounts } from '../auth/account-setup.ts'
import { makeKey } from '../keys.ts'

test('a user who has signed in sees who it is and what it may do', async (t) => {
  const { app, join, enter } = await openAccounts(t)
  const id = await join()
  t.same((await app.inject({ url: '/me', headers: await enter() })).json(), {
    kind: 'user',
    id: `user:${id}`,
    scopes: ['keys:read', 'keys:write', 'users:read'],
    user: { id, name: fatima.name, email: fatima.email, emailVerified: true, role: 'member' },
  })
})

test('a key sees its scopes, and its user where it has one', async (t) => {
  const { app, join, enter, post, admin } = await openAccounts(t)
  const own = await makeKey(app, admin['x-api-key'], ['users:read'])
  t.same((await app.inject({ url: '/me', headers: { 'x-api-key': own.key } })).json(), {
    kind: 'api-key',
    id: `api-key:${own.id}`,
    scopes: ['users:read'],
  })
  const id = await join()
  const made = (await post('/keys', { name: 'mine', scopes: ['users:read'] }, await enter())).json<{ key: string }>()
  t.match((await app.inject({ url: '/me', headers: { 'x-api-key': made.key } })).json(), {
    kind: 'api-key',
    scopes: ['users:read'],
    user: { id, email: fatima.email },
  })
})

test('nobody is nobody: without a credential the answer is 401, whatever anonymous callers may do', async (t) => {
  const { app } = await openAccounts(t)
  const refused = await app.inject('/me')
  t.equal(refused.statusCode, 401)
  t.equal(refused.headers['www-authenticate'], 'Bearer realm="septet"')
})
