import fp from 'fastify-plugin'
import { loopbackNames } from '../src/config.ts'
import { Problem } from '../src/errors.ts'

const loopback = new RegExp(`^(?:${loopbackNames}|\\[::1\\])(?::\\d+)?$`)

/**
 * Answers only as a loopback host: without access control, a web page whose name is rebound to 127.0.0.1 would be
 * of the API's own origin (DNS rebinding).
 */
export default fp(
  async (fastify) => {
    fastify.addHook('onRequest', ({ headers }, _reply, done) => {
      if (loopback.test(headers.host ?? '')) return done()
      return done(new Problem('misdirected-request', 'This server answers on loopback addresses only'))
    })
  },
  { name: 'host', dependencies: ['problems', 'security-headers'] },
)
