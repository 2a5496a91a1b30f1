import { join } from 'node:path'
import { type Test, test } from 'tap'
import { build } from '../../helper.ts'

const routes = join(import.meta.dirname, '../../../examples/blog/routes')

async function open(t: Test) {
  const { app, logs } = await build(t, { ANONYMOUS_SCOPES: 'users:read posts:read posts:write' }, routes)
  const ask = async (query: string) =>
    // biome-ignore lint/suspicious/noExplicitAny: what a server says is what the test looks at
    (await app.inject({ method: 'POST', url: '/graphql', payload: { query } })).json<any>()
  for (const authorId of [1, 2, 1, 1, 99]) {
    const payload = { authorId, title: 't', body: 'b', status: 'draft', views: 0, publishedAt: null }
    await app.inject({ method: 'POST', url: '/posts', payload })
  }
  await app.inject({ method: 'POST', url: '/comments', payload: { postId: 1, authorId: 2, text: 'x' } })
  return {
    app,
    ask,
    loads: () => logs().filter(({ wire, path }) => wire === 'graphql' && /^\/users\//.test(String(path))),
  }
}

test('what a key names is a field beside it, loaded once for a request', async (t) => {
  const { ask, loads } = await open(t)
  for (const round of [1, 2, 3]) {
    const { data, errors } = await ask('{ listPosts { items { id author { name } } } }')
    t.equal(errors, undefined)
    const names = data.listPosts.items.map(({ author }: { author: { name: string } | null }) => author?.name)
    t.same(names, ['Mohamed', 'Ali', 'Mohamed', 'Mohamed', undefined])
    await new Promise((resolve) => setTimeout(resolve, 150))
    t.equal(loads().length, 3 * round, 'five posts, three keys')
  }
})

test('links lead on, with the scopes of each operation', async (t) => {
  const { ask } = await open(t)
  t.match(await ask('{ listComments { items { text post { title author { name } } author { name } } } }'), {
    data: { listComments: { items: [{ post: { title: 't', author: { name: 'Mohamed' } }, author: { name: 'Ali' } }] } },
  })
  const { app } = await build(t, { ANONYMOUS_SCOPES: 'posts:read posts:write' }, routes)
  const payload = { authorId: 1, title: 't', body: 'b', status: 'draft', views: 0, publishedAt: null }
  await app.inject({ method: 'POST', url: '/posts', payload })
  const query = '{ getPost(id: 1) { title author { name } } }'
  t.match((await app.inject({ method: 'POST', url: '/graphql', payload: { query } })).json(), {
    data: { getPost: { title: 't', author: null } },
    errors: [{ path: ['getPost', 'author'], extensions: { code: 'UNAUTHENTICATED' } }],
  })
})
