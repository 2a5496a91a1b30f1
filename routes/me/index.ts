import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from '@sinclair/typebox'
import { requires } from '../../src/schemas/security.ts'
import { Me } from './schema.ts'

/** Who the caller is. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  fastify.route({
    method: 'GET',
    url: '/me',
    schema: {
      operationId: 'getMe',
      summary: 'Get the caller',
      description: 'Who the credential stands for, and what it allows.',
      tags: ['me'],
      security: requires(),
      response: { 200: Me },
    },
    handler: async ({ principal }) => {
      const { id, scopes, userId } = principal
      const kind = principal.kind as Static<typeof Me>['kind']
      const user = userId === undefined ? undefined : await fastify.accounts.profile(userId)
      return { kind, id, scopes: [...scopes].sort(), ...(user && { user }) }
    },
  })
}

export default plugin
