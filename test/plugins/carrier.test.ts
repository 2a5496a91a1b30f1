import { type Test, test } from 'tap'
import { build } from '../helper.ts'

async function open(t: Test) {
  const { app, logs } = await build(t, { BODY_LIMIT: '1024' })
  const payload = (query: string) => ({ method: 'POST' as const, url: '/graphql', payload: { query } })
  let seen = 0
  return {
    app,
    payload,
    /** What was logged of requests since the last time. */
    lines: () => {
      const all = logs().filter(({ msg }) => msg === 'request')
      const fresh = all.slice(seen).map(({ path, status, wire }) => ({ path, status, wire }))
      seen = all.length
      return fresh
    },
    counted: async () =>
      (await app.inject('/metrics')).body
        .split('\n')
        .filter((line) => line.startsWith('http_request_duration_seconds_count') && line.includes('"/graphql"')),
  }
}

test('a request that carries calls is logged and counted as these, not as itself', async (t) => {
  const { app, payload, lines, counted } = await open(t)
  await app.inject(payload('{ getUser(id: 1) { id } findUser(id: 99) { id } }'))
  t.same(lines(), [
    { path: '/users/1', status: 200, wire: 'graphql' },
    { path: '/user', status: 404, wire: 'graphql' },
  ])
  t.same(await counted(), [])
})

test('one that is refused, or calls nothing, is logged and counted itself', async (t) => {
  const { app, payload, lines, counted } = await open(t)
  const type = (type: string, body: string) => ({
    method: 'POST' as const,
    url: '/graphql',
    headers: { 'content-type': type },
    payload: body,
  })
  const itself = (status: number) => [{ path: '/graphql', status, wire: undefined }]
  await app.inject(type('application/json', '{'))
  t.same(lines(), itself(400))
  await app.inject(type('application/json', `"${'x'.repeat(2000)}"`))
  t.same(lines(), itself(413))
  await app.inject(type('text/plain', '{}'))
  t.same(lines(), itself(415))
  await app.inject(payload('{ __typename }'))
  t.same(lines(), itself(200))
  await app.inject(payload('{ nonsense }'))
  t.match(lines(), [{ path: '/graphql' }])
  await app.inject('/ws')
  t.same(lines(), [{ path: '/ws', status: 426, wire: undefined }])
  const counts = await counted()
  for (const status of [200, 400, 413, 415])
    t.ok(
      counts.some((line) => line.includes(`status="${status}"`)),
      `${status}`,
    )
})
