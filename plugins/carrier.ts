import type { onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { Carrier } from '../src/contract/carrier.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route of a wire: its requests carry calls, which are logged and counted in its place. */
    carrier?: boolean
  }
  interface FastifyRequest {
    /** On the routes of wires. */
    carrier: Carrier | undefined
  }
}

/** The routes of wires say `config: { carrier: true }`. */
export default fp(
  async (fastify) => {
    fastify.decorateRequest('carrier', undefined)
    fastify.addHook('onRoute', (route) => {
      if (route.config?.carrier) route.onRequest = [enter, ...[route.onRequest ?? []].flat()]
    })
  },
  { name: 'carrier' },
)

const enter: onRequestHookHandler = (request, _reply, done) => {
  request.carrier = new Carrier(request.raw.socket)
  done()
}
