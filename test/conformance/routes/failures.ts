import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { catalogue, Problem, type ProblemCode } from '../../../src/errors.ts'
import { Enum } from '../../../src/schemas/enum.ts'
import { open } from '../../../src/schemas/security.ts'

const common = { summary: 'Fail', description: 'Fails.', tags: ['shapes'], security: open }
const Value = Type.Object({ value: Type.String() }, { $id: 'Value', additionalProperties: false })
const Code = Enum(Object.keys(catalogue) as ProblemCode[], { $id: 'Code' })

/** Each way to fail. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  fastify.route({
    method: 'GET',
    url: '/failures',
    schema: {
      operationId: 'failWith',
      ...common,
      querystring: Type.Object({ code: Code }, { additionalProperties: false }),
      response: { 200: Value },
    },
    handler: async ({ query: { code } }) => {
      const errors = [{ in: 'body' as const, pointer: '/a/0', detail: 'is – wrong' }]
      throw new Problem(code, `Met ${code}, “so”`, {
        headers: { 'retry-after': '7' },
        ...(code === 'validation-failed' && { errors }),
      })
    },
  })

  const failing = (operationId: string, fail: () => Promise<never>, handlerTimeout?: number) =>
    fastify.route({
      method: 'GET',
      url: `/failures/${operationId}`,
      schema: { operationId, ...common, response: { 200: Value } },
      handler: fail,
      ...(handlerTimeout !== undefined && { handlerTimeout }),
    })
  failing('failInternally', async () => {
    throw new Error('a secret cause')
  })
  failing('failStrangely', async () => {
    throw Object.assign(new Error('a secret cause'), { statusCode: 200, code: 'ERR', errors: ['a secret cause'] })
  })
  failing('failAsTeapot', async () => {
    throw Object.assign(new Error('I am a teapot'), { statusCode: 418 })
  })
  failing('failLate', () => new Promise<never>(() => {}), 30)
}

export default plugin
