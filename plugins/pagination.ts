import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { nextLink, prefersCount } from '../src/contract/pagination.ts'
import type { Page } from '../src/storage/collection.ts'

declare module 'fastify' {
  interface FastifyReply {
    /** Sets `Link` to the next page (RFC 8288), and the total where the caller prefers one (RFC 7240). */
    page: <Value>(page: Page<Value>, count: () => Promise<number>) => Promise<Value[]>
  }
}

/** Keyset pages as arrays with a `Link` header. */
export default fp(
  async (fastify) => {
    fastify.decorateReply('page', async function page<
      Value,
    >(this: FastifyReply, { items, next }: Page<Value>, count: () => Promise<number>) {
      if (next !== undefined) this.header('link', nextLink(this.request.url, next))
      const { prefer } = this.request.headers
      if (prefer !== undefined && prefersCount(prefer)) {
        this.header('preference-applied', 'count=exact').header('x-total-count', await count())
      }
      return items
    })
  },
  { name: 'pagination' },
)
