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
