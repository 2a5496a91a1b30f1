import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { uncached } from '../src/schemas/headers.ts'
import { requires } from '../src/schemas/security.ts'

const DigestPassword = Type.Object(
  {
    username: Type.String({ description: 'Id of the key.', examples: ['3fk0Qm9ZtB7x'] }),
    password: Type.String({
      description: 'What digests are made with; good until the key is rotated or revoked.',
      examples: ['qhNqYV9Cq0pTgnQn3cZ7mJ3vR5tD8wX2bK6fL1sE4yA'],
    }),
  },
  { $id: 'DigestPassword', additionalProperties: false, description: 'Name and password of a UsernameToken.' },
)

/** What a key's holder needs for WS-Security's PasswordDigest. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  fastify.route({
    method: 'GET',
    url: '/me/digest-password',
    schema: {
      operationId: 'getDigestPassword',
      summary: 'Get the password of digests',
      description:
        'For SOAP clients that send a UsernameToken with PasswordDigest: the password that the calling API key makes digests with. It is derived, and stored nowhere.',
      tags: ['digests'],
      security: requires(),
      response: { 200: DigestPassword },
      responseHeaders: uncached,
    },
    handler: async ({ principal }, reply) => {
      reply.header('cache-control', 'no-store')
      return fastify.digests.passwordOf(principal)
    },
  })
}

export default plugin
