import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildSchema, findBreakingChanges, getIntrospectionQuery } from 'graphql'
import { type Test, test } from 'tap'
import { Documents } from '../../../src/protocols/graphql/documents.ts'
import { RenderedFields } from '../../../src/protocols/graphql/rendered.ts'
import { build, everyConnector } from '../../helper.ts'
import { adminKeyOf, makeKey } from '../../keys.ts'

async function open(t: Test, settings: Record<string, string> = {}, routes?: string) {
  const built = await build(t, settings, routes)
  return {
    ...built,
    async ask(query: string, variables: object = {}, headers: object = {}) {
      const payload = { query, variables }
      const answer = await built.app.inject({ method: 'POST', url: '/graphql', payload, headers: { ...headers } })
      // biome-ignore lint/suspicious/noExplicitAny: what a server says is what the test looks at
      return answer.json<any>()
    },
  }
}

/** The first use of a document is executed as it is, the third compiled: both must answer alike. */
const thrice = [1, 2, 3]

test('a query asks for several operations at once, the same compiled or not', async (t) => {
  const { ask } = await open(t)
  const query = `query($limit: Int) {
    getUser(id: 1) { id name createdAt }
    second: getUser(id: "2") { email }
    listUsers(limit: $limit, sort: name_desc) { items { id name } nextCursor }
  }`
  for (const _ of thrice) {
    const { data, errors, extensions } = await ask(query, { limit: 1 })
    t.equal(errors, undefined)
    t.match(data, {
      getUser: { id: 1, name: 'Mohamed', createdAt: /Z$/ },
      second: { email: 'ali@example.com' },
      listUsers: { items: [{ id: 1, name: 'Mohamed' }], nextCursor: /.+/ },
    })
    t.same(extensions, { meta: { getUser: { etag: '"1"' }, second: { etag: '"1"' } } })
  }
})

test('a field is answered whatever version of it the client has', async (t) => {
  const { ask } = await open(t)
  t.match(await ask('{ getUser(id: 1) { id } }', {}, { 'if-none-match': '"1"' }), { data: { getUser: { id: 1 } } })
})

test('no alias reaches what every object of the process shares', async (t) => {
  const { ask } = await open(t)
  for (const _ of thrice) {
    t.match((await ask('{ __proto__: getUser(id: 1) { id } }')).errors, [{ message: /must not begin with __/ }])
    for (const name of ['constructor', 'toString']) {
      const { data, extensions } = await ask(`{ ${name}: getUser(id: 1) { id } }`)
      t.match(JSON.stringify(data), `{"${name}":{"id":1}}`)
      t.match(JSON.stringify(extensions), `{"meta":{"${name}":{"etag"`)
    }
  }
  t.notOk('etag' in {} || 'etag' in Object.prototype.toString)
})

test('pages are followed to the end', async (t) => {
  const { ask } = await open(t)
  const query = 'query($cursor: String) { listUsers(limit: 1, cursor: $cursor) { items { id } nextCursor } }'
  const ids: number[] = []
  let cursor: string | null | undefined
  do {
    const { data } = await ask(query, cursor === undefined ? {} : { cursor })
    ids.push(...data.listUsers.items.map(({ id }: { id: number }) => id))
    cursor = data.listUsers.nextCursor
  } while (cursor !== null)
  t.same(ids, [1, 2])
})

test('a field that fails is null and says why; the others are answered', async (t) => {
  const { ask, logs } = await open(t)
  for (const _ of thrice) {
    const { data, errors } = await ask('{ missing: getUser(id: 99) { id } getUser(id: 1) { id } }')
    t.same(data, { missing: null, getUser: { id: 1 } })
    t.match(errors, [
      {
        message: 'User not found',
        path: ['missing'],
        extensions: { code: 'NOT_FOUND', problem: 'not-found', status: 404, requestId: /\S/ },
      },
    ])
    t.equal(errors.length, 1)
  }
  t.ok(logs().some(({ wire, path, status }) => wire === 'graphql' && path === '/users/99' && status === 404))
})

