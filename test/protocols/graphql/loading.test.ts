import { Socket } from 'node:net'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import { type Test, test } from 'tap'
import type { Dispatch } from '../../../src/contract/call.ts'
import { ContractError } from '../../../src/contract/contract-error.ts'
import type { GraphQLRequest } from '../../../src/protocols/graphql/decode.ts'
import { describe } from '../../../src/protocols/graphql/describe.ts'
import { GraphQLServer } from '../../../src/protocols/graphql/index.ts'
import { build } from '../../helper.ts'

const routes = [join(import.meta.dirname, '../../../examples/blog/routes'), join(import.meta.dirname, 'routes')]
const scopes = 'users:read posts:read posts:write'

async function open(t: Test, settings: Record<string, string> = {}) {
  const { app, logs } = await build(t, { ANONYMOUS_SCOPES: scopes, ...settings }, routes)
  const ask = async (query: string, variables: object = {}) =>
    // biome-ignore lint/suspicious/noExplicitAny: what a server says is what the test looks at
    (await app.inject({ method: 'POST', url: '/graphql', payload: { query, variables } })).json<any>()
  for (const authorId of [1, 2, 1, 1, 99]) {
    const payload = { authorId, title: 't', body: 'b', status: 'draft', views: 0, publishedAt: null }
    await app.inject({ method: 'POST', url: '/posts', payload })
  }
  await app.inject({ method: 'POST', url: '/comments', payload: { postId: 1, authorId: 2, text: 'x' } })
  let seen = 0
  return {
    app,
    ask,
    /** Paths of the calls since this was asked last. */
    async calls() {
      await new Promise((resolve) => setTimeout(resolve, 150))
      const paths = logs().flatMap(({ wire, path }) => (wire === 'graphql' ? [String(path)] : []))
      const fresh = paths.slice(seen)
      seen = paths.length
      return fresh
    },
  }
}

/** The first use of a document is executed as it is, the third compiled: both must load alike. */
const thrice = [1, 2, 3]

test('what the keys of a list name is one read', async (t) => {
  const { ask, calls } = await open(t)
  for (const query of [
    '{ listPosts { items { id author { name } } } }',
    '{ listPosts { items { author { ...a } again: author { __typename ... on UserDetail { id } } } } } fragment a on UserDetail { name }',
    '{ listPosts { items { author { name } } } more: listPosts { items { author { email name } } } }',
  ]) {
    for (const _ of thrice) {
      const { data, errors } = await ask(query)
      t.equal(errors, undefined)
      const names = data.listPosts.items.map(({ author }: { author: { name: string } | null }) => author?.name)
      t.same(names, ['Mohamed', 'Ali', 'Mohamed', 'Mohamed', undefined])
      const own = query.includes('more') ? 2 : 1
      t.same(await calls(), [...Array(own).fill('/posts'), '/users'], query)
    }
  }
})

test('what the rows of a list lack is asked for by each key, once', async (t) => {
  const { ask, calls } = await open(t)
  for (const _ of thrice) {
    const { data } = await ask('{ listPosts { items { author { name createdAt } } } }')
    t.match(data.listPosts.items, [{ author: { name: 'Mohamed', createdAt: /Z$/ } }, {}, {}, {}, { author: null }])
    t.same(await calls(), ['/posts', '/users/1', '/users/2', '/users/99'])
  }
})

test('keys that a list refuses are asked for one by one, and answered as each is', async (t) => {
  const { ask, calls } = await open(t)
  for (const _ of thrice) {
    const { data, errors } = await ask('{ listNotes { notes { ownerUser { id } } } }')
    const ownerUser = [{ id: 1 }, null, null, null, { id: 2 }, { id: 1 }]
    t.same(data, { listNotes: { notes: ownerUser.map((each) => ({ ownerUser: each })) } })
    t.match(errors, [{ path: ['listNotes', 'notes', 1, 'ownerUser'], extensions: { code: 'BAD_USER_INPUT' } }])
    t.equal(errors.length, 1)
    t.same(await calls(), ['/notes', '/users', '/users/1', '/users/0', '/users/99', '/users/2'])
  }
})

test('links lead on, with the scopes of each operation', async (t) => {
  const { ask } = await open(t)
  t.match(await ask('{ listComments { items { text post { title author { name } } author { name } } } }'), {
    data: { listComments: { items: [{ post: { title: 't', author: { name: 'Mohamed' } }, author: { name: 'Ali' } }] } },
  })
})

