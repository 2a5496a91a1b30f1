import fp from 'fastify-plugin'
import { Events } from '../src/events/events.ts'
import { Feed } from '../src/events/feed.ts'
import { EventLog } from '../src/events/log.ts'

declare module 'fastify' {
  interface FastifyInstance {
    events: Events
  }
}

const day = 86_400_000

/** What changes tell, to be read and listened to; and its retention. */
export default fp(
  async (fastify) => {
    const { storage, config } = fastify
    const log = new EventLog(storage.engine, () => fastify.publicUrl())
    const feed = new Feed(log, (error) => fastify.log.warn({ err: error }, 'events could not be read'))
    const events = new Events(log, feed)
    fastify.decorate('events', events)
    fastify.hourly(() => log.forgetAfter(config.EVENT_DAYS * day), 'old events stay')
    fastify.addHook('onReady', async () => {
      events.declare(storage.eventTypes)
      storage.engine.watch(() => feed.wake())
      await feed.start()
    })
    fastify.addHook('preClose', () => feed.close())
  },
  { name: 'events', dependencies: ['storage', 'hourly', 'public-url'] },
)
