import { join } from 'node:path'
import { type Test, test } from 'tap'
import type { Outcome, Peer } from '../../src/contract/call.ts'
import { Problem } from '../../src/errors.ts'
import { build, listen } from '../helper.ts'
import { connect } from '../protocols/websocket/client.ts'
import { endless, ran, trace } from './dispatch-routes/kinds.ts'

const routes = join(import.meta.dirname, 'dispatch-routes')
const peer = {
  socket: { remoteAddress: '127.0.0.1' },
  headers: { host: 'localhost', 'user-agent': 'test' },
} as unknown as Peer

async function open(t: Test) {
  const { app, logs } = await build(t, { CORS_ORIGINS: '*' }, routes)
  return {
    app,
    logs,
    call: (operationId: string, input: Record<string, unknown> = {}, more: object = {}) => {
      const operation = app.contract.get(operationId)
      if (operation === undefined) throw new Error(`no operation ${operationId}`)
      return app.dispatch({ operation, input, peer, as: 'text', ...more })
    },
  }
}

/** What differs with each request, or says how a connection carries the answer. */
function comparable(headers: object): object {
  const {
    date: _,
    connection: _1,
    'keep-alive': _2,
    'transfer-encoding': _3,
    'content-length': _4,
    ...rest
  } = headers as Record<string, unknown>
  return rest
}

const withoutId = (body: string) => body.replace(/"requestId":"[^"]*"/, '')

test('a success by dispatch is that of inject: status, headers, text', async (t) => {
  const { app, call } = await open(t)
  const same = [
    ['object', '{"name":"Zoë"}'],
    ['date', '{"name":"a","at":"1970-01-01T00:00:00.000Z"}'],
    ['sent', '{"name":"sent"}'],
    ['sentLater', '{"name":"later"}'],
    ['jsonText', '{"name":"as text"}'],
    ['buffer', '{"name":"ö"}'],
    ['stream', '{"name":"s"}'],
    ['longStream', `{"name":"${'x'.repeat(300_000)}"}`],
    ['webStream', '{"name":"w"}'],
    ['response', '{"name":"r"}'],
    ['cookies', '{"name":"c"}'],
    ['hijacked', '{"name":"h"}'],
    ['ownSerializer', '{"name":"own"}'],
    ['rewritten', '{"name":"after","at":"serialization"}'],
    ['traced', '{"name":"t"}'],
    ['typedArray', '{"name":"u"}'],
    ['generated', '{"name":"g"}'],
    ['withTrailer', '{"name":"with trailer"}'],
    ['early', '{"name":"after hints"}'],
    ['headOfOwn', '{"name":"raw"}'],
    ['responseOfStatus', '{"name":"r"}'],
  ] as const
  for (const [operationId, text] of same) {
    const injected = await app.inject(`/kinds/${operationId}`)
    const outcome = await call(operationId)
    t.equal(outcome.status, injected.statusCode, operationId)
    t.equal(outcome.text, text, operationId)
    t.equal(injected.body, text, operationId)
    t.same(comparable(outcome.headers), comparable(injected.headers), operationId)
    t.same((await call(operationId, {}, { as: 'value' })).value, injected.json(), operationId)
  }
})

test('what is no JSON becomes some, and an empty response is none', async (t) => {
  const { app, call } = await open(t)
  t.equal((await call('text')).text, '"plain text"')
  t.equal((await app.inject('/kinds/text')).body, 'plain text')
  t.same(await call('nothing').then(({ status, text }) => ({ status, text })), { status: 204, text: undefined })
  for (const operationId of ['emptyText', 'moved', 'unchanged']) {
    t.equal((await call(operationId)).text, undefined, operationId)
    t.equal((await call(operationId)).status, (await app.inject(`/kinds/${operationId}`)).statusCode)
  }
  t.equal((await app.inject('/kinds/nil')).body, (await call('nil')).text)
})

