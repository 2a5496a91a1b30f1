import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { uncached } from '../../src/schemas/headers.ts'
import { defaultLimit, pageHeaders } from '../../src/schemas/page.ts'
import { defaultOverlap } from '../../src/schemas/rotation.ts'
import { firsthand, requires } from '../../src/schemas/security.ts'
import { deliveryRoutes } from './deliveries.ts'
import {
  Endpoint,
  EndpointInput,
  EndpointParams,
  EndpointPatch,
  EndpointQuery,
  EndpointRotation,
  NewEndpoint,
} from './schema.ts'

const tags = ['webhooks']
const reading = requires('webhooks:read')
const writing = firsthand('webhooks:write')
const { link } = pageHeaders

/** WebHooks: endpoints of the caller, or all of them for `admin`, and what is sent to them. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { endpoints, deliveries } = fastify.webhooks

  fastify.route({
    method: 'GET',
    url: '/webhooks',
    schema: {
      operationId: 'listEndpoints',
      summary: 'List endpoints',
      description: 'A page of those endpoints that the caller may see: its own, or all with `admin`.',
      tags,
      security: reading,
      querystring: EndpointQuery,
      response: { 200: Type.Array(Endpoint, { description: 'A page of endpoints.' }) },
      responseHeaders: { link },
    },
    handler: ({ principal, query }, reply) =>
      reply.page(endpoints.page(principal, query.limit ?? defaultLimit, query.cursor)),
  })

  fastify.route({
    method: 'POST',
    url: '/webhooks',
    schema: {
      operationId: 'createEndpoint',
      summary: 'Create an endpoint',
      description:
        'From now on, events are posted to the URL as Standard Webhooks say, signed with a secret that is shown this once. It gets what its creator may see, and no longer than that. A user, or a key of no user, has at most 100 endpoints.',
      tags,
      security: writing,
      body: EndpointInput,
      response: { 201: NewEndpoint },
      responseHeaders: uncached,
      problems: ['conflict'],
    },
    handler: async (request, reply) => {
      reply.code(201).header('cache-control', 'no-store')
      return endpoints.create(request.body, request)
    },
  })

  fastify.route({
    method: 'GET',
    url: '/webhooks/:id',
    schema: {
      operationId: 'getEndpoint',
      summary: 'Get an endpoint',
      description: 'What is known of an endpoint, without its secret.',
      tags,
      security: reading,
      params: EndpointParams,
      response: { 200: Endpoint },
      problems: ['not-found'],
    },
    handler: ({ params, principal }) => endpoints.get(params.id, principal),
  })

  fastify.route({
    method: 'PATCH',
    url: '/webhooks/:id',
    schema: {
      operationId: 'updateEndpoint',
      summary: 'Update an endpoint',
      description:
        'Changes what is given (JSON Merge Patch, RFC 7396). While it is disabled, deliveries wait, and what happens is not for it: a replay sends that. Enabled, it follows from then on.',
      tags,
      security: writing,
      params: EndpointParams,
      body: EndpointPatch,
      response: { 200: Endpoint },
      problems: ['not-found', 'conflict'],
    },
    handler: (request) => endpoints.update(request.params.id, request.body, request),
  })

  fastify.route({
    method: 'DELETE',
    url: '/webhooks/:id',
    schema: {
      operationId: 'deleteEndpoint',
      summary: 'Delete an endpoint',
      description: 'Removes an endpoint with its deliveries; what waits is not sent.',
      tags,
      security: writing,
      params: EndpointParams,
      response: { 204: Type.Null({ description: 'The endpoint is deleted.' }) },
      problems: ['not-found', 'conflict'],
    },
    handler: async (request, reply) => {
      await endpoints.remove(request.params.id, request)
      await deliveries.drop(request.params.id)
      return reply.code(204).send(null)
    },
  })

  fastify.route({
    method: 'POST',
    url: '/webhooks/:id/rotate-secret',
    schema: {
      operationId: 'rotateEndpointSecret',
      summary: 'Rotate the secret of an endpoint',
      description:
        'Gives the endpoint a new secret and shows it this once. For `overlap` seconds, a day unless said otherwise, messages are signed with both.',
      tags,
      security: writing,
      params: EndpointParams,
      body: EndpointRotation,
      response: { 200: NewEndpoint },
      responseHeaders: uncached,
      problems: ['not-found', 'conflict'],
    },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return endpoints.rotateSecret(request.params.id, request.body.overlap ?? defaultOverlap, request)
    },
  })

  await fastify.register(deliveryRoutes)
}

export default plugin
