import type { Socket } from 'node:net'
import { type Test, test } from 'tap'
import type { Operation } from '../../../src/contract/operation.ts'
import { createParse } from '../../../src/contract/parse-json.ts'
import { codes } from '../../../src/protocols/json-rpc/errors.ts'
import { JsonRpc, openSession } from '../../../src/protocols/json-rpc/index.ts'
import { build } from '../../helper.ts'
import { makeKey } from '../../keys.ts'

/** The server's operations as methods; what a peer in memory sends and gets. */
async function open(t: Test) {
  const { app } = await build(t)
  const rpc = new JsonRpc({
    dispatch: app.dispatch,
    contract: app.contract,
    parse: createParse(app.getDefaultJsonParser('error', 'error')),
    authenticate: (credential) => app.access.authenticate(credential),
  })
  const socket = { remoteAddress: '127.0.0.1' } as Socket
  const session = openSession({
    peer: { socket, headers: { host: 'localhost' } },
    signal: new AbortController().signal,
    requestId: 'opened',
    push: () => undefined,
  })
  return {
    app,
    session,
    async send(text: string) {
      const answer = await rpc.answer(text, session)
      return answer === undefined ? undefined : (JSON.parse(answer) as unknown)
    },
  }
}

const getUser = { jsonrpc: '2.0', method: 'getUser', params: { id: 1 } }

// The examples of section 7 of the specification, with an operation of ours for `subtract`.
const examples: [name: string, sent: string, answer: unknown][] = [
  ['a call with named parameters', JSON.stringify({ ...getUser, id: 3 }), { jsonrpc: '2.0', id: 3, result: { id: 1 } }],
  [
    'a call with positional parameters, which ours have none of',
    JSON.stringify({ ...getUser, params: [42, 23], id: 1 }),
    { jsonrpc: '2.0', id: 1, error: { code: -32602 } },
  ],
  ['a call with an id of text', JSON.stringify({ ...getUser, id: 'a' }), { id: 'a', result: { id: 1 } }],
  [
    'a method that does not exist',
    '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
    { jsonrpc: '2.0', error: { code: -32601, message: 'Method not found' }, id: '1' },
  ],
  [
    'invalid JSON',
    '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
    { jsonrpc: '2.0', error: { code: -32700, message: 'Parse error' }, id: null },
  ],
  [
    'an invalid request',
    '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
    { jsonrpc: '2.0', error: { code: -32600, message: 'Invalid Request' }, id: null },
  ],
  [
    'a batch of invalid JSON',
    '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},{"jsonrpc": "2.0", "method"]',
    { error: { code: -32700 }, id: null },
  ],
  ['an empty batch', '[]', { error: { code: -32600 }, id: null }],
  ['a batch that is invalid, but not empty', '[1]', [{ error: { code: -32600 }, id: null }]],
  [
    'an invalid batch',
    '[1,2,3]',
    [
      { error: { code: -32600 }, id: null },
      { error: { code: -32600 }, id: null },
      { error: { code: -32600 }, id: null },
    ],
  ],
  [
    'a batch',
    JSON.stringify([
      { ...getUser, id: '1' },
      getUser,
      { foo: 'boo' },
      { jsonrpc: '2.0', method: 'foo.get', params: { name: 'myself' }, id: '5' },
      { jsonrpc: '2.0', method: 'listUsers', id: '9' },
    ]),
    [
      { id: '1', result: { id: 1 } },
      { error: { code: -32600 }, id: null },
      { error: { code: -32601 }, id: '5' },
      { id: '9', result: { items: [{ id: 1 }, { id: 2 }], nextCursor: null } },
    ],
  ],
]

test('the examples of the specification are answered as it says', async (t) => {
  const { send } = await open(t)
  for (const [name, sent, answer] of examples) t.match(await send(sent), answer as object, name)
})