test('a failure by dispatch is the problem that inject answers with', async (t) => {
  const { app, call, logs } = await open(t)
  for (const operationId of [
    'problem',
    'thrown',
    'thrownStatus',
    'streamFailed',
    'notSerializable',
    'slow',
    'guarded',
    'notFoundHere',
    'rejectsNothing',
    'throwsText',
    'tracedFailure',
  ]) {
    const injected = await app.inject(`/kinds/${operationId}`)
    const problem = (await call(operationId).catch((error: unknown) => error)) as Problem
    t.ok(problem instanceof Problem, operationId)
    t.equal(withoutId(JSON.stringify(problem.document(''))), withoutId(injected.body), operationId)
    t.match(problem.requestId, /^\S+$/)
    t.ok(
      logs().some(({ reqId }) => reqId === problem.requestId),
      'its id is in the log',
    )
    t.same(comparable(problem.headers ?? {}), comparable(injected.headers), operationId)
  }
  t.match(await call('problem').catch((error: unknown) => error), { headers: { 'retry-after': '7' } })
  t.match(await call('guarded').catch((error: unknown) => error), { headers: { 'www-authenticate': /^Bearer/ } })
  t.match(await call('refusedByHook').catch((error: unknown) => error), { code: 'forbidden' })
  t.match(await call('ownErrors').catch((error: unknown) => error), { code: 'conflict' })
})

test('a hook that fails is internal, its cause in the log alone', async (t) => {
  const { app, call, logs } = await open(t)
  const fails = ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'preSerialization', 'onSend']
  for (const name of [
    ...fails.map((hook) => `${hook}Fails`),
    'onSendFailsLater',
    'onSendFailsWithText',
    'onSendFailsOnFailure',
  ]) {
    const injected = await app.inject(`/kinds/${name}`)
    const problem = (await call(name).catch((error: unknown) => error)) as Problem
    t.match(injected.json(), { status: 500, code: 'internal', detail: 'Something went wrong' }, name)
    t.equal(injected.statusCode, 500)
    t.notMatch(injected.body, /secret/)
    t.match(injected.headers, { 'content-type': 'application/problem+json', 'x-content-type-options': 'nosniff' })
    t.equal(withoutId(JSON.stringify(problem.document(''))), withoutId(injected.body), name)
    t.same(comparable(problem.headers ?? {}), comparable(injected.headers), name)
    for (const id of [injected.json().requestId, problem.requestId]) {
      const lines = logs().filter(({ reqId }) => reqId === id)
      t.match(JSON.stringify(lines), /a secret cause in/, `${name}: the cause is in the log`)
      t.ok(
        lines.some(({ msg }) => msg === 'request'),
        `${name}: there is an access line`,
      )
    }
  }
  const kept = { code: 'not-found', detail: 'Nothing here' }
  t.match((await app.inject('/kinds/preSerializationFailsOnFailure')).json(), kept)
  t.match(await call('preSerializationFailsOnFailure').catch((error: unknown) => error), { code: 'not-found' })
  t.match((await app.inject('/kinds/onSendRefuses')).json(), { code: 'quota-exceeded' })
  t.match(await call('onSendRefuses').catch((error: unknown) => error), { code: 'quota-exceeded' })
})

test('a reply that is cut off half way is internal, its cause in the log alone', async (t) => {
  const { call, logs } = await open(t)
  for (const [operationId, cause] of [
    ['streamCutOff', 'a secret cause'],
    ['webStreamCutOff', 'a secret cause'],
    ['tooLong', 'the response is longer than 67108864'],
  ] as const) {
    const problem = (await call(operationId).catch((error: unknown) => error)) as Problem
    t.match(problem, { code: 'internal', message: 'Something went wrong' }, operationId)
    const lines = logs().filter(({ reqId, level }) => reqId === problem.requestId && level === 50)
    t.match(lines, [{ err: { message: cause } }], operationId)
  }
})

test('every kind of hook runs, in the same order', async (t) => {
  const { app, call } = await open(t)
  for (const operationId of ['traced', 'tracedFailure']) {
    trace.length = 0
    await app.inject(`/kinds/${operationId}`)
    const injected = trace.splice(0)
    t.equal(injected.length, 7)
    await call(operationId).catch(() => {})
    t.same(trace, injected)
  }
})

