/** Operations whose answers a test times and sizes. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { open } from '../../../../src/schemas/security.ts'

/** What came of the calls so far. */
export const seen = { begun: 0, aborted: 0, filled: 0, onFilled: () => {} }

const about = { description: 'For tests.', tags: ['tests'], security: open }
const strict = { additionalProperties: false }

const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  fastify.route({
    method: 'GET',
    url: '/wait',
    schema: {
      ...about,
      operationId: 'wait',
      summary: 'Wait',
      querystring: Type.Object({ ms: Type.Integer() }, strict),
      response: { 200: Type.Object({ waited: Type.Integer() }, { $id: 'Waited', ...strict }) },
    },
    handler: async ({ query: { ms }, signal }) => {
      seen.begun += 1
      signal.addEventListener('abort', () => {
        seen.aborted += 1
      })
      await sleep(ms)
      return { waited: ms }
    },
  })
  fastify.route({
    method: 'GET',
    url: '/fill',
    schema: {
      ...about,
      operationId: 'fill',
      summary: 'Fill',
      querystring: Type.Object({ length: Type.Integer() }, strict),
      response: { 200: Type.Object({ text: Type.String() }, { $id: 'Filled', ...strict }) },
    },
    handler: async ({ query: { length } }) => {
      seen.filled += 1
      seen.onFilled()
      return { text: 'x'.repeat(length) }
    },
  })
}

export default plugin