test('notifications get no answer, alone, in a batch, or when they fail', async (t) => {
  const { send, app } = await open(t)
  const create = { jsonrpc: '2.0', method: 'createUser', params: { name: 'Zoe', email: 'zoe@example.com' } }
  t.equal(await send(JSON.stringify(create)), undefined)
  t.equal(await send(JSON.stringify([getUser, { jsonrpc: '2.0', method: 'foobar' }])), undefined)
  t.equal((await app.inject('/users?email=zoe@example.com')).json().length, 1, 'but are done')
})

test('what is no request is refused: positions, ids, methods of every object, and members that are not read', async (t) => {
  const { send } = await open(t)
  for (const [sent, error] of [
    [
      { ...getUser, id: 1, params: [1] },
      { code: -32602, data: { detail: /by name/ } },
    ],
    [
      { ...getUser, id: 1, params: null },
      { code: -32600, data: { detail: /params/ } },
    ],
    [
      { ...getUser, id: {} },
      { code: -32600, data: { detail: /id/ } },
    ],
    [{ ...getUser, id: 1, method: 'constructor' }, { code: -32601 }],
    [{ ...getUser, id: 1, method: '__proto__' }, { code: -32601 }],
    [{ ...getUser, id: 1, method: 'toString' }, { code: -32601 }],
    [{ ...getUser, id: 1, jsonrpc: '1.0' }, { code: -32600 }],
    [
      { ...getUser, id: 1, meta: { host: 'evil.example' } },
      { code: -32600, data: { detail: /if-match/ } },
    ],
    [{ ...getUser, id: 1, meta: { 'if-match': 'a\nb' } }, { code: -32600 }],
    [{ ...getUser, id: 1, meta: [] }, { code: -32600 }],
  ] as const) {
    t.match(await send(JSON.stringify(sent)), { error }, JSON.stringify(sent))
  }
  t.match(await send(`[${Array(101).fill(JSON.stringify(getUser)).join()}]`), {
    error: { code: -32600, data: { detail: /at most 100/ } },
  })
})

test('an id comes back as it was; one that is none comes back as null', async (t) => {
  const { send } = await open(t)
  for (const id of ['', 'ü\u2028', 0, -1, 1.5, 1e21, 9_007_199_254_740_991, null]) {
    t.match(await send(JSON.stringify({ ...getUser, id })), { id, result: { id: 1 } }, String(id))
  }
  for (const id of [{}, [], true]) {
    t.match(await send(JSON.stringify({ ...getUser, id })), { id: null, error: { code: -32600 } }, JSON.stringify(id))
  }
  t.match(await send('{"jsonrpc":"2.0","id":"\\ud800","method":"getUser","params":{"id":1}}'), { id: '\ud800' })
})

test('text that is not well-formed, prototypes and bottomless nesting get no further than the message', async (t) => {
  const { send } = await open(t)
  const create = (name: string) =>
    `{"jsonrpc":"2.0","id":1,"method":"createUser","params":{"name":${name},"email":"a@example.com"}}`
  t.match(await send(create('"\\ud800"')), { error: { code: -32602, data: { errors: [{ pointer: '/name' }] } } })
  t.match(await send(create('"\\u0000"')), { error: { code: -32602 } })
  t.match(await send(create('{"__proto__":{"x":1}}')), { error: { code: -32700 } })
  t.match(await send(create(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)), {
    id: null,
    error: { code: -32600, data: { detail: /deep/ } },
  })
  t.match(await send(create(`${'['.repeat(30)}${']'.repeat(30)}`)), { error: { code: -32602 } })
})

test('a batch is answered in its order, sixteen at a time', async (t) => {
  const { send, session } = await open(t)
  const ids = Array.from({ length: 100 }, (_, index) => index)
  const answered = send(JSON.stringify(ids.map((id) => ({ ...getUser, id }))))
  t.equal(session.running, 16)
  t.match(
    await answered,
    ids.map((id) => ({ id, result: { id: 1 } })),
  )
  t.equal(session.running, 0)
  t.equal(session.begun, 100)
})

