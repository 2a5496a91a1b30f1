import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { open } from '../src/schemas/security.ts'

/** Where the links of messages lead to: pages that send what the person types to the operation of the same path. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  for (const [url, { page, headers }] of Object.entries(fastify.messagePages)) {
    fastify.get(url, { schema: { hide: true, security: open } }, async (_request, reply) =>
      reply.headers(headers).send(page),
    )
  }
}

export default plugin
