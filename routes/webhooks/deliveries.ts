/** What is sent to an endpoint: to look at, to try, and to send again. */

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { Delivery, DeliveryDetail, DeliveryQuery, EventRange, Replay } from '../../src/schemas/delivery.ts'
import { defaultLimit, pageHeaders } from '../../src/schemas/page.ts'
import { firsthand, requires } from '../../src/schemas/security.ts'
import { DeliveryParams, EndpointParams } from './schema.ts'

const tags = ['webhooks']
const reading = requires('webhooks:read')
const writing = firsthand('webhooks:write')
const { link } = pageHeaders

export const deliveryRoutes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { deliveries } = fastify.webhooks

  fastify.route({
    method: 'POST',
    url: '/webhooks/:id/test',
    schema: {
      operationId: 'testEndpoint',
      summary: 'Test an endpoint',
      description: 'Sends an event of type `webhook-endpoint.tested`, which tells nothing, to this endpoint alone.',
      tags,
      security: writing,
      params: EndpointParams,
      response: { 202: Delivery },
      problems: ['not-found', 'conflict'],
    },
    handler: async ({ params, principal }, reply) => {
      reply.code(202)
      return deliveries.test(params.id, principal)
    },
  })

  fastify.route({
    method: 'POST',
    url: '/webhooks/:id/replay',
    schema: {
      operationId: 'replayEvents',
      summary: 'Replay events',
      description:
        'Sends events of the log again, or for the first time, to this endpoint: those of a range that it selects. Each keeps its `webhook-id`. More than 10,000 are sent by further calls, from `next` on.',
      tags,
      security: writing,
      params: EndpointParams,
      body: EventRange,
      response: { 202: Replay },
      problems: ['not-found', 'conflict', 'gone'],
    },
    handler: async ({ params, body, principal }, reply) => {
      reply.code(202)
      return deliveries.replayEvents(params.id, body, principal)
    },
  })

  fastify.route({
    method: 'GET',
    url: '/webhooks/:id/deliveries',
    schema: {
      operationId: 'listDeliveries',
      summary: 'List deliveries',
      description: 'A page of what is sent to an endpoint, the newest first. With `state=dead`, its dead letters.',
      tags,
      security: reading,
      params: EndpointParams,
      querystring: DeliveryQuery,
      response: { 200: Type.Array(Delivery, { description: 'A page of deliveries.' }) },
      responseHeaders: { link },
      problems: ['not-found'],
    },
    handler: ({ params, query, principal }, reply) =>
      reply.page(deliveries.page(params.id, { ...query, limit: query.limit ?? defaultLimit }, principal)),
  })

  fastify.route({
    method: 'GET',
    url: '/webhooks/:id/deliveries/:deliveryId',
    schema: {
      operationId: 'getDelivery',
      summary: 'Get a delivery',
      description: 'A delivery with each attempt: when, how long, what was answered.',
      tags,
      security: reading,
      params: DeliveryParams,
      response: { 200: DeliveryDetail },
      problems: ['not-found'],
    },
    handler: ({ params, principal }) => deliveries.get(params.id, params.deliveryId, principal),
  })

  fastify.route({
    method: 'POST',
    url: '/webhooks/:id/deliveries/:deliveryId/replay',
    schema: {
      operationId: 'replayDelivery',
      summary: 'Replay a delivery',
      description:
        'Attempts it now, and from the beginning of the schedule, whether it was delivered, given up or waits.',
      tags,
      security: writing,
      params: DeliveryParams,
      response: { 202: Delivery },
      problems: ['not-found', 'conflict'],
    },
    handler: async ({ params, principal }, reply) => {
      reply.code(202)
      return deliveries.replay(params.id, params.deliveryId, principal)
    },
  })
}
