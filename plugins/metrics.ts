import fp from 'fastify-plugin'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { RequestDurations } from '../src/request-durations.ts'

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Registry
  }
}

/** Prometheus metrics: the process, and the duration of every request by route and status. */
export default fp(
  async (fastify) => {
    const registry = new Registry()
    collectDefaultMetrics({ register: registry })
    const durations = new RequestDurations(registry)
    fastify.decorate('metrics', registry)
    fastify.addHook('onResponse', (request, reply, done) => {
      durations.observe(request.method, request.routeOptions.url ?? 'none', reply.statusCode, reply.elapsedTime)
      done()
    })
  },
  { name: 'metrics' },
)
