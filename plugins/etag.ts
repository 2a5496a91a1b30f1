import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { etagOf, matchesWeakly, versionsOf } from '../src/contract/etag.ts'
import { type Eventually, whenever } from '../src/contract/eventually.ts'
import type { Found, Versions } from '../src/storage/collection.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The versions that `If-Match` accepts; any, without the header. */
    ifMatch: () => Versions
  }
  interface FastifyReply {
    /** Sets the `ETag` and gives the value to send, or answers 304 where `If-None-Match` names it. */
    etag: <Value>(found: Eventually<Found<Value>>) => Eventually<Value>
  }
}

/** Versions as entity tags (RFC 9110 section 8.8.3). */
export default fp(
  async (fastify) => {
    fastify.decorateRequest('ifMatch', function ifMatch(this: FastifyRequest): Versions {
      const header = this.headers['if-match']
      return header === undefined ? 'any' : versionsOf(header)
    })
    fastify.decorateReply('etag', function etag<Value>(this: FastifyReply, found: Eventually<Found<Value>>) {
      return whenever(found, (current) => send(this, current))
    })
  },
  { name: 'etag' },
)

function send<Value>(reply: FastifyReply, { version, json }: Found<Value>): Value {
  const tag = etagOf(version)
  reply.header('etag', tag)
  const { method, headers } = reply.request
  const known = headers['if-none-match']
  if (known === undefined || (method !== 'GET' && method !== 'HEAD') || !matchesWeakly(known, tag)) return json
  reply.code(304).send()
  // A reply that has been sent may be returned in place of the value: Fastify waits for its end.
  return reply as Value
}