test('a batch needs the scopes of what it stands for', async (t) => {
  const { ask, calls } = await open(t, { ANONYMOUS_SCOPES: 'posts:read posts:write' })
  await calls()
  for (const _ of thrice) {
    const { data, errors } = await ask('{ listPosts(limit: 2) { items { title author { name } } } }')
    t.same(data, { listPosts: { items: [1, 2].map(() => ({ title: 't', author: null })) } })
    t.match(
      errors,
      [0, 1].map((index) => ({
        path: ['listPosts', 'items', index, 'author'],
        extensions: { code: 'UNAUTHENTICATED' },
      })),
    )
    t.same(await calls(), ['/posts', '/users'])
  }
})

test('a list that lets in others than what it lists is no batch', async (t) => {
  const { app } = await open(t)
  const loaded: string[] = []
  for (const scope of ['users:read', 'posts:read']) {
    const contract = new Map(app.contract)
    const list = contract.get('listUsers')
    if (list?.access === undefined) throw new Error('listUsers has no access')
    contract.set('listUsers', { ...list, access: { ...list.access, scopes: [scope] } })
    const server = new GraphQLServer({ dispatch: recording(app.dispatch, loaded), contract, introspection: true })
    await server.answer(requestOf('{ listPosts { items { author { name } } } }'))
    loaded.push('')
  }
  t.same(loaded, ['listPosts', 'listUsers', '', 'listPosts', 'getUser', 'getUser', 'getUser', ''])
})

test('rows lead back to those that name them, a page each', async (t) => {
  const { ask, calls } = await open(t)
  await calls()
  const query = `query($limit: Int) {
    getUser(id: 1) { name posts(limit: $limit) { items { id comments { items { text } } } nextCursor } }
    listUsers(limit: 2) {
      items { id posts(limit: 5) { items { id author { posts(limit: 5) { items { id } } } } } }
    }
  }`
  for (const _ of thrice) {
    const { data, errors } = await ask(query, { limit: 2 })
    t.equal(errors, undefined)
    t.same(data.getUser.posts.items, [
      { id: 1, comments: { items: [{ text: 'x' }] } },
      { id: 3, comments: { items: [] } },
    ])
    t.type(data.getUser.posts.nextCursor, 'string')
    const [, ali] = data.listUsers.items
    t.same(ali, { id: 2, posts: { items: [{ id: 2, author: { posts: { items: [{ id: 2 }] } } }] } })
    const seen = await calls()
    t.equal(seen.filter((path) => path === '/posts').length, 3, 'the same page is asked for once')
  }
})

test('page sizes multiply in the cost of a document, fallen back on what the schema says', async (t) => {
  const { ask } = await open(t)
  const query = (posts: string) =>
    `query${posts.includes('$') ? '($n: Int)' : ''} { listUsers(limit: 100) { items { posts${posts} { items { id } } } } }`
  for (const posts of ['', '(limit: 20)', '(limit: null)', '(limit: 90)'])
    t.ok((await ask(query(posts), { n: 1 })).data, posts)
  for (const posts of ['(limit: 100)', '(limit: $n)', '(limit: 1000000)']) {
    const { data, errors } = await ask(query(posts), { n: 1 })
    t.equal(data, undefined, posts)
    t.match(errors, [{ message: /20000 points of cost/, extensions: { code: 'DOCUMENT_TOO_COMPLEX' } }])
  }
})

test('a reference that leads nowhere stops the start, and says why', async (t) => {
  const { app } = await open(t)
  const list = app.contract.get('listPosts')
  if (list === undefined) throw new Error('there is no listPosts')
  const { items } = list.success.schema
  for (const [named, reason] of [
    ['getUsr', 'which is no operation'],
    ['createUser', 'which is no GET'],
    ['listUsers', 'which answers no object'],
    ['findUser', 'which takes no single path parameter'],
    ['getMe', 'which takes no single path parameter'],
  ] as const) {
    const authorId = { ...items.properties.authorId, 'x-operation': named }
    const row = { ...items, properties: { ...items.properties, authorId } }
    const success = { ...list.success, schema: { ...list.success.schema, items: row } }
    const contract = new Map(app.contract).set('listPosts', { ...list, success })
    const message = `listPosts.authorId: x-operation names ${named}, ${reason}`
    t.throws(() => describe(contract), new ContractError(message), named)
  }
  const get = app.contract.get('getUser')
  if (get === undefined) throw new Error('there is no getUser')
  const contract = new Map(app.contract).set('getUser', {
    ...get,
    querystring: Type.Object({ shard: Type.String() }, { additionalProperties: false }),
  })
  t.throws(() => describe(contract), { message: /x-operation names getUser, which needs shard too/ })
})

function recording(dispatch: Dispatch, names: string[]): Dispatch {
  return (call) => {
    names.push(call.operation.operationId)
    return dispatch(call)
  }
}

function requestOf(query: string): GraphQLRequest {
  const { signal } = new AbortController()
  const headers = { 'content-type': 'application/json' }
  return { method: 'POST', url: '/graphql', headers, socket: new Socket(), body: { query }, signal: () => signal }
}
