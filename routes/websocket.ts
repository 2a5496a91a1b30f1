import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { open } from '../src/schemas/security.ts'

/** Where WebSockets are opened, and what can be said there. Open: each message is checked as a request is, and a wrong credential is told at once. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { access, jsonRpc, webSockets } = fastify

  fastify.route({
    method: 'GET',
    url: '/ws',
    exposeHeadRoute: false,
    config: { webSocket: true },
    schema: { hide: true, security: open },
    handler: async (request, reply) => {
      webSockets.check(request, jsonRpc)
      await access.principalOf(request.headers)
      webSockets.accept(request, reply, jsonRpc)
      return reply
    },
  })

  fastify.get('/contracts/asyncapi.yaml', { schema: { hide: true, security: open } }, async (_request, reply) =>
    reply.type('application/yaml').send(webSockets.document),
  )
}

export default plugin
