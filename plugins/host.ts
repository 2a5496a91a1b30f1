import fp from 'fastify-plugin'
import { isLoopback, loopbackNames } from '../src/config.ts'
import { Problem } from '../src/errors.ts'

const loopback = new RegExp(`^(?:${loopbackNames}|\\[::1\\])(?::\\d+)?$`)

/**
 * A server on loopback answers only under a loopback name, or that of `PUBLIC_URL`: anonymous callers may hold scopes
 * there, and a web page whose name is rebound to 127.0.0.1 would be of the API's own origin (DNS rebinding).
 */
export default fp(
  async (fastify) => {
    const { config } = fastify
    if (!isLoopback(config)) return
    const published = config.PUBLIC_URL === undefined ? [] : hostsOf(new URL(config.PUBLIC_URL))
    fastify.addHook('onRequest', ({ headers }, _reply, done) => {
      const { host = '' } = headers
      if (loopback.test(host) || published.includes(host.toLowerCase())) return done()
      return done(new Problem('misdirected-request', 'This server answers on loopback addresses and PUBLIC_URL only'))
    })
  },
  { name: 'host', dependencies: ['problems', 'security-headers'] },
)

/** A URL's host with and without the default port. */
function hostsOf({ host, hostname, protocol }: URL): string[] {
  return host === hostname ? [host, `${host}:${protocol === 'https:' ? 443 : 80}`] : [host]
}
