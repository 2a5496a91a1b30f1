import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { defaultLimit, pageHeaders } from '../../src/schemas/page.ts'
import { firsthand, requires } from '../../src/schemas/security.ts'
import {
  MessageParams,
  MessagePreview,
  MessageQuery,
  Suppression,
  SuppressionParams,
  SuppressionQuery,
} from './schema.ts'
import { unsubscribeRoutes } from './unsubscribe.ts'

const tags = ['mail']
const reading = requires('mail:read')
const { link } = pageHeaders

/** Mail, where it is on: what messages look like, and which addresses are not written to any more. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const desk = fastify.mail
  if (desk === undefined) return

  fastify.route({
    method: 'GET',
    url: '/mail/messages/:kind',
    schema: {
      operationId: 'previewMessage',
      summary: 'Preview a message',
      description: 'A message of this kind as somebody would get it now, with a link that leads nowhere.',
      tags,
      security: reading,
      params: MessageParams,
      querystring: MessageQuery,
      response: { 200: MessagePreview },
    },
    handler: async ({ params, query }) => desk.mail.preview(params.kind, query.locale),
  })

  fastify.route({
    method: 'GET',
    url: '/mail/suppressions',
    schema: {
      operationId: 'listSuppressions',
      summary: 'List suppressions',
      description: 'A page of addresses that are not written to any more, the newest first; or what is known of one.',
      tags,
      security: reading,
      querystring: SuppressionQuery,
      response: { 200: Type.Array(Suppression, { description: 'A page of suppressions.' }) },
      responseHeaders: { link },
    },
    handler: ({ query: { limit = defaultLimit, ...query } }, reply) => reply.page(desk.page({ ...query, limit })),
  })

  fastify.route({
    method: 'DELETE',
    url: '/mail/suppressions/:id',
    schema: {
      operationId: 'deleteSuppression',
      summary: 'Delete a suppression',
      description: 'The address is written to again, from the next message on.',
      tags,
      security: firsthand('mail:write'),
      params: SuppressionParams,
      response: { 204: Type.Null({ description: 'The suppression is deleted.' }) },
      problems: ['not-found', 'conflict'],
    },
    handler: async (request, reply) => {
      await desk.delete(request.params.id, request)
      return reply.code(204).send(null)
    },
  })

  await fastify.register(unsubscribeRoutes)
}

export default plugin
