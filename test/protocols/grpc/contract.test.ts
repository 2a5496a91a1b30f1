import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TObject, Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import { test } from 'tap'
import contract from '../../../plugins/contract.ts'
import type { Operation } from '../../../src/contract/operation.ts'
import { GrpcServer } from '../../../src/protocols/grpc/index.ts'
import { Enum } from '../../../src/schemas/enum.ts'
import { open } from '../../../src/schemas/security.ts'
import { build, everyConnector, temporaryFolder } from '../../helper.ts'

const lockFile = join(import.meta.dirname, '../../../contracts/service.proto')

/** The contract of one operation that takes and gives this object. */
async function contractOf(properties: TObject['properties'], operationId = 'setThing') {
  const fastify = Fastify()
  await fastify.register(contract)
  const thing = Type.Object(properties, { $id: 'Thing', additionalProperties: false })
  const schema = {
    operationId,
    summary: 'Set a thing',
    description: 'Sets it.',
    tags: ['things'],
    security: open,
    body: Type.Object({ thing }, { additionalProperties: false }),
    response: { 200: thing },
  }
  fastify.post('/things', { schema }, async ({ body }) => (body as { thing: unknown }).thing)
  await fastify.ready()
  return fastify.contract
}

const unused = () => Promise.reject(new Error('nothing is called here'))
const describe = (operations: ReadonlyMap<string, Operation>, lock = '') =>
  new GrpcServer({ contract: operations, lock, dispatch: unused, onFault: unused, keep: 0 })
const name = Type.String({ description: 'A name.' })
const state = Enum(['open', 'closed'])
const moment = Type.String({ format: 'date-time' })

test('the committed file is what the routes give, and breaks no client', async (t) => {
  const { app } = await build(t, await everyConnector())
  t.same(app.grpc.breaking, [])
  t.equal(app.grpc.proto, readFileSync(lockFile, 'utf8'), 'npm run contracts')
  const served = await app.inject('/contracts/service.proto')
  t.equal(served.body, app.grpc.proto)
})

test('nothing moves when properties are declared in another order', async (t) => {
  const one = describe(await contractOf({ name, state, moment }))
  const other = describe(await contractOf({ moment, state: Enum(['closed', 'open']), name }), one.proto)
  t.equal(other.proto, one.proto)
  t.same(other.breaking, [])
})

test('a new property gets a new number, and so does a new value', async (t) => {
  const one = describe(await contractOf({ name, state }))
  const more = describe(await contractOf({ first: name, state: Enum(['new', 'open', 'closed']), name }), one.proto)
  t.same(more.breaking, [])
  t.match(more.proto, /string name = 1;\n(.*\n)? {2}ThingState state = 2;\n(.*\n)? {2}string first = 3;/)
  t.match(more.proto, /THING_STATE_OPEN = 1;\n {2}THING_STATE_CLOSED = 2;\n {2}THING_STATE_NEW = 3;/)
})

test('what is removed is listed, and its number is never given again', async (t) => {
  const one = describe(await contractOf({ name, state, moment }))
  const less = describe(await contractOf({ moment, state: Enum(['open']) }), one.proto)
  t.same(less.breaking, ['Thing.name is gone', 'ThingState.THING_STATE_CLOSED is gone'])
  t.match(less.proto, / {2}reserved 1;\n {2}reserved "name";\n {2}ThingState state = 2;/)
  t.match(less.proto, / {2}reserved 2;\n {2}reserved "THING_STATE_CLOSED";/)
  const again = describe(await contractOf({ moment, state: Enum(['open', 'closed']), name }), less.proto)
  t.same(again.breaking, [])
  t.match(again.proto, / {2}reserved 1;\n {2}ThingState state = 2;[\s\S]* {2}string name = 4;/)
  t.match(again.proto, /THING_STATE_CLOSED = 3;/)
})

test('a property of another type is another property', async (t) => {
  const one = describe(await contractOf({ name }))
  const other = describe(await contractOf({ name: moment }), one.proto)
  t.same(other.breaking, ['Thing.name was string and is google.protobuf.Timestamp'])
  t.match(other.proto, / {2}reserved 1;\n {2}google.protobuf.Timestamp name = 2;/)
})

test('a type and a method that are gone are listed, and the type keeps its numbers reserved', async (t) => {
  const one = describe(await contractOf({ name, state }))
  const other = describe(await contractOf({ name, state }, 'putThing'), one.proto)
  t.same(other.breaking, ['ThingsService.SetThing is gone', 'SetThingRequest is gone'])
  t.match(other.proto, /\/\/ Removed.\nmessage SetThingRequest \{\n {2}reserved 1;\n {2}reserved "thing";\n\}/)
  t.same(describe(await contractOf({ name, state }, 'putThing'), other.proto).breaking, [])
})

test('optional, nullable and both have presence, and null its sign where absence means something else', async (t) => {
  const { proto } = describe(
    await contractOf({
      name,
      maybe: Type.Union([name, Type.Null()]),
      absent: Type.Optional(name),
      both: Type.Optional(Type.Union([name, Type.Null()])),
      list: Type.Array(name),
      lists: Type.Optional(Type.Array(Type.Array(name))),
      holes: Type.Array(Type.Union([name, Type.Null()])),
      other_name: Type.Boolean(),
    }),
  )
  t.match(proto, ' string name = 1;')
  t.match(proto, ' optional string maybe = 2;')
  t.match(proto, ' optional string absent = 3;')
  t.match(proto, ' optional string both = 4;')
  t.match(proto, ' bool both_is_null = 5;')
  t.match(proto, ' repeated string list = 6;')
  t.match(proto, ' optional ThingListsList lists = 7;')
  t.match(proto, 'message ThingListsList {\n  repeated ThingListsItemList items = 1;\n}')
  t.match(proto, ' repeated ThingHolesMaybe holes = 8;')
  t.match(proto, ' bool other_name = 9 [json_name = "other_name"];')
})

test('what gRPC cannot say stops the start', async (t) => {
  const clash = await contractOf({ fooBar: name, foo_bar: name })
  t.throws(() => describe(clash), /two properties of Thing are both foo_bar in gRPC/)
  const values = await contractOf({ state: Enum(['a-b', 'a_b']) })
  t.throws(() => describe(values), /two values of ThingState are both THING_STATE_A_B in gRPC/)
})

const skip = spawnSync('protoc', ['--version']).error ? 'protoc is not installed (protobuf-compiler)' : false

test('protoc compiles the file', { skip }, async (t) => {
  const folder = temporaryFolder(t)
  const { app } = await build(t, {}, join(import.meta.dirname, '../../conformance/routes'))
  writeFileSync(join(folder, 'service.proto'), app.grpc.proto)
  const { status, stderr } = spawnSync('protoc', [`-I${folder}`, '--descriptor_set_out=/dev/null', 'service.proto'], {
    cwd: folder,
    encoding: 'utf8',
  })
  t.equal(stderr, '')
  t.equal(status, 0)
})