test('a plugin of others on a route limits calls as it limits requests, and counts both', async (t) => {
  const { app, call } = await open(t)
  t.match(await call('limited'), { headers: { 'x-ratelimit-remaining': 1 } })
  t.match((await app.inject('/kinds/limited')).headers, { 'x-ratelimit-remaining': '0' })
  t.match(await call('limited').catch((error: unknown) => error), {
    code: 'rate-limited',
    headers: { 'retry-after': '60' },
  })
})

test('input goes where the operation has it, and can reach no other route', async (t) => {
  const { call } = await open(t)
  t.equal((await call('echo', { name: 'Zoë ☃ \u202e' })).text, '{"name":"Zoë ☃ \u202e"}')
  const refused = (input: Record<string, unknown>, operationId = 'echo') =>
    call(operationId, input).catch(({ code, errors }: Problem) => ({ code, errors }))
  const body = (pointer: string) => ({ code: 'validation-failed', errors: [{ in: 'body', pointer }] })
  t.match(await refused({}), body('/name'))
  t.match(await refused({ name: 'a', other: 1 }), body('/other'))
  t.match(await refused(JSON.parse('{"name":"a","__proto__":{"x":1}}')), body('/__proto__'))
  t.match(await refused({ name: 'a\0' }), body('/name'))
  t.match(await refused({ name: '\ud800' }), body('/name'))
  for (const id of [
    '',
    '../health/live',
    '%2e%2e',
    '1/..',
    '1?x=1',
    '1#',
    'undefined',
    null,
    {},
    [],
    '\ud800',
    'x'.repeat(200),
  ]) {
    const outcome = await refused({ id }, 'getUser')
    t.match(outcome, { code: 'validation-failed', errors: [{ in: 'path', pointer: '/id' }] }, JSON.stringify(id))
  }
  t.match(await refused({}, 'getUser'), { errors: [{ in: 'path', pointer: '/id' }] })
  t.match(await refused({ id: 1, other: 1 }, 'getUser'), { errors: [{ in: 'query', pointer: '/other' }] })
  t.match(await refused({ sort: { a: 1 } }, 'listUsers'), { errors: [{ in: 'query', pointer: '/sort' }] })
  t.match(await call('listUsers', { name: 'A&limit=1', limit: 5 }), { text: '[]' })
  t.match(await call('getUser', { id: 1n }), { status: 200 })
})

/** What a path cannot hold, or leads elsewhere in one. */
const names = [
  'own',
  '-',
  '~',
  '_',
  'own/parts',
  '../own',
  '..',
  '.',
  '',
  '*',
  ':name',
  'a/b',
  '%2F',
  '%6Fwn',
  '100%',
  '%',
  '?',
  'a?x=1',
  '#',
  'a;b',
  '__proto__',
  'Zoë ☃ 👩🏽‍🚀',
  'x'.repeat(3000),
]

test('a value in a path is a value: no route beside its own is reached by it', async (t) => {
  const { call } = await open(t)
  for (const name of names) {
    for (const operationId of ['getThing', 'getPart']) {
      ran.length = 0
      t.match(JSON.parse((await call(operationId, { name })).text ?? ''), { name })
      t.same(ran, [`${operationId} onRequest ${name}`, `${operationId} handler ${name}`], 'hooks see it too')
    }
  }
  t.equal((await call('getOwnThing')).text, '{"name":"getOwnThing","at":"/kinds/things/own"}')
})

test('so it is on every wire', async (t) => {
  const { app, base } = await listen(t, {}, routes)
  const client = await connect(t, base)
  for (const name of names) {
    const answer = await app.inject({
      method: 'POST',
      url: '/graphql',
      payload: { query: 'query ($name: String!) { getThing(name: $name) { name } }', variables: { name } },
    })
    t.same(answer.json().data, { getThing: { name } }, 'GraphQL')
    t.match(await client.call('getThing', { name }), { result: { name } }, 'JSON-RPC')
  }
  t.match(await client.call('getUser', { id: '1' }), { error: { data: { errors: [{ in: 'path', pointer: '/id' }] } } })
})