test('input that the schema of the operation refuses is listed as REST lists it', async (t) => {
  const { ask } = await open(t)
  for (const _ of thrice) {
    const { errors } = await ask('mutation { createUser(name: " ", email: "x@example.com") { id } }')
    t.match(errors[0].extensions, { code: 'BAD_USER_INPUT', errors: [{ in: 'body', pointer: '/name' }] })
  }
  t.match((await ask('mutation { updateUser(id: 1, name: null) { id } }')).errors[0].extensions, {
    errors: [{ pointer: '/name', detail: 'must be string' }],
  })
  t.match((await ask('mutation { updateUser(id: 1) { name } }')).data, { updateUser: { name: 'Mohamed' } })
})

test('a list of ids holds one at least: none is not taken for all', async (t) => {
  const { ask } = await open(t)
  const query = 'query($ids: [BigInt!]) { listUsers(ids: $ids) { items { id } } }'
  t.match(await ask(query, { ids: [2, 99] }), { data: { listUsers: { items: [{ id: 2 }] } } })
  for (const ids of [[], null, [0]]) {
    t.match(await ask(query, { ids }), { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] }, JSON.stringify(ids))
  }
})

test('mutations change in order, each once for a key that is sent again', async (t) => {
  const { ask, app } = await open(t)
  const mutation = `mutation {
    first: createUser(name: "Zoë", email: "zoe@example.com") { id }
    second: createUser(name: "Ivo", email: "ivo@example.com") { id }
    deleteUser(id: 2)
  }`
  const headers = { 'idempotency-key': 'k' }
  const first = await ask(mutation, {}, headers)
  t.match(first, { data: { first: { id: 3 }, second: { id: 4 }, deleteUser: true } })
  t.match(await ask(mutation, {}, headers), {
    data: { first: { id: 3 }, second: { id: 4 }, deleteUser: null },
    extensions: { meta: { first: { 'idempotent-replayed': 'true' }, second: { 'idempotent-replayed': 'true' } } },
  })
  t.equal((await app.inject('/users')).json().length, 3)
})

test('credentials, scopes and preconditions are those of the operation', async (t) => {
  const { ask, app, folder } = await open(t, { ANONYMOUS_SCOPES: 'none' })
  const { key } = await makeKey(app, adminKeyOf(folder), ['users:read'])
  const headers = { authorization: `Bearer ${key}` }
  t.match(await ask('{ getUser(id: 1) { id } }'), { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] })
  t.match(await ask('{ getUser(id: 1) { id } }', {}, { authorization: 'Bearer wrong' }), {
    errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
  })
  t.match(await ask('{ getUser(id: 1) { id } }', {}, headers), { data: { getUser: { id: 1 } } })
  t.match(await ask('mutation { deleteUser(id: 1) }', {}, headers), {
    errors: [{ message: /users:write/, extensions: { code: 'FORBIDDEN' } }],
  })
  const admin = { 'x-api-key': adminKeyOf(folder), 'if-match': '"9"' }
  t.match(await ask('mutation { deleteUser(id: 1) }', {}, admin), {
    errors: [{ extensions: { code: 'PRECONDITION_FAILED' } }],
  })
})

test('whole numbers beyond 32 bits, moments and enums keep their values', async (t) => {
  const { ask } = await open(t)
  const query = 'query($id: BigInt!) { getUser(id: $id) { id } }'
  for (const id of [9_007_199_254_740_991, '9007199254740993']) {
    t.match((await ask(query, { id })).errors[0].extensions.problem, /not-found|validation-failed/)
  }
  for (const id of [1.5, '1.5', true, {}, 'x']) t.match((await ask(query, { id })).errors, [{ message: /BigInt/ }])
  t.match(await ask('{ listUsers(sort: nothing) { nextCursor } }'), {
    errors: [{ message: /does not exist in "ListUsersSort"/ }],
  })
})

