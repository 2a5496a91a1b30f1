/** What every wire must do as REST does it: each case is a row, run on a server of its own state by each wire. */

import type { Headers, Input, Result } from './clients/client.ts'

export interface Step {
  operationId: string
  input?: Input
  headers?: Headers | ((keys: Keys) => Headers)
  /** What the answer must be beside that of REST; `t.match` by pattern. */
  expect: object
}

/** Credentials that a case can send. */
export interface Keys {
  admin: string
  readOnly: string
  revoked: string
}

/** One step, or several whose later ones are made from the results of those before. */
export interface Case {
  name: string
  steps: readonly (Step | ((results: readonly Result[]) => Step))[]
}

const post = {
  authorId: 1,
  title: 'Seven ways',
  body: 'Text',
  status: 'draft',
  views: 9_007_199_254_740_991,
  publishedAt: '2026-11-25T12:00:00.000Z',
}
const shapes = {
  text: 'text',
  maybe: 'here',
  small: 7,
  large: 9_007_199_254_740_991,
  real: 0.1,
  flag: true,
  moment: '2026-11-25T12:00:00Z',
  state: 'open',
  list: ['a', 'b'],
  nested: { label: 'n', deeper: { on: false } },
  many: [{ label: '1' }, { label: '2', deeper: { on: true } }],
  record: { one: 1, two: 2 },
  pet: { kind: 'cat', lives: 9 },
  anything: { any: ['thing', 1, null] },
}
const zoe = { name: 'Zoë', email: 'zoe@example.com' }
const invalid = (...pointers: string[]) => ({
  problem: { code: 'validation-failed', status: 400, ...(pointers.length > 0 && { pointers }) },
})
const failed = (code: string, status: number) => ({ problem: { code, status } })
const one = (name: string, operationId: string, input: Input, expect: object, headers?: Step['headers']): Case => ({
  name,
  steps: [{ operationId, input, expect, ...(headers && { headers }) }],
})
const cursorOf = ({ value }: Result) => (value as { nextCursor: string }).nextCursor

