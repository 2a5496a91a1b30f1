import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { Delivery, DeliveryDetail, EventRange, Replay } from '../../src/schemas/delivery.ts'
import { defaultLimit, pageHeaders } from '../../src/schemas/page.ts'
import { firsthand, requires } from '../../src/schemas/security.ts'
import { BackFill, Connector, ConnectorDeliveryParams, ConnectorDeliveryQuery, ConnectorParams } from './schema.ts'
import { webhookRoutes } from './webhooks.ts'

const tags = ['connectors']
const reading = requires('connectors:read')
const writing = firsthand('connectors:write')
const { link } = pageHeaders

/** Connectors to other services, for who operates the server: which are on, what waits, and why. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { connectors } = fastify

  fastify.route({
    method: 'GET',
    url: '/connectors',
    schema: {
      operationId: 'listConnectors',
      summary: 'List connectors',
      description: 'Every connector: whether it is on, what waits for it, and why.',
      tags,
      security: reading,
      response: { 200: Type.Array(Connector, { description: 'All connectors.' }) },
    },
    handler: () => connectors.list(),
  })

  fastify.route({
    method: 'GET',
    url: '/connectors/:name',
    schema: {
      operationId: 'getConnector',
      summary: 'Get a connector',
      description: 'Whether a connector is on, what waits for it, and how its back-fill goes.',
      tags,
      security: reading,
      params: ConnectorParams,
      response: { 200: Connector },
      problems: ['not-found'],
    },
    handler: ({ params }) => connectors.get(params.name),
  })

  fastify.route({
    method: 'POST',
    url: '/connectors/:name/back-fill',
    schema: {
      operationId: 'startBackFill',
      summary: 'Bring users over',
      description:
        'Brings every user over who was there before the connector was, by the page; repeated, it changes nothing. `GET /connectors/{name}` tells how far it is.',
      tags,
      security: writing,
      params: ConnectorParams,
      response: { 202: BackFill },
      problems: ['not-found', 'conflict'],
    },
    handler: async ({ params }, reply) => {
      reply.code(202)
      return connectors.startBackFill(params.name)
    },
  })

  fastify.route({
    method: 'POST',
    url: '/connectors/:name/replay',
    schema: {
      operationId: 'replayConnectorEvents',
      summary: 'Replay events to a connector',
      description:
        'Hands events of the log to a connector again, or for the first time: those of a range that it follows. More than 10,000 go by further calls, from `next` on.',
      tags,
      security: writing,
      params: ConnectorParams,
      body: EventRange,
      response: { 202: Replay },
      problems: ['not-found', 'conflict', 'gone'],
    },
    handler: async ({ params, body }, reply) => {
      reply.code(202)
      return connectors.replayEvents(params.name, body)
    },
  })

  fastify.route({
    method: 'GET',
    url: '/connectors/:name/deliveries',
    schema: {
      operationId: 'listConnectorDeliveries',
      summary: 'List deliveries of a connector',
      description:
        'A page of what goes to a service or comes from it, the newest first. With `state=dead`, its dead letters.',
      tags,
      security: reading,
      params: ConnectorParams,
      querystring: ConnectorDeliveryQuery,
      response: { 200: Type.Array(Delivery, { description: 'A page of deliveries.' }) },
      responseHeaders: { link },
      problems: ['not-found'],
    },
    handler: ({ params, query: { direction = 'out', limit = defaultLimit, ...query } }, reply) =>
      reply.page(connectors.page(params.name, direction, { ...query, limit })),
  })

  fastify.route({
    method: 'GET',
    url: '/connectors/:name/deliveries/:deliveryId',
    schema: {
      operationId: 'getConnectorDelivery',
      summary: 'Get a delivery of a connector',
      description: 'A delivery with each attempt: when, how long, what came of it.',
      tags,
      security: reading,
      params: ConnectorDeliveryParams,
      response: { 200: DeliveryDetail },
      problems: ['not-found'],
    },
    handler: ({ params }) => connectors.delivery(params.name, params.deliveryId),
  })

  fastify.route({
    method: 'POST',
    url: '/connectors/:name/deliveries/:deliveryId/replay',
    schema: {
      operationId: 'replayConnectorDelivery',
      summary: 'Replay a delivery of a connector',
      description:
        'Attempts it now, and from the beginning of the schedule, whether it has succeeded, was given up or waits.',
      tags,
      security: writing,
      params: ConnectorDeliveryParams,
      response: { 202: Delivery },
      problems: ['not-found', 'conflict'],
    },
    handler: async ({ params }, reply) => {
      reply.code(202)
      return connectors.replay(params.name, params.deliveryId)
    },
  })

  await fastify.register(webhookRoutes)
}

export default plugin
