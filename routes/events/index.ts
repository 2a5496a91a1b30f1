import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { headers } from '../../src/schemas/headers.ts'
import { defaultLimit, pageHeaders } from '../../src/schemas/page.ts'
import { requires } from '../../src/schemas/security.ts'
import { Event, EventQuery } from './schema.ts'

const { link } = pageHeaders

const lastEventId = {
  'last-event-id': Type.Optional(
    Type.String({ maxLength: 16, description: 'Of a stream: `sequence` of the last event that was seen.' }),
  ),
}

/** What has happened: by the page, or as it happens. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { events } = fastify

  fastify.route({
    method: 'GET',
    url: '/events',
    schema: {
      operationId: 'listEvents',
      summary: 'List events',
      description:
        'A page of events that the caller may see, the oldest first. With `Accept: text/event-stream`, the events from now on, or from the cursor on, as they happen.',
      tags: ['events'],
      live: true,
      security: requires('events:read'),
      querystring: EventQuery,
      headers: headers(lastEventId),
      response: { 200: Type.Array(Event, { description: 'A page of events.' }) },
      responseHeaders: { link },
      problems: ['gone'],
    },
    handler: (request, reply) => {
      const { limit = defaultLimit, ...query } = request.query
      const { 'last-event-id': cursor = query.cursor } = request.headers
      if (reply.wantsStream()) return reply.stream((listener) => events.follow(listener, { ...query, cursor }))
      return reply.page(events.page<typeof Event.static>(request.principal, { limit, ...query }))
    },
  })
}

export default plugin
