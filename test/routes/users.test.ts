import { test } from 'tap'
import { build } from '../helper.ts'

const json = { 'content-type': 'application/json' }
const fatima = { name: 'Fatima', email: 'fatima@example.com' }

test('a created user is answered with its address, version and timestamps, and can be read there', async (t) => {
  const { app } = await build(t)
  const created = await app.inject({ method: 'POST', url: '/users', payload: fatima })
  t.equal(created.statusCode, 201)
  t.equal(created.headers.location, '/users/3')
  t.equal(created.headers.etag, '"1"')
  t.match(created.json(), { id: 3, ...fatima, createdAt: /^\d{4}-.*Z$/, updatedAt: /^\d{4}-.*Z$/ })
  const read = await app.inject('/users/3')
  t.same(read.json(), created.json())
  t.equal(read.headers.etag, '"1"')
  t.same(Object.keys((await app.inject('/users')).json()[2]), ['id', 'name', 'email'])
})

test('replace, change and delete change what is read afterwards', async (t) => {
  const { app } = await build(t)
  await app.inject('/users/1')
  await app.inject('/users')
  const put = await app.inject({ method: 'PUT', url: '/users/1', payload: fatima })
  t.match(put.json(), { id: 1, ...fatima })
  t.equal(put.headers.etag, '"2"')
  t.same((await app.inject('/users/1')).json(), put.json())
  t.match((await app.inject('/users')).json()[0], fatima)
  const patch = await app.inject({
    method: 'PATCH',
    url: '/users/1',
    headers: { 'content-type': 'application/merge-patch+json' },
    payload: '{"name":"Fátima"}',
  })
  t.match(patch.json(), { name: 'Fátima', email: fatima.email })
  t.equal((await app.inject('/user?id=1')).json().name, 'Fátima')
  t.equal((await app.inject({ method: 'DELETE', url: '/users/1' })).statusCode, 204)
  t.equal((await app.inject('/users/1')).statusCode, 404)
  t.equal((await app.inject({ method: 'DELETE', url: '/users/1' })).statusCode, 404)
  t.equal((await app.inject({ method: 'PUT', url: '/users/1', payload: fatima })).statusCode, 404)
  t.same(
    (await app.inject('/users')).json().map(({ id }: { id: number }) => id),
    [2],
  )
})

test('a list can be of some ids: those that are there, in order', async (t) => {
  const { app } = await build(t)
  const idsOf = async (query: string) =>
    (await app.inject(`/users?${query}`)).json().map(({ id }: { id: number }) => id)
  t.same(await idsOf('ids=2'), [2])
  t.same(await idsOf('ids=2&ids=99&ids=1&ids=2'), [1, 2])
  t.same(await idsOf('ids=1&ids=2&name=ali'), [2])
  for (const query of ['ids=', 'ids=x', 'ids=1,2', 'ids=0', 'ids=1&ids=', `${'ids=1&'.repeat(101)}`]) {
    t.equal((await app.inject(`/users?${query}`)).statusCode, 400, query)
  }
  const first = await app.inject('/users?ids=2&ids=1&limit=1')
  t.match(first.headers.link, /^<\/users\?ids=2&ids=1&limit=1&cursor=/)
})

test('a merge patch that takes away a required property is refused', async (t) => {
  const { app } = await build(t)
  const response = await app.inject({ method: 'PATCH', url: '/users/1', payload: { name: null } })
  t.equal(response.statusCode, 400)
  t.match(response.json().errors, [{ in: 'body', pointer: '/name' }])
})

test('the same address in another case or composition is a conflict', async (t) => {
  const { app } = await build(t)
  for (const email of ['ALI@Example.COM', 'ali@example.com']) {
    const response = await app.inject({ method: 'POST', url: '/users', payload: { name: 'Ali', email } })
    t.equal(response.statusCode, 409, email)
    t.match(response.json(), { code: 'conflict', errors: [{ pointer: '/email' }] })
  }
  await app.inject({ method: 'POST', url: '/users', payload: { name: 'J', email: 'jose\u0301@exa\u0301mple.com' } })
  const composed = await app.inject({
    method: 'POST',
    url: '/users',
    payload: { name: 'J', email: 'jos\u00e9@ex\u00e1mple.com' },
  })
  t.equal(composed.statusCode, 409)
})

test('names in any script and right to left come back as they were sent', async (t) => {
  const { app } = await build(t)
  for (const [index, name] of [
    'محمد علي',
    '李小龍',
    'Ἀριστοτέλης',
    '👩‍👩‍👧‍👦',
    `O'Brien "\\" <b>&`,
    'tab\there',
  ].entries()) {
    const email = `scripts${index}@例え.jp`
    const created = await app.inject({ method: 'POST', url: '/users', payload: { name, email } })
    t.equal(created.statusCode, 201, name)
    const read = (await app.inject(created.headers.location as string)).json()
    t.equal(read.name, name)
    t.equal(read.email, email)
  }
})

