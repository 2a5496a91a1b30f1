import { Type } from '@sinclair/typebox'
import { test } from 'tap'
import { validatorCompiler } from '../../src/contract/validator.ts'

function judge(schema: object, value: unknown): string[] {
  const validate = validatorCompiler({ schema, httpPart: 'body', method: 'POST', url: '/' }) as unknown as {
    (value: unknown): boolean
    errors?: { instancePath: string }[] | null
  }
  return validate(value) ? [] : (validate.errors ?? []).map(({ instancePath }) => instancePath)
}

test('a schema that is used twice in one body, or within itself, may have a name', (t) => {
  const Own = Type.Object({ $id: Type.String() }, { $id: 'Own', additionalProperties: false })
  const body = Type.Object({ a: Own, b: Own })
  t.same(judge(body, { a: { $id: 'x' }, b: { $id: 'y' } }), [])
  t.same(judge(body, { a: { $id: 'x' }, b: { $id: 1 } }), ['/b/$id'])
  const Tree = Type.Recursive((This) => Type.Object({ v: Type.Number(), kids: Type.Array(This) }))
  const leaf = { v: 1, kids: [] }
  t.same(judge(Type.Object({ a: Tree, b: Tree }), { a: leaf, b: { v: 1, kids: [leaf, { v: '2', kids: [] }] } }), [
    '/b/kids/1/v',
  ])
  t.end()
})

test('a body that refers to itself by name is compiled for each route that has one', (t) => {
  for (const type of [Type.Number(), Type.String()]) {
    const body = Type.Recursive((This) => Type.Object({ v: type, kids: Type.Array(This) }), { $id: 'Branch' })
    const [good, bad] = type.type === 'number' ? [1, 'x'] : ['x', 1]
    t.same(judge(body, { v: good, kids: [{ v: good, kids: [] }] }), [])
    t.same(judge(body, { v: good, kids: [{ v: bad, kids: [] }] }), ['/kids/0/v'])
  }
  t.end()
})

test('a schema that two routes have is compiled once for each part of a request', (t) => {
  const schema = Type.Object({ id: Type.Integer() })
  const of = (httpPart: string) => validatorCompiler({ schema, httpPart, method: 'GET', url: '/' })
  t.equal(of('params'), of('params'))
  t.equal(of('body'), of('body'))
  t.not(of('params'), of('body'))
  t.ok(of('params')({ id: '1' }), 'what a URL says is coerced')
  t.notOk(of('body')({ id: '1' }), 'what a body says is not')
  t.end()
})
