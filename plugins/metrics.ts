import fp from 'fastify-plugin'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { RequestDurations } from '../src/request-durations.ts'

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Registry
  }
}

/** A call of another wire says which. */
interface Carrying {
  carried?: { wire: string | undefined }
}

/** Prometheus metrics: the process, and the duration of every request by wire, route and status. */
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
          const { carried } = request.raw as Carrying
          const wire = carried?.wire ?? 'rest'
          if (!request.carrier?.isSpokenFor(statusCode)) observe(wire, request.method, statusCode, reply.elapsedTime)
          done()
        },
        ...[route.onResponse ?? []].flat(),
      ]
    })
    fastify.addHook('onResponse', (request, reply, done) => {
      if (request.is404) unrouted('rest', 'ANY', reply.statusCode, reply.elapsedTime)
      done()
    })
  },
  { name: 'metrics', dependencies: ['carrier'] },
)