test('what follows `authenticate` without waiting for its answer has the new credential', async (t) => {
  const { send, app, session } = await open(t)
  const { key } = await makeKey(app, app.apiKeys.first ?? '', ['users:read'])
  const authenticate = { jsonrpc: '2.0', id: 1, method: 'authenticate', params: { apiKey: key } }
  const me = { jsonrpc: '2.0', id: 2, method: 'getMe' }
  const [, answer] = await Promise.all([send(JSON.stringify(authenticate)), send(JSON.stringify(me))])
  t.match(answer, { result: { kind: 'api-key' } })
  const wrong = { ...authenticate, params: { token: `${key}x` } }
  t.match(await send(JSON.stringify([wrong, me])), [
    { error: { code: -32001, data: { requestId: 'opened' } } },
    { result: { kind: 'api-key' } },
  ])
  t.same(Object.keys(session.peer.headers).sort(), ['host', 'x-api-key'])
  for (const params of [{}, { token: 1 }, { token: key, apiKey: key }, [key]]) {
    t.match(await send(JSON.stringify({ ...authenticate, params })), { error: { code: -32602 } })
  }
})

test('an operation cannot have the name of a method that is none', async (t) => {
  const { app } = await open(t)
  const [operation] = app.contract.values()
  for (const name of ['authenticate', 'subscribe', 'unsubscribe']) {
    const contract = new Map([[name, operation as Operation]])
    const settings = { dispatch: app.dispatch, contract, parse: JSON.parse, authenticate: () => app.access.anonymous }
    t.throws(() => new JsonRpc(settings), { message: new RegExp(`^${name}: schema.operationId`) })
  }
})

test('every problem has a code of the specification or of its range for servers', (t) => {
  for (const [problem, code] of Object.entries(codes)) {
    t.ok([-32600, -32602, -32603].includes(code) || (code <= -32000 && code >= -32099), `${problem} → ${code}`)
  }
  t.match(codes, { unauthenticated: -32001, forbidden: -32003, 'not-found': -32004, conflict: -32009 })
  t.match(codes, { 'precondition-failed': -32012, 'rate-limited': -32029, 'quota-exceeded': -32029, internal: -32603 })
  t.end()
})

test('a problem is an error with its document, and what REST says in headers is in `meta`', async (t) => {
  const { send } = await open(t)
  const ask = async (method: string, params: object, meta?: object) =>
    send(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params, meta }))
  t.match(await ask('getUser', { id: 99 }), {
    error: { code: -32004, message: 'User not found', data: { status: 404, code: 'not-found', requestId: /.+/ } },
  })
  t.match(await ask('createUser', { name: '', email: 'x@example.com' }), {
    error: { code: -32602, data: { code: 'validation-failed', errors: [{ pointer: '/name' }] } },
  })
  t.match(await ask('getUser', {}), { error: { code: -32602, data: { errors: [{ in: 'path', pointer: '/id' }] } } })
  t.match(await ask('getUser', { id: 1, x: 1 }), { error: { code: -32602, data: { errors: [{ pointer: '/x' }] } } })
  t.match(await ask('getUser', { id: 1 }), { meta: { etag: '"1"' } })
  t.match(await ask('getUser', { id: 1 }, { 'if-none-match': '"1"' }), { result: null, meta: { status: '304' } })
  const stale = { id: 1, name: 'M', email: 'm@example.com' }
  t.match(await ask('replaceUser', stale, { 'if-match': '"9"' }), { error: { code: -32012 } })
  const once = { 'idempotency-key': 'k' }
  const input = { name: 'Zoe', email: 'zoe@example.com' }
  const first = await ask('createUser', input, once)
  t.match(await ask('createUser', input, once), { ...(first as object), meta: { 'idempotent-replayed': 'true' } })
  t.match(await ask('deleteUser', { id: 2 }), { result: null })
  t.match(await ask('listUsers', {}, { prefer: 'count=exact' }), { meta: { 'x-total-count': '2' } })
  const page = (await ask('listUsers', { limit: 1 })) as { result: { items: object[]; nextCursor: string } }
  t.match(await ask('listUsers', { limit: 1, cursor: page.result.nextCursor }), { result: { nextCursor: null } })
})
