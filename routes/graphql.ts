import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { open } from '../src/schemas/security.ts'

/** Open: each field is checked as the request of its operation is. */
const schema = { hide: true, security: open }
const config = { carrier: true }

/** GraphQL, and its schema as a text. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { takeGraphQL: onRequest } = fastify
  // Fastify wants a handler; the hook has answered before.
  const handler = () => {}

  fastify.route({ method: 'GET', url: '/graphql', exposeHeadRoute: false, config, schema, onRequest, handler })
  fastify.route({ method: 'POST', url: '/graphql', config, schema, onRequest, handler })
  fastify.get('/contracts/schema.graphql', { schema }, async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(fastify.graphql.sdl),
  )
}

export default plugin
