import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OpenAPIV3_1 } from 'openapi-types'
import { test } from 'tap'
import { parse } from 'yaml'
import { type AsyncApi, breakingInAsyncApi } from '../../src/contract/breaking/asyncapi.ts'
import { breakingInOpenApi } from '../../src/contract/breaking/openapi.ts'
import { breakingInSchema, type Direction, type JsonSchema } from '../../src/contract/breaking/schema.ts'
import { build, everyConnector } from '../helper.ts'

const root = join(import.meta.dirname, '..', '..')
const openapi = () => parse(readFileSync(join(root, 'openapi.yaml'), 'utf8'))
const asyncapi = () => parse(readFileSync(join(root, 'contracts', 'asyncapi.yaml'), 'utf8'))

test('nothing that the committed documents promise is broken', async (t) => {
  const { app } = await build(t, await everyConnector())
  t.same(breakingInOpenApi(openapi(), app.swagger() as OpenAPIV3_1.Document), [], 'openapi.yaml: breaking changes')
  t.same(breakingInAsyncApi(asyncapi(), parse(app.webSockets.document)), [], 'asyncapi.yaml: breaking changes')
})

const object = (
  properties: Record<string, JsonSchema>,
  required: string[] = [],
  more: JsonSchema = {},
): JsonSchema => ({
  type: 'object',
  properties,
  required,
  ...more,
})
const text = { type: 'string' }
const whole = { type: 'integer' }
const cat = object({ kind: { const: 'cat', type: 'string' } }, ['kind'])
const dog = object({ kind: { const: 'dog', type: 'string' } }, ['kind'])

/** Two versions of a schema, and what the change from one to the other, and back, breaks by direction. */
const changes: [
  string,
  JsonSchema,
  JsonSchema,
  sent: string[],
  received: string[],
  sentBack: string[],
  back: string[],
][] = [
  ['an optional property is added', object({}), object({ a: text }), [], [], ['x.a is gone'], ['x.a is gone']],
  [
    'a required property is added',
    object({}),
    object({ a: text }, ['a']),
    ['x.a is required now'],
    [],
    ['x.a is gone'],
    ['x.a is gone'],
  ],
  [
    'a property becomes required',
    object({ a: text }),
    object({ a: text }, ['a']),
    ['x.a is required now'],
    [],
    [],
    ['x.a may be missing now'],
  ],
  [
    'a type is another',
    object({ a: text }),
    object({ a: whole }),
    ['x.a was string, and is integer now'],
    ['x.a was string, and is integer now'],
    ['x.a was integer, and is string now'],
    ['x.a was integer, and is string now'],
  ],
  [
    'a type is wider',
    whole,
    { type: 'number' },
    [],
    ['x was integer, and is number now'],
    ['x was number, and is integer now'],
    [],
  ],
  [
    'null is admitted',
    text,
    { type: ['string', 'null'] },
    [],
    ['x was string, and is string or null now'],
    ['x was string or null, and is string now'],
    [],
  ],
  [
    'null is admitted by a union',
    text,
    { anyOf: [text, { type: 'null' }] },
    [],
    ['x may be null now'],
    ['x is no longer taken as null'],
    [],
  ],
  ['any value becomes a text', {}, text, ['x was any, and is string now'], [], [], ['x was string, and is any now']],
  [
    'a value is added to a closed list',
    { enum: ['a'] },
    { type: 'string', enum: ['a', 'b'] },
    [],
    ['x may be "b" now'],
    ['x no longer takes "b"'],
    [],
  ],
  [
    'a closed list is written as constants',
    { enum: ['a', 'b'], type: 'string' },
    { anyOf: [{ const: 'a' }, { const: 'b' }] },
    [],
    [],
    [],
    [],
  ],
  [
    'a list is closed',
    text,
    { enum: ['a'] },
    ['x no longer takes any value'],
    [],
    [],
    ['x may be any value of its type now'],
  ],
  ['a limit is set', text, { ...text, maxLength: 5 }, ['x has maxLength 5 now'], [], [], []],
  ['a limit is raised', { ...whole, minimum: 1 }, { ...whole, minimum: 2 }, ['x has minimum 2 now'], [], [], []],
  [
    'a format is set',
    text,
    { ...text, format: 'uri' },
    ['x had format none, and has uri now'],
    [],
    [],
    ['x had format uri, and has none now'],
  ],
  [
    'an item is another',
    { type: 'array', items: text },
    { type: 'array', items: whole },
    ['x[] was string, and is integer now'],
    ['x[] was string, and is integer now'],
    ['x[] was integer, and is string now'],
    ['x[] was integer, and is string now'],
  ],
  [
    'values of a record are wider',
    { type: 'object', additionalProperties: whole },
    { type: 'object', additionalProperties: { type: 'number' } },
    [],
    ['x.* was integer, and is number now'],
    ['x.* was number, and is integer now'],
    [],
  ],
  [
    'an object is closed',
    object({}),
    object({}, [], { additionalProperties: false }),
    ['x takes no other properties now'],
    [],
    [],
    [],
  ],
  [
    'a member is added to a union',
    { anyOf: [cat, { type: 'null' }] },
    { anyOf: [dog, cat, { type: 'null' }] },
    [],
    ['x.kind may be "dog" now'],
    ['x.kind no longer takes "dog"'],
    [],
  ],
]

