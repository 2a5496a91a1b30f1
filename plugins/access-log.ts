import fp from 'fastify-plugin'
import { accessLine } from '../src/access-line.ts'
import type { Log } from '../src/logger.ts'

/** One line a request, as `ACCESS_LOG` says. The query is left out: it may hold what is not for logs. */
export default fp<{ log: Log }>(
  async (fastify, { log }) => {
    const { ACCESS_LOG, LOG_LEVEL } = fastify.config
    if (ACCESS_LOG === 'off' || !['trace', 'debug', 'info'].includes(LOG_LEVEL)) return
    fastify.addHook('onResponse', (request, reply, done) => {
      const { statusCode } = reply
      const wanted = ACCESS_LOG === 'all' || statusCode >= 400
      if (wanted && !request.carrier?.isSpokenFor(statusCode)) log.write(accessLine(request, reply))
      done()
    })
  },
  { name: 'access-log', dependencies: ['carrier'] },
)