test('a union is a one-of input, whose member says what it is', async (t) => {
  const { ask, app } = await open(t, {}, join(import.meta.dirname, 'routes'))
  t.match(
    app.graphql.sdl,
    /input EchoPetsPetInput @oneOf \{\n {2}houseCat: HouseCatInput\n {2}houseDog: HouseDogInput\n\}/,
  )
  t.match(app.graphql.sdl, /input HouseCatInput \{\n {2}kind: String\n {2}lives: Int!\n\}/)
  const literal = `mutation { echoPets(pet: { houseCat: { lives: 9 } }, others: [{ houseDog: { name: "Rex" } }, { houseCat: { kind: "cat", lives: 1 } }]) {
    pet { ... on HouseCat { kind lives } } others { ... on HouseDog { kind name } ... on HouseCat { lives } }
  } }`
  const variable = 'mutation($pet: EchoPetsPetInput!) { echoPets(pet: $pet) { pet { __typename } } }'
  for (const _ of thrice) {
    t.same((await ask(literal)).data, {
      echoPets: { pet: { kind: 'cat', lives: 9 }, others: [{ kind: 'dog', name: 'Rex' }, { lives: 1 }] },
    })
    const { data } = await ask(variable, { pet: { houseDog: { name: 'Rex' } } })
    t.same(data, { echoPets: { pet: { __typename: 'HouseDog' } } })
    for (const pet of [
      {},
      { houseCat: null },
      { houseCat: { lives: 1 }, houseDog: { name: 'Rex' } },
      { houseCat: { lives: 1 }, houseDog: null },
      { houseCat: { lives: 10 } },
      { houseCat: { lives: 1, kind: 'dog' } },
      { kind: 'cat', lives: 1 },
      1,
    ]) {
      const { errors } = await ask(variable, { pet })
      t.match(errors, [{ extensions: { code: 'BAD_USER_INPUT' } }], JSON.stringify(pet))
    }
  }
})

