/** A second operation that is live: what it tells is no event of the log. */

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { pageHeaders, pageQuery } from '../../../src/schemas/page.ts'
import { open } from '../../../src/schemas/security.ts'

const Tick = Type.Object(
  { number: Type.Integer({ minimum: 1, maximum: 1000, examples: [1] }) },
  { $id: 'Tick', additionalProperties: false, description: 'A tick.' },
)
const item = (sequence: number) => ({ sequence, text: JSON.stringify({ number: sequence }) })

const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  fastify.route({
    method: 'GET',
    url: '/ticks',
    schema: {
      operationId: 'listTicks',
      summary: 'List ticks',
      description: 'A page of ticks; as a stream, three from the cursor on, then it is over.',
      tags: ['tests'],
      live: true,
      security: open,
      querystring: Type.Object(pageQuery, { additionalProperties: false }),
      response: { 200: Type.Array(Tick, { description: 'A page of ticks.' }) },
      responseHeaders: { link: pageHeaders.link },
    },
    handler: ({ query: { cursor = '0' } }, reply) => {
      if (!reply.wantsStream()) return reply.page({ items: [{ number: 1 }], next: undefined })
      const after = Number(cursor)
      return reply.stream(async () => ({
        after,
        async *parts() {
          for (const sequence of [1, 2, 3].map((number) => after + number))
            yield { items: [item(sequence)], seen: sequence }
          throw fastify.problem('gone', 'There are no more ticks')
        },
      }))
    },
  })
}

export default plugin
