/** The users resource: rows, pages, changes and their preconditions. */

import type { Result } from '../clients/client.ts'
import { type Case, cursorOf, failed, idOf, invalid, one, several, violating } from './case.ts'

const mohamed = { id: 1, name: 'Mohamed', email: 'mohamed@example.com' }
const notFound = failed('not-found', 404, { detail: 'User not found' })

function someone(name: string) {
  return { name, email: `${name.toLowerCase().replaceAll(' ', '.')}@example.com` }
}

/** The step that makes somebody. */
function made(name: string) {
  return { operationId: 'createUser', input: someone(name), expect: { value: someone(name) } }
}

export const userCases: readonly Case[] = [
  one('a row', 'getUser', { id: 1 }, { value: mohamed, meta: { etag: '"1"' } }),
  one('the article’s row', 'findUser', { id: 1 }, { value: mohamed }),
  one('a row that is not there', 'getUser', { id: 99 }, notFound),
  one('the article’s row that is not there', 'findUser', { id: 99 }, notFound),
  one('a page', 'listUsers', {}, { value: { items: [{ id: 1 }, { id: 2 }], nextCursor: null } }),
  one('an empty page', 'listUsers', { name: 'nobody' }, { value: { items: [], nextCursor: null } }),
  one('a filter that ignores case', 'listUsers', { email: 'ALI@Example.COM' }, { value: { items: [{ id: 2 }] } }),
  one('an order that is no plain name', 'listUsers', { sort: '-name' }, { value: { items: [{ id: 1 }, { id: 2 }] } }),
  one(
    'a total',
    'listUsers',
    { limit: 1 },
    { meta: { 'x-total-count': '2', 'preference-applied': 'count=exact' } },
    { prefer: 'count=exact' },
  ),
  one('a page that is too small', 'listUsers', { limit: 0 }, violating(['query', '/limit', 'must be >= 1'])),
  one('a page that is too large', 'listUsers', { limit: 101 }, violating(['query', '/limit', 'must be <= 100'])),
  one('a cursor that is none', 'listUsers', { cursor: 'nonsense' }, invalid('/cursor')),
  one('a cursor of other letters', 'listUsers', { cursor: '../../etc' }, invalid('/cursor')),
  one('an empty filter', 'listUsers', { name: '' }, invalid('/name')),
  one('a filter that is not known', 'listUsers', { role: 'admin' }, invalid('/role'), undefined, {
    others: { reason: 'it is in no part of a request', expect: failed('validation-failed', 400) },
  }),
  one(
    'a filter of many scripts',
    'listUsers',
    { name: '%_\\\'"; 👩🏽‍🚀&#=+ é' },
    { value: { items: [], nextCursor: null } },
  ),
  one('an identifier that is none', 'getUser', { id: 0 }, violating(['path', '/id', 'must be >= 1'])),
  one('an identifier below zero', 'getUser', { id: -1 }, violating(['path', '/id', 'must be >= 1'])),
  one('the largest identifier', 'getUser', { id: Number.MAX_SAFE_INTEGER }, notFound),
  one('an identifier beyond it', 'getUser', { id: 2 ** 53 }, invalid('/id')),
  one('an identifier beyond 64 bits', 'getUser', { id: 2 ** 64 }, invalid('/id')),
  one('an identifier that is not whole', 'getUser', { id: 1.5 }, invalid('/id')),
  one('an identifier that is a text', 'getUser', { id: 'one' }, invalid('/id')),
  one('no identifier', 'findUser', {}, violating(['query', '/id', "must have required property 'id'"])),

  one('a created row', 'createUser', someone('Zoe'), {
    value: someone('Zoe'),
    meta: { location: /^\/users\/\d+$/, etag: '"1"' },
  }),
  one(
    'a second user with one address',
    'createUser',
    { name: 'A', email: 'ALI@example.com' },
    failed('conflict', 409, { detail: /email/ }),
  ),
  several('the address of another by a change', made('Cleo'), (results) => ({
    operationId: 'updateUser',
    input: { id: idOf(results), email: 'ali@example.com' },
    expect: failed('conflict', 409),
  })),
  several('a change of one property', made('Mia'), (results) => ({
    operationId: 'updateUser',
    input: { id: idOf(results), name: 'M' },
    expect: { value: { name: 'M', email: 'mia@example.com' }, meta: { etag: '"2"' } },
  })),
  several('a change of nothing', made('Ned'), (results) => ({
    operationId: 'updateUser',
    input: { id: idOf(results) },
    expect: { value: { name: 'Ned' } },
  })),
  several('a replaced row', made('Rex'), (results) => ({
    operationId: 'replaceUser',
    input: { id: idOf(results), ...someone('Max') },
    expect: { value: someone('Max'), meta: { etag: '"2"' } },
  })),
  several(
    'a deleted row',
    made('Dee'),
    (results) => ({ operationId: 'deleteUser', input: { id: idOf(results) }, expect: { value: null } }),
    (results) => ({ operationId: 'getUser', input: { id: idOf(results) }, expect: notFound }),
    (results) => ({ operationId: 'deleteUser', input: { id: idOf(results) }, expect: notFound }),
    (results) => ({ operationId: 'updateUser', input: { id: idOf(results), name: 'D' }, expect: notFound }),
    (results) => ({ operationId: 'replaceUser', input: { id: idOf(results), ...someone('Dan') }, expect: notFound }),
  ),

  ...['id', '-id', 'name', '-name', 'email', '-email'].map(pages),

  several(
    'a precondition that holds',
    made('Ivy'),
    (results) => ({
      operationId: 'updateUser',
      input: { id: idOf(results), name: 'I' },
      headers: { 'if-match': '"8", "1"' },
      expect: { meta: { etag: '"2"' } },
    }),
    (results) => ({
      operationId: 'replaceUser',
      input: { id: idOf(results), ...someone('Ivo') },
      headers: { 'if-match': '*' },
      expect: { meta: { etag: '"3"' } },
    }),
    (results) => ({
      operationId: 'deleteUser',
      input: { id: idOf(results) },
      headers: { 'if-match': '"3"' },
      expect: { value: null },
    }),
  ),
  several(
    'a precondition that does not hold',
    made('Ida'),
    ...['updateUser', 'replaceUser', 'deleteUser'].map((operationId) => (results: readonly Result[]) => ({
      operationId,
      input: { id: idOf(results), ...(operationId !== 'deleteUser' && someone('Ina')) },
      headers: { 'if-match': operationId === 'updateUser' ? 'W/"1"' : '"9"' },
      expect: failed('precondition-failed', 412),
    })),
    (results) => ({ operationId: 'getUser', input: { id: idOf(results) }, expect: { meta: { etag: '"1"' } } }),
  ),
  {
    name: 'what has not changed',
    steps: ['getUser', 'findUser'].map((operationId) => ({
      operationId,
      input: { id: 1 },
      headers: { 'if-none-match': 'W/"1"' },
      expect: { value: null, meta: { status: '304', etag: '"1"' } },
      differs: {
        GraphQL: { reason: 'a field is answered whatever its client has', expect: { value: mohamed } },
        gRPC: { reason: 'a call is answered with its message whatever its client has', expect: { value: mohamed } },
        SOAP: { reason: 'a message holds its result whatever its client has', expect: { value: mohamed } },
      },
    })),
  },
  one('what has changed', 'getUser', { id: 1 }, { value: mohamed }, { 'if-none-match': '"7"' }),
  {
    name: 'a creation that is repeated',
    steps: [
      { ...made('Kim'), headers: { 'idempotency-key': 'k' } },
      (results) => ({
        ...made('Kim'),
        headers: { 'idempotency-key': '"k"' },
        expect: { value: { id: idOf(results) }, meta: { 'idempotent-replayed': 'true', etag: '"1"' } },
      }),
      { ...made('Tim'), headers: { 'idempotency-key': 'k' }, expect: failed('idempotency-key-reused', 422) },
      { ...made('Tim'), headers: { 'idempotency-key': 'another' }, expect: { value: someone('Tim') } },
    ],
  },
  one('an idempotency key that is empty', 'createUser', someone('Pia'), invalid('/idempotency-key'), {
    'idempotency-key': '""',
  }),

  one(
    'a missing property',
    'createUser',
    { name: 'Zoë' },
    violating(['body', '/email', "must have required property 'email'"]),
  ),
  one(
    'a property too much',
    'createUser',
    { ...someone('Eve'), role: 'admin' },
    violating(['body', '/role', 'must NOT have additional properties']),
  ),
  one('several wrong properties', 'createUser', { name: ' ', email: 'x' }, invalid('/email', '/name')),
  one('null in the place of a text', 'createUser', { ...someone('Eve'), name: null }, invalid('/name')),
  one('a number in the place of a text', 'createUser', { ...someone('Eve'), name: 7 }, invalid('/name')),
  one('null in a change', 'updateUser', { id: 1, name: null }, invalid('/name')),
]

/** Five, of whom a filter finds no others, two at a time. */
function pages(sort: string): Case {
  const rows = ['b', 'c', 'a', 'e', 'd'].map((letter) => ({
    name: `${sort} ${letter}`,
    email: `${letter}.${sort}@example.com`,
  }))
  const ordered = sort.endsWith('id') ? rows : rows.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const items = sort.startsWith('-') ? ordered.toReversed() : ordered
  const input = { sort, limit: 2, name: `${sort} `.toUpperCase() }
  return several(
    `pages to the end by ${sort}, with a filter`,
    ...rows.map((row) => ({ operationId: 'createUser', input: row, expect: { value: row } })),
    ...[0, 2, 4].map((from) => (results: readonly Result[]) => ({
      operationId: 'listUsers',
      input: from === 0 ? input : { ...input, cursor: cursorOf(results) },
      expect: { value: { items: items.slice(from, from + 2), nextCursor: from === 4 ? null : /^[\w-]+$/ } },
    })),
  )
}
