import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { accessOf, refusalOf } from '../src/contract/access.ts'
import type { Authenticators } from '../src/contract/authenticators.ts'
import { InMemoryRequest } from '../src/contract/exchange.ts'
import { acceptsEventStream, eventStreamHeaders, ServerSentEvents } from '../src/contract/server-sent.ts'
import type { Listener, Stream } from '../src/contract/stream.ts'

declare module 'fastify' {
  interface FastifyReply {
    /** Whether the caller asks for what happens, as it happens. */
    wantsStream: () => boolean
    /** Answers with a stream: to a call of another wire as it is, over HTTP as `text/event-stream`. */
    stream: (open: (listener: Listener) => Promise<Stream>) => Promise<never>
  }
}

/** Operations whose schema says `live` answer with pages, or with what happens from then on. */
export default fp(
  async (fastify) => {
    fastify.decorateReply('wantsStream', function wantsStream(this: FastifyReply) {
      const { raw, headers } = this.request
      return raw instanceof InMemoryRequest ? raw.carried.follows : acceptsEventStream(headers.accept)
    })
    fastify.decorateReply('stream', async function answer(this: FastifyReply, open) {
      const { raw } = this.request
      const stream = await open(listenerOf(fastify.access, this.request))
      this.headers(eventStreamHeaders)
      if (!(raw instanceof InMemoryRequest)) return this.send(new ServerSentEvents(stream)) as never
      raw.stream = stream
      return this.send('') as never
    })
  },
  { name: 'live', dependencies: ['access'] },
)

/** Keeps of a request what it takes to know its caller again. */
function listenerOf(access: Authenticators, { principal, headers, routeOptions }: FastifyRequest): Listener {
  const declared = accessOf(routeOptions as never)
  return {
    principal,
    async again() {
      const now = await access.principalOf(headers)
      const refusal = declared && refusalOf(declared, now)
      if (refusal) throw refusal
      return now
    },
  }
}
