import underPressure from '@fastify/under-pressure'
import fp from 'fastify-plugin'
import { Problem } from '../src/errors.ts'

const retryAfter = { 'retry-after': '1' }

/** Sheds load while the event loop is late, so that what is accepted is still answered in time. */
export default fp(
  async (fastify) => {
    if (fastify.config.MAX_EVENT_LOOP_DELAY === 0) return
    await fastify.register(underPressure, {
      maxEventLoopDelay: fastify.config.MAX_EVENT_LOOP_DELAY,
      sampleInterval: 250,
      pressureHandler(request) {
        // An orchestrator must not kill a process for being busy.
        if (request.url.startsWith('/health/') || request.url === '/metrics') return
        throw new Problem('unavailable', 'The server is overloaded', { headers: retryAfter })
      },
    })
  },
  { name: 'overload', dependencies: ['problems'] },
)