test('values of a path or query are no text off HTTP: another type is refused, as in a body', async (t) => {
  const { app, call } = await open(t)
  const refused = (operationId: string, input: Record<string, unknown>) =>
    call(operationId, input).catch(({ code, errors }: Problem) => ({ code, errors }))
  const at = (where: string, pointer: string) => ({ code: 'validation-failed', errors: [{ in: where, pointer }] })
  for (const id of ['1', true, 1.5, [1], '', null, 2n ** 60n]) {
    t.match(await refused('getUser', { id }), at('path', '/id'), typeof id)
    t.match(await refused('findUser', { id }), at('query', '/id'), typeof id)
  }
  for (const name of [1, true, null, ['own']]) t.match(await refused('getThing', { name }), at('path', '/name'))
  for (const limit of ['5', null, true]) t.match(await refused('listUsers', { limit }), at('query', '/limit'))
  t.match(await call('listUsers', { limit: 1 }), { headers: { link: /limit=1/ } })
  t.same(JSON.parse((await call('listUsers')).text ?? '').length, 2, 'and defaults are filled in')
  t.equal((await app.inject('/users?limit=5')).statusCode, 200, 'over HTTP they are text')
  t.match((await app.inject('/kinds/things/1')).json(), { name: '1' })
})

test('hooks and the log see the URL that a request over HTTP would have', async (t) => {
  const { call, logs } = await open(t)
  const seen = async (name: string) => JSON.parse((await call('getThing', { name })).text ?? '').at as string
  t.equal(await seen('own'), '/kinds/things/own')
  t.equal(await seen('a/b ?'), '/kinds/things/a%2Fb%20%3F')
  t.equal(await seen('x'.repeat(101)), '/kinds/things/-', 'what is longer than a path has')
  t.equal(logs().filter(({ path }) => path === '/kinds/things/a%2Fb%20%3F').length, 1)
  for (const email of ['a@example.com', 'b@example.com']) await call('createUser', { name: 'M>&', email })
  const { headers } = await call('listUsers', { limit: 1, name: 'M>&', sort: 'id' })
  t.match(headers.link, /^<\/users\?limit=1&name=M%3E%26&sort=id&cursor=[\w-]+>; rel="next"$/)
})

test('a call is refused before the body is looked at when the caller may not make it', async (t) => {
  const { app } = await build(t, { ANONYMOUS_SCOPES: 'none' })
  const operation = app.contract.get('createUser')
  t.ok(operation)
  const call = { operation, input: {}, peer, as: 'text' } as unknown as Parameters<typeof app.dispatch>[0]
  t.match(await app.dispatch(call).catch((error: unknown) => error), { code: 'unauthenticated' })
})

test('a caller that gives up is answered at once, and the handler is told', async (t) => {
  const { call, logs } = await open(t)
  const abort = new AbortController()
  const gone = call('slow', {}, { signal: abort.signal }).catch((error: unknown) => error)
  abort.abort()
  t.match(await gone, { code: 'timeout' })
  t.match(await call('slow', {}, { signal: abort.signal }).catch((error: unknown) => error), { code: 'timeout' })
  t.notMatch(JSON.stringify(logs()), 'FST_ERR')
})

test('what a reply is read from is closed when the caller gives up', async (t) => {
  const { call } = await open(t)
  const abort = new AbortController()
  const gone = call('endless', {}, { signal: abort.signal }).catch((error: unknown) => error)
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(endless.stream?.destroyed, false)
  abort.abort()
  t.match(await gone, { code: 'timeout' })
  t.equal(endless.stream?.destroyed, true)
})

test('nothing is called while the server stops', async (t) => {
  const { app, call } = await open(t)
  const closing = app.close()
  await new Promise((resolve) => setImmediate(resolve))
  t.match(await call('object').catch((error: unknown) => error), { code: 'unavailable' })
  await closing
})

test('two calls of one connection do not mix', async (t) => {
  const { call } = await open(t)
  const outcomes: Outcome[] = await Promise.all(
    Array.from({ length: 100 }, (_, index) => call('echo', { name: String(index) })),
  )
  t.same(
    outcomes.map(({ text }) => text),
    Array.from({ length: 100 }, (_, index) => `{"name":"${index}"}`),
  )
})
