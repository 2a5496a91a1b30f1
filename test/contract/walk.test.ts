import { Type } from '@sinclair/typebox'
import { test } from 'tap'
import { referenceOf } from '../../src/contract/walk.ts'
import { reference } from '../../src/schemas/id.ts'

test('what a key names, also where it may name nothing', (t) => {
  const key = reference('getUser', 'The user who wrote it.')
  t.equal(referenceOf(key), 'getUser')
  t.equal(referenceOf(Type.Union([key, Type.Null()])), 'getUser')
  t.equal(referenceOf(Type.Union([Type.Null(), key])), 'getUser')
  t.equal(referenceOf(Type.Union([Type.Integer(), Type.Null()], { 'x-operation': 'getUser' })), 'getUser')
  t.equal(referenceOf(Type.Union([key, reference('getPost', 'The post.')])), undefined)
  t.equal(referenceOf(Type.Null()), undefined)
  t.equal(referenceOf(Type.Integer()), undefined)
  t.end()
})
