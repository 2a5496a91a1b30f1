import type { FastifyInstance } from 'fastify'
import { open } from '../src/schemas/security.ts'

const status = (text: string) => ({ status: text })

/** For orchestrators: whether the process runs, and whether it should get requests. */
export default async function health(fastify: FastifyInstance) {
  fastify.route({
    method: 'GET',
    url: '/health/live',
    schema: { hide: true, security: open },
    handler: async () => status('live'),
  })

  fastify.route({
    method: 'GET',
    url: '/health/ready',
    schema: { hide: true, security: open },
    handler: async () => {
      if (fastify.shutdown.started) throw fastify.problem('unavailable', 'The server is stopping')
      await fastify.storage.engine.ping().catch((cause: unknown) => {
        throw fastify.problem('unavailable', 'The database does not answer', { cause })
      })
      return status('ready')
    },
  })
}
