import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { createdHeaders, etag, headers, idempotencyKey, ifMatch, ifNoneMatch } from '../../src/schemas/headers.ts'
import { defaultLimit, pageHeaders, preferHeader } from '../../src/schemas/page.ts'
import { requires } from '../../src/schemas/security.ts'
import { userCollection } from './collection.ts'
import { User, UserDetail, UserInput, UserParams, UserPatch, UserQuery } from './schema.ts'

const tags = ['users']
const reading = requires('users:read')
const writing = requires('users:write')

/** The users resource: pages, one user, and every change to it. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const users = fastify.storage.collection(userCollection)

  fastify.route({
    method: 'GET',
    url: '/users',
    schema: {
      operationId: 'listUsers',
      summary: 'List users',
      description: 'A page of users. Follow the `Link` header with `rel="next"` until it is absent.',
      tags,
      security: reading,
      querystring: UserQuery,
      headers: headers(preferHeader),
      response: { 200: Type.Array(User, { description: 'A page of users.' }) },
      responseHeaders: pageHeaders,
    },
    handler: ({ query }, reply) => {
      const { limit = defaultLimit, cursor, sort, ids, name, email } = query
      const filter = { id: ids, name, email }
      return reply.page(users.page(User, { limit, cursor, sort, filter }), () => users.count(filter))
    },
  })

  fastify.route({
    method: 'POST',
    url: '/users',
    schema: {
      operationId: 'createUser',
      summary: 'Create a user',
      description: 'Adds a user. With `Idempotency-Key`, a request that is sent again creates nothing twice.',
      tags,
      security: writing,
      headers: headers(idempotencyKey),
      body: UserInput,
      response: { 201: UserDetail },
      responseHeaders: createdHeaders,
      problems: ['conflict', 'idempotency-key-reused'],
    },
    handler: async (request, reply) =>
      reply.created('/users', await users.insert(UserDetail, request.body, request.once())),
  })

  fastify.route({
    method: 'GET',
    url: '/users/:id',
    schema: {
      operationId: 'getUser',
      summary: 'Get a user',
      description: 'One user with timestamps and its version as `ETag`.',
      tags,
      security: reading,
      params: UserParams,
      headers: headers(ifNoneMatch),
      response: { 200: UserDetail },
      responseHeaders: etag,
      problems: ['not-found'],
    },
    handler: ({ params }, reply) => reply.etag(users.get(UserDetail, params.id)),
  })

  fastify.route({
    method: 'PUT',
    url: '/users/:id',
    schema: {
      operationId: 'replaceUser',
      summary: 'Replace a user',
      description: 'Sets every property of a user. With `If-Match`, only while it has that version.',
      tags,
      security: writing,
      params: UserParams,
      headers: headers(ifMatch),
      body: UserInput,
      response: { 200: UserDetail },
      responseHeaders: etag,
      problems: ['not-found', 'conflict', 'precondition-failed'],
    },
    handler: (request, reply) =>
      reply.etag(users.update(UserDetail, request.params.id, request.body, request.ifMatch(), request.alongside)),
  })

  fastify.route({
    method: 'PATCH',
    url: '/users/:id',
    schema: {
      operationId: 'updateUser',
      summary: 'Change a user',
      description:
        'Sets those properties that are given (JSON Merge Patch, RFC 7396). With `If-Match`, only while the user has that version.',
      tags,
      security: writing,
      consumes: ['application/merge-patch+json', 'application/json'],
      params: UserParams,
      headers: headers(ifMatch),
      body: UserPatch,
      response: { 200: UserDetail },
      responseHeaders: etag,
      problems: ['not-found', 'conflict', 'precondition-failed'],
    },
    handler: (request, reply) =>
      reply.etag(users.update(UserDetail, request.params.id, request.body, request.ifMatch(), request.alongside)),
  })

  fastify.route({
    method: 'DELETE',
    url: '/users/:id',
    schema: {
      operationId: 'deleteUser',
      summary: 'Delete a user',
      description: 'Removes a user. With `If-Match`, only while it has that version.',
      tags,
      security: writing,
      params: UserParams,
      headers: headers(ifMatch),
      response: { 204: Type.Null({ description: 'The user is gone.' }) },
      problems: ['not-found', 'precondition-failed'],
    },
    handler: async (request, reply) => {
      await users.remove(request.params.id, request.ifMatch(), request.alongside)
      return reply.code(204).send(null)
    },
  })

  fastify.route({
    method: 'GET',
    url: '/user',
    schema: {
      operationId: 'findUser',
      summary: 'Find a user by id',
      description: 'One user by the `id` of the query, as a list shows it.',
      tags,
      security: reading,
      querystring: UserParams,
      headers: headers(ifNoneMatch),
      response: { 200: User },
      responseHeaders: etag,
      problems: ['not-found'],
    },
    handler: ({ query }, reply) => reply.etag(users.get(User, query.id)),
  })
}

export default plugin
