import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Eventually } from '../src/contract/eventually.ts'
import { type Once, readOnce } from '../src/contract/idempotency.ts'
import type { Created } from '../src/storage/collection.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the `Idempotency-Key` header asks for, to be handed to the write; nothing without it. */
    once: () => Once | undefined
  }
  interface FastifyReply {
    /** Answers 201 with `Location` and `ETag`, or repeats the stored reply of the same key. */
    created: <Value>(path: string, created: Created<Value>) => Eventually<Value>
  }
}

/** Creation that a repeated request cannot repeat (draft-ietf-httpapi-idempotency-key-header). */
export default fp(
  async (fastify) => {
    fastify.decorateRequest('once', function once(this: FastifyRequest): Once | undefined {
      const header = this.headers['idempotency-key']
      if (header === undefined) return undefined
      const scope = `${this.routeOptions.schema?.operationId} ${this.principal.id}`
      return readOnce(String(header), scope, this.body)
    })
    fastify.decorateReply('created', function created<Value>(this: FastifyReply, path: string, result: Created<Value>) {
      this.code(201).header('location', `${path}/${result.id}`)
      if (result.replayed) this.header('idempotent-replayed', 'true')
      return this.etag(result)
    })
  },
  { name: 'idempotency', dependencies: ['etag', 'access'] },
)
