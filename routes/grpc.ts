import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { open } from '../src/schemas/security.ts'

/** The services of gRPC as a text. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  fastify.get('/contracts/service.proto', { schema: { hide: true, security: open } }, async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(fastify.grpc.proto),
  )
}

export default plugin
