import type { FastifyReply, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { Carrier } from '../src/contract/carrier.ts'
import { signalOf } from '../src/contract/gone.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route of a wire: its requests carry calls, which are logged and counted in its place. */
    carrier?: boolean
  }
  interface FastifyRequest {
    /** On the routes of wires. */
    carrier: Carrier | undefined
  }
  interface FastifyReply {
    /** For the calls that the request carries: aborts when its client has gone before the answer. */
    signalOfClient: () => () => AbortSignal
  }
}

/** The routes of wires say `config: { carrier: true }`. */
export default fp(
  async (fastify) => {
    fastify.decorateRequest('carrier', undefined)
    fastify.decorateReply('signalOfClient', function signalOfClient(this: FastifyReply) {
      return signalOf(this.raw)
    })
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
