import { test } from 'tap'
import { anonymousScopes, checkScopes, readConfig, scopesOf } from '../src/config.ts'

const anonymous = (env: Record<string, string>) => anonymousScopes(readConfig(env))
const production = { NODE_ENV: 'production', SECRET: 's'.repeat(32), PUBLIC_URL: 'https://api.example.com' }

test('anonymous callers hold scopes on a development machine that nobody else reaches', async (t) => {
  t.same(anonymous({}), ['users:read', 'events:read', 'metrics:read'])
  t.same(anonymous({ HOST: '0.0.0.0' }), [])
  t.same(anonymous({ PUBLIC_URL: 'https://api.example.com' }), [], 'behind a proxy')
  t.same(anonymous(production), [])
  t.same(anonymous({ ...production, ANONYMOUS_SCOPES: 'users:read, posts:read' }), ['users:read', 'posts:read'])
  t.same(anonymous({ ANONYMOUS_SCOPES: 'none' }), [])
})

test('a list of scopes can say none, and admin cannot be given to everybody', async (t) => {
  t.same(scopesOf('none'), [])
  t.same(scopesOf('a:b c:d,e:f'), ['a:b', 'c:d', 'e:f'])
  const known = new Set(['admin', 'a:b'])
  t.doesNotThrow(() => checkScopes('MEMBER_SCOPES', ['a:b'], known))
  t.throws(() => checkScopes('MEMBER_SCOPES', ['admin'], known), { message: 'MEMBER_SCOPES cannot hold admin' })
  t.throws(() => checkScopes('MEMBER_SCOPES', ['a:c'], known), /MEMBER_SCOPES names a:c/)
})