export const cases: readonly Case[] = [
  one('a row', 'getUser', { id: 1 }, { value: { id: 1, name: 'Mohamed' }, meta: { etag: '"1"' } }),
  one('the article’s row', 'findUser', { id: 1 }, { value: { id: 1, name: 'Mohamed', email: 'mohamed@example.com' } }),
  one('a page', 'listUsers', {}, { value: { items: [{ id: 1 }, { id: 2 }], nextCursor: null } }),
  one('an empty page', 'listUsers', { name: 'nobody' }, { value: { items: [], nextCursor: null } }),
  one('an order that is no plain name', 'listUsers', { sort: '-name' }, { value: { items: [{ id: 1 }, { id: 2 }] } }),
  one('a total', 'listUsers', { limit: 1 }, { meta: { 'x-total-count': '2' } }, { prefer: 'count=exact' }),
  one('a created row', 'createUser', zoe, { value: { id: 3, ...zoe }, meta: { location: '/users/3', etag: '"1"' } }),
  one(
    'any script',
    'createUser',
    { name: '👩🏽‍🚀 علي e\u0301 ☃', email: 'علي@example.com' },
    { value: { name: '👩🏽‍🚀 علي e\u0301 ☃' } },
  ),
  one(
    'a change of one property',
    'updateUser',
    { id: 1, name: 'M' },
    { value: { name: 'M', email: 'mohamed@example.com' }, meta: { etag: '"2"' } },
  ),
  one('a change of nothing', 'updateUser', { id: 1 }, { value: { name: 'Mohamed' } }),
  one('a replaced row', 'replaceUser', { id: 1, ...zoe }, { value: { id: 1, ...zoe } }),
  {
    name: 'a deleted row',
    steps: [
      { operationId: 'deleteUser', input: { id: 2 }, expect: { value: null } },
      { operationId: 'getUser', input: { id: 2 }, expect: failed('not-found', 404) },
    ],
  },
  {
    name: 'pages to the end',
    steps: [
      { operationId: 'listUsers', input: { limit: 1 }, expect: { value: { items: [{ id: 1 }] } } },
      (results) => ({
        operationId: 'listUsers',
        input: { limit: 1, cursor: cursorOf(results[0] as Result) },
        expect: { value: { items: [{ id: 2 }], nextCursor: null } },
      }),
    ],
  },
  one('a cursor that is none', 'listUsers', { cursor: 'nonsense' }, invalid()),

  one('each shape', 'echoShapes', shapes, { value: shapes }),
  one('null where it may be', 'echoShapes', { ...shapes, maybe: null }, { value: { maybe: null } }),
  one('null where it may not be', 'echoShapes', { ...shapes, optional: null }, invalid()),
  one('an optional property', 'echoShapes', { ...shapes, optional: '' }, { value: { optional: '' } }),
  one(
    'the other member of a union',
    'echoShapes',
    { ...shapes, pet: { kind: 'dog', name: 'Rex' } },
    { value: { pet: { kind: 'dog', name: 'Rex' } } },
  ),
  one('a member of no union', 'echoShapes', { ...shapes, pet: { kind: 'cat' } }, invalid()),
  one(
    'a number below zero',
    'echoShapes',
    { ...shapes, large: -9_007_199_254_740_991, small: -10 },
    { value: { large: -9_007_199_254_740_991 } },
  ),
  one('a number out of bounds', 'echoShapes', { ...shapes, small: 11 }, invalid('/small')),
  one('a moment that is none', 'echoShapes', { ...shapes, moment: 'yesterday' }, invalid('/moment')),
  one('a value of no enum', 'echoShapes', { ...shapes, state: 'ajar' }, invalid('/state')),
  one('a list with a wrong item', 'echoShapes', { ...shapes, list: ['a', 1] }, invalid('/list/1')),
  one(
    'a nested property too much',
    'echoShapes',
    { ...shapes, nested: { label: 'n', more: 1 } },
    invalid('/nested/more'),
  ),
  one('an empty list', 'echoShapes', { ...shapes, list: [], many: [] }, { value: { list: [], many: [] } }),

  one('a missing property', 'createUser', { name: 'Zoë' }, invalid('/email')),
  one('a property too much', 'createUser', { ...zoe, role: 'admin' }, invalid('/role')),
  one('several wrong properties', 'createUser', { name: ' ', email: 'x' }, invalid('/email', '/name')),
  one('text that is ill-formed', 'createUser', { ...zoe, name: 'a\0b' }, invalid('/name')),
  one(
    'a row that is not there',
    'getUser',
    { id: 99 },
    { problem: { code: 'not-found', status: 404, detail: 'User not found' } },
  ),
  one('a second user with one address', 'createUser', { name: 'A', email: 'ALI@example.com' }, failed('conflict', 409)),
  one(
    'a cause that does not leave',
    'failInternally',
    {},
    { problem: { code: 'internal', status: 500, detail: 'Something went wrong' } },
  ),
  one('what is unavailable', 'failUnavailable', {}, { ...failed('unavailable', 503), meta: { 'retry-after': '3' } }),
  one('a limit', 'failLimited', {}, { ...failed('rate-limited', 429), meta: { 'retry-after': '7' } }),
  one('a quota', 'failQuota', {}, failed('quota-exceeded', 429)),
  one('a handler that takes too long', 'failLate', {}, failed('timeout', 504)),

  one('no credential', 'listAuditEvents', {}, failed('unauthenticated', 401)),
  one('a wrong credential', 'getUser', { id: 1 }, failed('unauthenticated', 401), { authorization: 'Bearer nonsense' }),
  one('a revoked credential', 'getUser', { id: 1 }, failed('unauthenticated', 401), ({ revoked }) => ({
    'x-api-key': revoked,
  })),
  one(
    'a scope that is missing',
    'deletePost',
    { id: 1 },
    { problem: { code: 'forbidden', detail: /posts:write/ } },
    ({ readOnly }) => ({ 'x-api-key': readOnly }),
  ),
  one('what is done in person', 'listSessions', {}, failed('forbidden', 403), ({ admin }) => ({ 'x-api-key': admin })),
  one('a missing credential before wrong input', 'createKey', { name: '', scopes: [] }, failed('unauthenticated', 401)),
  one('who calls', 'getMe', {}, { value: { kind: 'api-key' } }, ({ readOnly }) => ({
    authorization: `Bearer ${readOnly}`,
  })),

  one(
    'a precondition that holds',
    'updateUser',
    { id: 1, name: 'M' },
    { meta: { etag: '"2"' } },
    { 'if-match': '"1"' },
  ),
  one('a precondition that does not hold', 'replaceUser', { id: 1, ...zoe }, failed('precondition-failed', 412), {
    'if-match': '"9"',
  }),
  {
    name: 'a creation that is repeated',
    steps: [
      { operationId: 'createUser', input: zoe, headers: { 'idempotency-key': 'k' }, expect: { value: { id: 3 } } },
      {
        operationId: 'createUser',
        input: zoe,
        headers: { 'idempotency-key': 'k' },
        expect: { value: { id: 3 }, meta: { 'idempotent-replayed': 'true' } },
      },
      {
        operationId: 'createUser',
        input: { ...zoe, name: 'Z' },
        headers: { 'idempotency-key': 'k' },
        expect: failed('idempotency-key-reused', 422),
      },
    ],
  },

  {
    name: 'a post, its pages and its comments',
    steps: [
      { operationId: 'createPost', input: post, headers: asAdmin, expect: { value: { id: 1, ...post } } },
      {
        operationId: 'createPost',
        input: { ...post, status: 'published', publishedAt: null },
        headers: asAdmin,
        expect: { value: { id: 2, publishedAt: null } },
      },
      { operationId: 'getPost', input: { id: 1 }, headers: asAdmin, expect: { value: post } },
      {
        operationId: 'listPosts',
        input: { authorId: 1, status: 'published' },
        headers: asAdmin,
        expect: { value: { items: [{ id: 2 }], nextCursor: null } },
      },
      {
        operationId: 'updatePost',
        input: { id: 1, publishedAt: null, title: 'Eight' },
        headers: asAdmin,
        expect: { value: { publishedAt: null, title: 'Eight' } },
      },
      { operationId: 'updatePost', input: { id: 1, status: 'lost' }, headers: asAdmin, expect: invalid('/status') },
      {
        operationId: 'createComment',
        input: { postId: 1, authorId: 2, text: 'And an eighth?' },
        headers: asAdmin,
        expect: { value: { id: 1, postId: 1 } },
      },
      {
        operationId: 'createComment',
        input: { postId: 9, authorId: 2, text: 'x' },
        headers: asAdmin,
        expect: failed('not-found', 404),
      },
      {
        operationId: 'listComments',
        input: { postId: 1 },
        headers: asAdmin,
        expect: { value: { items: [{ id: 1 }] } },
      },
      { operationId: 'deletePost', input: { id: 1 }, headers: asAdmin, expect: { value: null } },
    ],
  },
]

function asAdmin({ admin }: Keys): Headers {
  return { 'x-api-key': admin }
}
