import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { open } from '../src/schemas/security.ts'

/** Open: each field is checked as the request of its operation is. */
const schema = { hide: true, security: open }
const config = { carrier: true }

/** GraphQL, and its schema as a text. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { access, graphqlSocket, takeGraphQL: onRequest, webSockets } = fastify

  fastify.route({
    method: 'GET',
    url: '/graphql',
    exposeHeadRoute: false,
    config: { ...config, webSocket: true },
    schema,
    onRequest,
    // The hook has answered what is no upgrade.
    handler: async (request, reply) => {
      webSockets.check(request, graphqlSocket)
      await access.principalOf(request.headers)
      webSockets.accept(request, reply, graphqlSocket)
      return reply
    },
  })
  // Fastify wants a handler; the hook has answered before.
  fastify.route({ method: 'POST', url: '/graphql', config, schema, onRequest, handler: () => {} })
  fastify.get('/contracts/schema.graphql', { schema }, async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(fastify.graphql.sdl),
  )
}

export default plugin
