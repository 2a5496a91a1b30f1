import { type TSchema, Type } from '@sinclair/typebox'
import type { Schema } from 'fast-json-stringify'
import { test } from 'tap'
import { serializerCompiler } from '../../src/contract/serializer.ts'

const closed = { additionalProperties: false }
const Cat = Type.Object({ kind: Type.Literal('cat'), home: Type.Object({ town: Type.String() }, closed) }, closed)
const Named = Type.Object({ name: Type.String() }, closed)
const Full = Type.Object({ name: Type.String(), email: Type.String() }, closed)

function render(schema: TSchema, value: unknown): string {
  const serialize = serializerCompiler({
    schema: schema as unknown as Schema,
    method: 'GET',
    url: '/',
    httpStatus: '200',
  })
  return serialize(value) as string
}

test('what a member of a union does not declare is left out', (t) => {
  const schema = Type.Object({ pet: Type.Union([Cat, Type.Null()]), list: Type.Array(Type.Union([Cat, Named])) })
  const secret = { secret: 1 }
  const cat = { kind: 'cat', home: { town: 'Rome', ...secret }, ...secret }
  t.equal(
    render(schema, { pet: cat, list: [cat, { name: 'x', ...secret }] }),
    '{"pet":{"kind":"cat","home":{"town":"Rome"}},"list":[{"kind":"cat","home":{"town":"Rome"}},{"name":"x"}]}',
  )
  t.equal(render(schema, { pet: null, list: [] }), '{"pet":null,"list":[]}')
  t.throws(() => render(schema, { pet: { kind: 'dog' }, list: [] }), 'what is no member at all stays a failure')
  t.end()
})

test('the member that a value is comes before one that it could be', (t) => {
  const schema = Type.Object({ who: Type.Union([Named, Full]) })
  const full = { name: 'a', email: 'b' }
  t.equal(render(schema, { who: full }), '{"who":{"name":"a","email":"b"}}')
  t.equal(render(schema, { who: { ...full, secret: 1 } }), '{"who":{"name":"a","email":"b"}}')
  t.equal(render(schema, { who: { name: 'a', secret: 1 } }), '{"who":{"name":"a"}}')
  t.end()
})

test('a schema that is used twice, or within itself, may have a name', (t) => {
  const Own = Type.Object({ name: Type.String() }, { $id: 'Own', ...closed })
  const Tree = Type.Recursive((This) => Type.Object({ v: Type.Number(), kids: Type.Array(This) }, closed))
  t.equal(
    render(Type.Object({ a: Own, b: Own }), { a: { name: '1' }, b: { name: '2' } }),
    '{"a":{"name":"1"},"b":{"name":"2"}}',
  )
  const tree = { v: 1, kids: [{ v: 2, kids: [] }] }
  t.equal(render(Type.Object({ a: Tree, b: Tree }), { a: tree, b: tree }), JSON.stringify({ a: tree, b: tree }))
  t.end()
})
