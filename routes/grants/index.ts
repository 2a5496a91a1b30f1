import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { signedIn } from '../../src/schemas/security.ts'
import { Grant, GrantParams } from './schema.ts'

const tags = ['grants']

/** What the caller has allowed applications of others. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { grants } = fastify.oauth

  fastify.route({
    method: 'GET',
    url: '/me/grants',
    schema: {
      operationId: 'listGrants',
      summary: 'List grants',
      description:
        'What the caller has allowed applications of others, as far as it is in force; one entry an application.',
      tags,
      security: signedIn(),
      response: { 200: Type.Array(Grant, { description: 'Grants of the caller.' }) },
    },
    handler: ({ principal }) => grants.list(principal.userId ?? 0),
  })

  fastify.route({
    method: 'DELETE',
    url: '/me/grants/:id',
    schema: {
      operationId: 'withdrawGrant',
      summary: 'Withdraw a grant',
      description:
        'Takes back all that an application was allowed, in whatever browser. Within a second its tokens open nothing.',
      tags,
      security: signedIn(),
      params: GrantParams,
      response: { 204: Type.Null({ description: 'The grant is withdrawn.' }) },
      problems: ['not-found'],
    },
    handler: async (request, reply) => {
      await grants.withdraw(request.params.id, request.principal.userId ?? 0, request)
      return reply.code(204).send(null)
    },
  })
}

export default plugin
