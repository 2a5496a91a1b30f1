import fp from 'fastify-plugin'
import { securityHeaders } from '../src/contract/security-headers.ts'

/** Constants set by one hook: @fastify/helmet does the same at half the requests a second. */
export default fp(
  async (fastify) => {
    fastify.addHook('onRequest', (_request, reply, done) => {
      reply.headers(securityHeaders)
      done()
    })
  },
  { name: 'security-headers' },
)