test('a row that is selected whole is answered as its parts are', async (t) => {
  const { ask } = await open(t)
  const whole = 'id name email createdAt updatedAt'
  const parts = 'updatedAt createdAt email name id'
  const query = (row: string, item: string) => `query($wanted: Boolean = true, $id: BigInt = 1) {
    getUser(id: $id) { ${row} }
    missing: getUser(id: 99) { ${row} }
    skipped: getUser(id: 1) @skip(if: $wanted) { ${row} }
    included: getUser(id: 2) @include(if: $wanted) { ${row} }
    listUsers(limit: 1) { items { ${item} } nextCursor }
    second: listUsers(limit: 1, sort: id_desc) { items { ${item} } nextCursor }
    empty: listUsers(name: "nobody") { items { ${item} } nextCursor }
    __typename
  }`
  const mutation = (row: string) =>
    `mutation { updateUser(id: 2, name: "A\\"l\\u00ed") { ${row} } again: updateUser(id: 99) { ${row} } }`
  const withoutIds = (answer: object) =>
    JSON.parse(JSON.stringify(answer).replaceAll(/"requestId":"[^"]+"/g, '"requestId":""'))
  for (const variables of [{}, { wanted: false }, { id: 'x' }]) {
    for (const _ of thrice) {
      const answers = [
        await ask(query(whole, 'id name email'), variables),
        await ask(query(parts, 'email name id'), variables),
      ]
      t.same(withoutIds(answers[0]), withoutIds(answers[1]))
      if (Object.hasOwn(variables, 'id')) t.equal(answers[0].data, undefined)
      else t.match(answers[0], { data: { getUser: { id: 1 }, missing: null }, errors: [{ path: ['missing'] }] })
    }
  }
  for (const _ of thrice) {
    const answers = [await ask(mutation(whole)), await ask(mutation(parts))]
    for (const { data, errors } of answers) {
      t.match(data, { updateUser: { id: 2, name: 'A"lí' }, again: null })
      t.match(errors, [{ path: ['again'], extensions: { code: 'NOT_FOUND' } }])
    }
  }
})

test('how whole rows are answered is not part of the schema', async (t) => {
  const { ask, app } = await open(t)
  const whole = 'getUser(id: 1) { id name email createdAt updatedAt }'
  for (const _ of thrice) {
    const { data } = await ask(`{ __schema { queryType { fields { name } } } ${whole} }`)
    t.notMatch(JSON.stringify(data), /rendered/i)
    t.match((await ask('{ getUser__rendered(id: 1) }')).errors, [{ message: /Cannot query field/ }])
    t.match(await ask(`{ ${whole} ${whole.replace('createdAt', '')} }`), {
      data: { getUser: { id: 1, createdAt: /Z$/ } },
    })
  }
  t.notMatch(app.graphql.sdl, /rendered/i)
})

test('whatever is wrong with a request has a code', async (t) => {
  const { app, ask } = await open(t)
  for (const [query, code, message] of [
    ['{', 'GRAPHQL_PARSE_FAILED', /Syntax Error/],
    ['{ getMe { id } ', 'GRAPHQL_PARSE_FAILED', /Syntax Error/],
    ['{ getMe(id: "\\x") { id } }', 'GRAPHQL_PARSE_FAILED', /Syntax Error/],
    ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED', /Cannot query field/],
    ['query A { getMe { id } } query B { getMe { id } }', 'OPERATION_RESOLUTION_FAILURE', /several operations/],
    ['subscription { getMe { id } }', 'GRAPHQL_VALIDATION_FAILED', /on type "Subscription"/],
    ['fragment f on Query { getMe { id } } { ...f }', 'UNAUTHENTICATED', /./],
    ['query($id: BigInt!) { getUser(id: $id) { id } }', 'BAD_USER_INPUT', /\$id/],
    [`{ getMe ${'{ user '.repeat(16)} ${'}'.repeat(16)} }`, 'GRAPHQL_VALIDATION_FAILED', /./],
    [`${'{ a '.repeat(900)} ${'}'.repeat(900)}`, 'DOCUMENT_TOO_COMPLEX', /more than 100 levels/],
    [`{ a(b: ${'['.repeat(900)}${']'.repeat(900)}) }`, 'DOCUMENT_TOO_COMPLEX', /more than 100 levels/],
    [`{ a(b: ${'{c: '.repeat(3000)}`, 'DOCUMENT_TOO_COMPLEX', /more than 100 levels/],
  ] as const) {
    for (const _ of thrice)
      t.match(await ask(query), { errors: [{ message, extensions: { code } }] }, query.slice(0, 80))
  }
  for (const payload of [
    {},
    { query: null },
    { query: 1 },
    { query: '{ getMe { id } }', operationName: 1 },
    { query: '{ getMe { id } }', variables: [] },
    { query: '{ getMe { id } }', variables: 'x' },
    { query: '{ getMe { id } }', extensions: 1 },
    [],
    [{ query: '{ getMe { id } }' }],
  ]) {
    const answer = await app.inject({ method: 'POST', url: '/graphql', payload })
    t.equal(answer.statusCode, 400)
    t.match(answer.json(), { errors: [{ extensions: { code: 'BAD_REQUEST' } }] }, JSON.stringify(payload))
  }
  for (const query of ['', 'query=', 'query={getMe{id}}&variables={', 'query={getMe{id}}&variables=[]']) {
    const answer = await app.inject(`/graphql?${query}`)
    t.match(answer.json(), { errors: [{ extensions: { code: /./ } }] }, query)
  }
  t.match((await ask('query A { getMe { id } }', {}, { accept: 'text/html' })).errors, [
    { extensions: { code: 'BAD_REQUEST' } },
  ])
})

test('the name of an operation chooses it, and no name that is not there is kept', async (t) => {
  const { app } = await open(t)
  const query = 'query A { getUser(id: 1) { id } } query B { getUser(id: 2) { id } }'
  const ask = async (operationName: string | null) =>
    (await app.inject({ method: 'POST', url: '/graphql', payload: { query, operationName } })).json()
  for (const _ of thrice) {
    t.match(await ask('A'), { data: { getUser: { id: 1 } } })
    t.match(await ask('B'), { data: { getUser: { id: 2 } } })
    for (const name of [null, '', 'C', '__proto__', 'constructor']) {
      t.match(await ask(name), { errors: [{ extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } }] }, String(name))
    }
  }
  const { schema } = app.graphql
  const rendered = new RenderedFields(schema, app.contract)
  const documents = new Documents({ schema, rendered, introspection: true })
  const known = documents.read(query)
  t.same('operations' in known && [...known.operations.keys()], ['A', 'B'], 'names are fixed when a document is read')
})

const deepIntrospection = `{ __schema { types { ${'fields { type { '.repeat(5)} name ${'} } '.repeat(5)} } } }`