test('If-Match lets only the current version be changed', async (t) => {
  const { app } = await build(t)
  const change = (etag: string, method: 'PUT' | 'PATCH' | 'DELETE' = 'PUT') =>
    app.inject({
      method,
      url: '/users/1',
      headers: { 'if-match': etag },
      ...(method !== 'DELETE' && { payload: fatima }),
    })
  t.equal((await change('"1"')).headers.etag, '"2"')
  const stale = await change('"1"')
  t.equal(stale.statusCode, 412)
  t.equal(stale.json().code, 'precondition-failed')
  t.equal((await change('"1"', 'PATCH')).statusCode, 412)
  t.equal((await change('"1"', 'DELETE')).statusCode, 412)
  t.equal((await change('W/"2"')).statusCode, 412, 'a weak tag never matches strongly')
  t.equal((await change('"another"')).statusCode, 412)
  t.equal((await change('"1", "2"')).headers.etag, '"3"')
  t.equal((await change('*')).headers.etag, '"4"')
  t.equal((await change('"4"', 'DELETE')).statusCode, 204)
})

test('If-None-Match answers 304 without a body while the version is current', async (t) => {
  const { app } = await build(t)
  for (const tag of ['"1"', 'W/"1"', '"x", "1"', '*']) {
    const same = await app.inject({ url: '/users/1', headers: { 'if-none-match': tag } })
    t.equal(same.statusCode, 304, tag)
    t.equal(same.body, '')
    t.equal(same.headers.etag, '"1"')
  }
  t.equal((await app.inject({ url: '/users/1', headers: { 'if-none-match': '"2"' } })).statusCode, 200)
})

test('a repeated Idempotency-Key repeats the reply and creates nothing', async (t) => {
  const { app } = await build(t)
  const post = (key: string, payload: object) =>
    app.inject({ method: 'POST', url: '/users', headers: { 'idempotency-key': key }, payload })
  const first = await post('"k-1"', fatima)
  t.equal(first.statusCode, 201)
  const again = await post('k-1', { email: fatima.email, name: fatima.name })
  t.equal(again.statusCode, 201)
  t.equal(again.body, first.body)
  t.equal(again.headers.location, first.headers.location)
  t.equal(again.headers['idempotent-replayed'], 'true')
  t.notOk(first.headers['idempotent-replayed'])
  const reused = await post('k-1', { ...fatima, name: 'Other' })
  t.equal(reused.statusCode, 422)
  t.equal(reused.json().code, 'idempotency-key-reused')
  const elsewhere = await post('k-1', { name: 'New', email: 'new@example.com' })
  t.equal(elsewhere.statusCode, 422)
  t.equal((await app.inject('/users')).json().length, 3)
  await app.inject({ method: 'PATCH', url: '/users/3', payload: { name: 'Renamed' } })
  t.equal((await post('k-1', fatima)).body, first.body, 'the stored reply, not the current state')
  t.equal((await post('k'.repeat(300), fatima)).statusCode, 400)
})

test('pages follow their links to the end, in every order, and count when that is preferred', async (t) => {
  const { app } = await build(t)
  for (let n = 0; n < 23; n++) {
    await app.inject({ method: 'POST', url: '/users', payload: { name: `N${n % 3}`, email: `n${n}@example.com` } })
  }
  for (const sort of ['id', '-id', 'name', '-name', 'email', '-email']) {
    const seen: number[] = []
    let url: string | undefined = `/users?sort=${sort}&limit=7`
    while (url !== undefined) {
      const page: Awaited<ReturnType<typeof app.inject>> = await app.inject(url)
      t.equal(page.statusCode, 200)
      seen.push(...page.json().map(({ id }: { id: number }) => id))
      url = /<(.+)>; rel="next"/.exec(String(page.headers.link))?.[1]
    }
    t.equal(seen.length, 25, sort)
    t.equal(new Set(seen).size, 25, sort)
  }
  const counted = await app.inject({ url: '/users?name=n1&limit=2', headers: { prefer: 'count=exact' } })
  t.equal(counted.headers['x-total-count'], '8')
  t.equal(counted.headers['preference-applied'], 'count=exact')
  t.equal((await app.inject('/users')).headers['x-total-count'], undefined)
  t.equal((await app.inject('/users?email=N5@EXAMPLE.com')).json().length, 1)
  t.equal((await app.inject('/users?name=moh')).json()[0].name, 'Mohamed')
  t.equal((await app.inject('/users?name=%25')).json().length, 0, 'a wildcard is a plain character')
  await app.inject({ method: 'POST', url: '/users', payload: { name: 'zz\u{10FFFF}b', email: 'zz@example.com' } })
  t.equal((await app.inject('/users?name=zz')).json().length, 1, 'nothing sorts behind its prefix')
})

test('a cursor of another order, or one that was made up, is refused', async (t) => {
  const { app } = await build(t)
  const link = String((await app.inject('/users?limit=1&sort=name')).headers.link)
  const cursor = /cursor=([^>]+)>/.exec(link)?.[1]
  for (const url of [`/users?sort=email&cursor=${cursor}`, '/users?cursor=bm9uc2Vuc2U', '/users?cursor=!!']) {
    const response = await app.inject(url)
    t.equal(response.statusCode, 400, url)
    t.match(response.json().errors, [{ in: 'query', pointer: '/cursor' }])
  }
})

test('two changes at the same time with the same If-Match: one wins', async (t) => {
  const { app } = await build(t)
  const responses = await Promise.all(
    Array.from({ length: 10 }, (_, n) =>
      app.inject({
        method: 'PATCH',
        url: '/users/1',
        headers: { ...json, 'if-match': '"1"' },
        payload: `{"name":"W${n}"}`,
      }),
    ),
  )
  t.equal(responses.filter(({ statusCode }) => statusCode === 200).length, 1)
  t.equal(responses.filter(({ statusCode }) => statusCode === 412).length, 9)
})