test('a change of a schema breaks what is sent when it takes less, and what is received when it gives other', (t) => {
  for (const [name, before, after, sent, received, sentBack, receivedBack] of changes) {
    const found = (direction: Direction, one: JsonSchema, other: JsonSchema) =>
      breakingInSchema({ before: {}, after: {}, direction }, one, other, 'x')
    t.same(found('sent', before, after), sent, `${name}: sent`)
    t.same(found('received', before, after), received, `${name}: received`)
    t.same(found('sent', after, before), sentBack, `${name}, taken back: sent`)
    t.same(found('received', after, before), receivedBack, `${name}, taken back: received`)
    t.same(found('sent', after, after), [], `${name}: no change`)
  }
  t.end()
})

test('references are followed, also those of schemas that hold themselves', (t) => {
  const tree = (leaf: JsonSchema) => ({
    s: { Tree: object({ leaf, kids: { type: 'array', items: { $ref: '#/s/Tree' } } }) },
  })
  const reference = { $ref: '#/s/Tree' }
  const versions = { before: tree(text), after: tree(whole), direction: 'sent' } as const
  t.same(breakingInSchema(versions, reference, reference, 'x'), ['x.leaf was string, and is integer now'])
  t.same(breakingInSchema({ ...versions, after: tree(text) }, reference, reference, 'x'), [])
  t.end()
})

// biome-ignore lint/suspicious/noExplicitAny: a parsed document is changed at any place
type Change = (document: any) => void

test('each change of the OpenAPI document that breaks a client is said in words', (t) => {
  const broken: [Change, string[]][] = [
    [({ paths }) => delete paths['/user'], ['findUser: GET /user is gone']],
    [
      ({ paths }) => {
        paths['/people'] = paths['/user']
        delete paths['/user']
      },
      ['findUser: GET /user is gone; it is GET /people now'],
    ],
    [({ paths }) => (paths['/user'].get.operationId = 'getOne'), ['findUser: is getOne now']],
    [({ paths }) => (paths['/users'].get.parameters[0].required = true), ['listUsers: query.limit is required now']],
    [({ paths }) => paths['/users'].get.parameters.shift(), ['listUsers: query.limit is gone']],
    [
      ({ paths }) => (paths['/users'].get.parameters[0].schema.maximum = 50),
      ['listUsers: query.limit has maximum 50 now'],
    ],
    [({ paths }) => delete paths['/users'].post.responses[409], ['createUser: it answers 409 no longer']],
    [
      ({ paths }) => delete paths['/users'].post.responses[201].headers.Location,
      ['createUser: 201 has no header Location any more'],
    ],
    [
      ({ paths }) => (paths['/user'].get.security = [{ accessToken: [] }]),
      ['findUser: it no longer takes apiKey', 'findUser: it no longer takes oauth2'],
    ],
    [
      ({ paths }) =>
        paths['/user'].get.security.find(({ oauth2 }: { oauth2?: string[] }) => oauth2).oauth2.push('more'),
      ['findUser: oauth2 needs the scope more now'],
    ],
    [({ paths }) => (paths['/auth/sign-in'].post.security = [{ apiKey: [] }]), ['signIn: it needs a credential now']],
  ]
  for (const [change, words] of broken) {
    const document = openapi()
    change(document)
    t.same(breakingInOpenApi(openapi(), document), words, words.join())
  }
  const added = openapi()
  added.paths['/more'] = added.paths['/user']
  added.paths['/users'].get.parameters.push({ in: 'query', name: 'more', required: false, schema: text })
  added.paths['/users'].get.security = []
  t.same(breakingInOpenApi(openapi(), added), [], 'what is added breaks nobody')
  t.end()
})

test('a property of a shared schema breaks every operation that gives or takes it, each in its way', (t) => {
  const document = openapi()
  const name = Object.keys(document.components.schemas).find((each) => each === 'UserDetail') as string
  document.components.schemas[name].required = []
  const words = breakingInOpenApi(openapi(), document)
  t.ok(words.includes('getUser: 200.name may be missing now'))
  t.ok(words.includes('createUser: 201.name may be missing now'))
  t.notOk(words.some((each) => each.includes('body.')))
  t.end()
})

test('each change of the AsyncAPI document that breaks a client is said in words', (t) => {
  const broken: [Change, string[]][] = [
    [({ operations }) => delete operations.findUser, ['findUser: it is gone']],
    [({ channels }) => (channels.jsonRpc.address = '/rpc'), ['the channel jsonRpc is at /rpc now, and was at /ws']],
    [
      ({ components }) => components.messages.findUserRequest.payload.required.push('meta'),
      ['findUser: request.meta is required now'],
    ],
    [
      ({ components }) => (components.messages.findUserResult.payload.properties.result = { type: 'null' }),
      ['findUser: result.result was object, and is null now'],
    ],
    [({ operations }) => operations.findUser.security.shift(), ['findUser: it no longer takes apiKey']],
    [({ operations }) => operations.findUser.reply.messages.pop(), ['findUser: refused is gone']],
    [({ operations }) => operations.notify.messages.pop(), ['notify: subscriptionEnded is gone']],
    [
      ({ components }) => components.messages.subscriptionEnded.payload.properties.params.required.pop(),
      ['notify: subscriptionEnded.params.error may be missing now'],
    ],
  ]
  for (const [change, words] of broken) {
    const document = asyncapi()
    change(document)
    t.same(breakingInAsyncApi(asyncapi(), document as AsyncApi), words, words.join())
  }
  t.end()
})