test('documents that ask for too much are refused before anything is done', async (t) => {
  const { ask } = await open(t)
  const many = (count: number, make: (index: number) => string) =>
    Array.from({ length: count }, (_, i) => make(i)).join(' ')
  for (const [query, reason] of [
    [`{ ${many(21, () => 'getMe { id }')} }`, /20 fields at its root/],
    [`{ getMe { ${many(31, (index) => `a${index}: id`)} } }`, /30 aliases/],
    [`{ listUsers(limit: 100) { items { ${many(300, () => 'id')} } } }`, /20000 points of cost/],
    [`query($n: Int) { listUsers(limit: $n) { items { ${many(300, () => 'id')} } } }`, /20000 points of cost/],
    [
      `{ listUsers(limit: 100) { ...p } } fragment p on UserPage { items { ${many(300, () => 'id')} } }`,
      /points of cost/,
    ],
    [`{ listUsers(limit: 100) { entries: items { ... on User { ${many(300, () => 'id')} } } } }`, /points of cost/],
    [`{ getMe { ${many(4001, () => 'id')} } }`, /4000|token/i],
  ] as const) {
    const { data, errors } = await ask(query)
    t.equal(data, undefined)
    t.match(errors[0].message, reason)
  }
  t.match(await ask(deepIntrospection), { errors: [{ message: /introspection depth/ }] })
  const nested = `${many(20, (index) => `fragment f${index} on Query { ...f${index + 1} ...f${index + 1} }`)} fragment f20 on Query { getMe { id } } { ...f0 }`
  const before = process.cpuUsage()
  t.match(await ask(nested), { errors: [{ extensions: { code: 'DOCUMENT_TOO_COMPLEX' } }] })
  t.ok(process.cpuUsage(before).user < 2_000_000, 'and not after a long time')
})

test('the schema can be asked for, unless INTROSPECTION says otherwise', async (t) => {
  t.match((await (await open(t)).ask(getIntrospectionQuery())).data.__schema, { queryType: { name: 'Query' } })
  const { ask } = await open(t, { INTROSPECTION: 'false' })
  t.match((await ask('{ __schema { types { name } } }')).errors, [{ message: /introspection/i }])
})

test('a page of another site can make no request that changes something', async (t) => {
  const { app } = await open(t)
  const payload = JSON.stringify({ query: 'mutation { deleteUser(id: 1) }' })
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const answer = await app.inject({ method: 'POST', url: '/graphql', payload, headers: { 'content-type': type } })
    t.equal(answer.statusCode, 415, type)
  }
  const query = new URLSearchParams({ query: 'mutation { deleteUser(id: 1) }' })
  t.equal((await app.inject(`/graphql?${query}`)).statusCode, 405)
  t.equal((await app.inject('/users/1')).statusCode, 200)
})

test('what a handler throws does not leave the server', async (t) => {
  const { app, ask } = await open(t)
  app.storage.engine.first = () => {
    throw new Error('a secret cause')
  }
  const answer = await ask('{ getUser(id: 1) { id } }')
  t.match(answer.errors[0].extensions, { code: 'INTERNAL_SERVER_ERROR', problem: 'internal' })
  t.notMatch(JSON.stringify(answer), 'secret')
})

test('the committed schema is that of the server, and breaks none that was committed', async (t) => {
  const { app } = await open(t, await everyConnector())
  const committed = readFileSync(join(import.meta.dirname, '../../../contracts/schema.graphql'), 'utf8')
  const breaking = findBreakingChanges(buildSchema(committed), buildSchema(app.graphql.sdl))
  t.same(
    breaking.map(({ description }) => description),
    [],
    'breaking changes',
  )
  t.equal(app.graphql.sdl, committed, 'npm run contracts writes it')
  t.equal((await app.inject('/contracts/schema.graphql')).body, committed)
})

test('names and numbers that clients invent cost nothing and find nothing', async (t) => {
  const { app } = await build(t)
  const ask = async (query: string, variables: object = {}) =>
    (await app.inject({ method: 'POST', url: '/graphql', payload: { query, variables } })).json<{
      data?: unknown
      errors?: { message: string; extensions: { code: string } }[]
    }>()
  const query = 'query ($toString: String) { listUsers(name: $toString, limit: 1) { items { id } } }'
  for (let use = 0; use < 3; use += 1) t.match(await ask(query), { data: { listUsers: { items: [{ id: 1 }] } } })
  const wide = await ask(`{ ${'getUser(id: 1) { id } '.repeat(301)} }`)
  t.match(wide.errors, [{ message: /more than 300 fields/, extensions: { code: 'DOCUMENT_TOO_COMPLEX' } }])
  const long = await ask(`{ getUser(id: ${'9'.repeat(31)}) { id } }`)
  t.match(long.errors?.[0]?.extensions, { code: 'GRAPHQL_VALIDATION_FAILED' })
})
