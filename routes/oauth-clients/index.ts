import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { uncached } from '../../src/schemas/headers.ts'
import { defaultLimit, pageHeaders } from '../../src/schemas/page.ts'
import { defaultOverlap } from '../../src/schemas/rotation.ts'
import { firsthand, requires } from '../../src/schemas/security.ts'
import {
  NewOAuthClient,
  OAuthClient,
  OAuthClientInput,
  OAuthClientParams,
  OAuthClientQuery,
  SecretRotation,
} from './schema.ts'

const tags = ['oauth-clients']
const security = requires('admin')
const writing = firsthand('admin')
const { link } = pageHeaders

/** OAuth clients: applications that may ask for access, by themselves or for users. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { clients } = fastify.oauth

  fastify.route({
    method: 'GET',
    url: '/oauth-clients',
    schema: {
      operationId: 'listOAuthClients',
      summary: 'List OAuth clients',
      description: 'A page of the clients, by id. With `createdBy`, those of one maker: they outlast its rights.',
      tags,
      security,
      querystring: OAuthClientQuery,
      response: { 200: Type.Array(OAuthClient, { description: 'A page of clients.' }) },
      responseHeaders: { link },
    },
    handler: ({ query }, reply) => reply.page(clients.page(query.limit ?? defaultLimit, query.cursor, query.createdBy)),
  })

  fastify.route({
    method: 'POST',
    url: '/oauth-clients',
    schema: {
      operationId: 'createOAuthClient',
      summary: 'Create an OAuth client',
      description: 'Makes a client, and shows the secret of a confidential one this once.',
      tags,
      security: writing,
      body: OAuthClientInput,
      response: { 201: NewOAuthClient },
      responseHeaders: uncached,
    },
    handler: async (request, reply) => {
      reply.code(201).header('cache-control', 'no-store')
      return clients.create(request.body, request)
    },
  })

  fastify.route({
    method: 'GET',
    url: '/oauth-clients/:id',
    schema: {
      operationId: 'getOAuthClient',
      summary: 'Get an OAuth client',
      description: 'What is known of a client, without its secret.',
      tags,
      security,
      params: OAuthClientParams,
      response: { 200: OAuthClient },
      problems: ['not-found'],
    },
    handler: ({ params }) => clients.get(params.id),
  })

  fastify.route({
    method: 'POST',
    url: '/oauth-clients/:id/rotate-secret',
    schema: {
      operationId: 'rotateOAuthClientSecret',
      summary: 'Rotate the secret of an OAuth client',
      description:
        'Gives a confidential client a new secret and shows it this once. The old one stays good for `overlap` seconds, a day unless said otherwise.',
      tags,
      security: writing,
      params: OAuthClientParams,
      body: SecretRotation,
      response: { 200: NewOAuthClient },
      responseHeaders: uncached,
      problems: ['not-found', 'conflict'],
    },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const { overlap = defaultOverlap } = request.body
      return clients.rotateSecret(request.params.id, overlap, request)
    },
  })

  fastify.route({
    method: 'DELETE',
    url: '/oauth-clients/:id',
    schema: {
      operationId: 'deleteOAuthClient',
      summary: 'Delete an OAuth client',
      description: 'Removes a client with all that was granted to it. Its tokens are refused within a second.',
      tags,
      security: writing,
      params: OAuthClientParams,
      response: { 204: Type.Null({ description: 'The client is deleted.' }) },
      problems: ['not-found', 'conflict'],
    },
    handler: async (request, reply) => {
      await clients.remove(request.params.id, request)
      return reply.code(204).send(null)
    },
  })
}

export default plugin
