/** Who may call, by which credential. */

import { asAdmin, type Case, failed, type Keys, one } from './case.ts'

const unauthenticated = failed('unauthenticated', 401)

function bearer(name: keyof Keys) {
  return (keys: Keys) => ({ authorization: `Bearer ${keys[name]}` })
}

export const accessCases: readonly Case[] = [
  one('anonymous callers read users', 'getUser', { id: 1 }, { value: { id: 1 } }),
  {
    ...one('no credential where anonymous callers may do nothing', 'getUser', { id: 1 }, unauthenticated),
    settings: { ANONYMOUS_SCOPES: 'none' },
  },
  one('no credential', 'listAuditEvents', {}, unauthenticated),
  one('no credential for a post', 'getPost', { id: 1 }, unauthenticated),
  one('who calls, where nobody does', 'getMe', {}, unauthenticated),
  one('a wrong credential', 'getUser', { id: 1 }, unauthenticated, { authorization: 'Bearer nonsense' }),
  one('an empty credential', 'getUser', { id: 1 }, unauthenticated, { authorization: 'Bearer' }),
  one(
    'a credential of another scheme',
    'getUser',
    { id: 1 },
    unauthenticated,
    { authorization: 'Basic YTpi' },
    { SOAP: { reason: 'its clients send keys as passwords; this is none', expect: unauthenticated } },
  ),
  one('a credential that looks like a token', 'getUser', { id: 1 }, unauthenticated, {
    authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.',
  }),
  one('a revoked key', 'getUser', { id: 1 }, unauthenticated, bearer('revoked')),
  one('an expired key', 'getUser', { id: 1 }, unauthenticated, bearer('expired')),
  one('a key that was replaced', 'getUser', { id: 1 }, unauthenticated, bearer('replaced')),
  one('the key that replaced it', 'listPosts', {}, { value: { items: [] } }, bearer('renewed')),
  one('a key that is being replaced', 'listPosts', {}, { value: { items: [] } }, bearer('overlapping')),
  one('two different credentials', 'getUser', { id: 1 }, failed('malformed-request', 400), ({ admin, readOnly }) => ({
    authorization: `Bearer ${admin}`,
    'x-api-key': readOnly,
  })),
  one('one credential twice', 'getMe', {}, { value: { kind: 'api-key' } }, ({ admin }) => ({
    authorization: `Bearer ${admin}`,
    'x-api-key': admin,
  })),
  one(
    'a scope that is missing',
    'deletePost',
    { id: 1 },
    failed('forbidden', 403, { detail: /posts:write/ }),
    bearer('readOnly'),
  ),
  one(
    'a scope that is missing for what is there not',
    'deleteUser',
    { id: 99 },
    failed('forbidden', 403),
    bearer('readOnly'),
  ),
  one('what is done in person', 'listSessions', {}, failed('forbidden', 403), asAdmin),
  one('a missing credential before wrong input', 'createKey', { name: '', scopes: [] }, unauthenticated),
  one(
    'a missing scope before wrong input',
    'createPost',
    {
      authorId: 0,
      title: '',
      body: '',
      status: 'draft',
      views: -1,
      publishedAt: null,
    },
    failed('forbidden', 403),
    bearer('readOnly'),
  ),
  one('who calls', 'getMe', {}, { value: { kind: 'api-key', scopes: ['posts:read'] } }, bearer('readOnly')),
  one('who calls by the other header', 'getMe', {}, { value: { kind: 'api-key', scopes: ['admin'] } }, asAdmin),
]
