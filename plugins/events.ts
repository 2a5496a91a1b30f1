import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { accessOf, refusalOf } from '../src/contract/access.ts'
import { type EventFilter, Events } from '../src/events/events.ts'
import { Feed } from '../src/events/feed.ts'
import { EventLog } from '../src/events/log.ts'
import { EventStream, eventStreamHeaders } from '../src/events/server-sent.ts'

declare module 'fastify' {
  interface FastifyInstance {
    events: Events
  }
  interface FastifyReply {
    /** Whether the caller asks for events as they happen. */
    wantsEventStream: () => boolean
    /** Answers with events as they happen, from the cursor on; none that happened before without one. */
    eventStream: (query: EventFilter & { cursor?: string | undefined }) => Promise<never>
  }
}

const day = 86_400_000

/** What changes tell, to be read and listened to; and its retention. */
export default fp(
  async (fastify) => {
    const { storage, config, access } = fastify
    const log = new EventLog(storage.engine, () => fastify.publicUrl())
    const feed = new Feed(log, (error) => fastify.log.warn({ err: error }, 'events could not be read'))
    const events = new Events(log, feed)
    fastify.decorate('events', events)
    fastify.decorateReply('wantsEventStream', function wantsEventStream(this: FastifyReply) {
      return /\btext\/event-stream\b/i.test(this.request.headers.accept ?? '')
    })
    fastify.decorateReply('eventStream', async function stream(this: FastifyReply, query) {
      const { headers, principal, routeOptions } = this.request
      const declared = accessOf(routeOptions as never)
      const check = async () => {
        const refusal = declared && refusalOf(declared, await access.principalOf(headers))
        if (refusal) throw refusal
      }
      const selects = events.selects(principal, query)
      const from = headers['last-event-id']?.toString() ?? query.cursor
      const after = from === undefined ? feed.newest : await events.position(from)
      return this.headers(eventStreamHeaders).send(new EventStream(feed, { after, selects, check })) as never
    })
    fastify.hourly(() => log.forgetAfter(config.EVENT_DAYS * day), 'old events stay')
    fastify.addHook('onReady', async () => {
      events.declare(storage.eventTypes)
      storage.engine.watch(() => feed.wake())
      await feed.start()
    })
    fastify.addHook('preClose', () => feed.close())
  },
  { name: 'events', dependencies: ['storage', 'hourly', 'public-url', 'access'] },
)
