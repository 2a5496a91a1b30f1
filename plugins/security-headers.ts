import fp from 'fastify-plugin'

/**
 * What OWASP's REST cheat sheet asks of every answer. Constants set by one hook: @fastify/helmet does the same
 * at half the requests a second, since it builds its directives for each.
 */
const headers = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

export default fp(
  async (fastify) => {
    fastify.addHook('onRequest', (_request, reply, done) => {
      reply.headers(headers)
      done()
    })
  },
  { name: 'security-headers' },
)
