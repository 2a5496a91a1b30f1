import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { open } from '../../../../src/schemas/security.ts'

/** What the handlers of this file have seen. */
export const seen: string[] = []

const common = { tags: ['waiting'], security: open }
const Value = Type.Object({ value: Type.String() }, { $id: 'Waited', additionalProperties: false })

/** Operations that take their time. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  fastify.route({
    method: 'GET',
    url: '/waiting/a-while',
    schema: {
      operationId: 'waitAWhile',
      summary: 'Wait',
      description: 'Answers after a time.',
      ...common,
      querystring: Type.Object(
        { time: Type.Integer({ minimum: 0, maximum: 10_000 }) },
        { additionalProperties: false },
      ),
      response: { 200: Value },
    },
    handler: async ({ query }) => {
      await sleep(query.time)
      return { value: 'waited' }
    },
  })

  fastify.route({
    method: 'GET',
    url: '/waiting/for-abort',
    schema: {
      operationId: 'waitForAbort',
      summary: 'Wait',
      description: 'Never answers.',
      ...common,
      response: { 200: Value },
    },
    handler: async ({ signal }) => {
      seen.push('begun')
      await once(signal, 'abort')
      seen.push('aborted')
      return { value: 'aborted' }
    },
  })
}

export default plugin
