import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { type Eventually, whenever } from '../src/contract/eventually.ts'
import { nextLink, prefersCount } from '../src/contract/pagination.ts'
import type { Page } from '../src/storage/collection.ts'

declare module 'fastify' {
  interface FastifyReply {
    /** Sets `Link` to the next page (RFC 8288), and the total where the caller prefers one (RFC 7240). */
    page: <Value>(page: Eventually<Page<Value>>, count?: () => Promise<number>) => Eventually<Value[]>
  }
}

/** Keyset pages as arrays with a `Link` header. */
export default fp(
  async (fastify) => {
    fastify.decorateReply('page', function page<
      Value,
    >(this: FastifyReply, found: Eventually<Page<Value>>, count?: () => Promise<number>) {
      return whenever(found, (current) => send(this, current, count))
    })
  },
  { name: 'pagination' },
)

function send<Value>(
  reply: FastifyReply,
  { items, next }: Page<Value>,
  count?: () => Promise<number>,
): Eventually<Value[]> {
  if (next !== undefined) reply.header('link', nextLink(reply.request.url, next))
  const { prefer } = reply.request.headers
  if (count === undefined || prefer === undefined || !prefersCount(prefer)) return items
  return count().then((total) => {
    reply.header('preference-applied', 'count=exact').header('x-total-count', total)
    return items
  })
}
