import fp from 'fastify-plugin'
import { Problem } from '../src/errors.ts'
import { EventLoopDelay } from '../src/event-loop-delay.ts'

/** Sheds load while the event loop is late, so that what is accepted is still answered in time. */
export default fp(
  async (fastify) => {
    const limit = fastify.config.MAX_EVENT_LOOP_DELAY
    if (limit === 0) return
    const delay = new EventLoopDelay()
    fastify.addHook('onReady', async () => delay.start())
    fastify.addHook('onClose', async () => delay.stop())
    fastify.addHook('onRequest', (request, _reply, done) => {
      if (delay.current <= limit || isForOperators(request.url)) return done()
      return done(new Problem('unavailable', 'The server is overloaded', { headers: { 'retry-after': '1' } }))
    })
  },
  { name: 'overload', dependencies: ['problems', 'security-headers'] },
)

/** An orchestrator must not kill a process for being busy, nor metrics stop when they matter. */
function isForOperators(url: string): boolean {
  return url.startsWith('/health/') || url.startsWith('/metrics')
}
