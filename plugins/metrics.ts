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
    const unrouted = durations.observer('none')
    fastify.decorate('metrics', registry)
    fastify.addHook('onRoute', (route) => {
      const observe = durations.observer(route.url)
      route.onResponse = [
        (request, reply, done) => {
          const { statusCode } = reply
          if (!request.carrier?.isSpokenFor(statusCode)) observe(request.method, statusCode, reply.elapsedTime)
          done()
        },
        ...[route.onResponse ?? []].flat(),
      ]
    })
    fastify.addHook('onResponse', (request, reply, done) => {
      if (request.is404) unrouted('ANY', reply.statusCode, reply.elapsedTime)
      done()
    })
  },
  { name: 'metrics', dependencies: ['carrier'] },
)
