import type { FastifyInstance } from 'fastify'
import { requires } from '../src/schemas/security.ts'

/** Metrics in the text format that Prometheus reads. */
export default async function metrics(fastify: FastifyInstance) {
  fastify.route({
    method: 'GET',
    url: '/metrics',
    schema: { hide: true, security: requires('metrics:read') },
    handler: async (_request, reply) => {
      reply.type(fastify.metrics.contentType)
      return fastify.metrics.metrics()
    },
  })
}
