import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { headers } from '../../src/schemas/headers.ts'
import { defaultLimit, pageHeaders, preferHeader } from '../../src/schemas/page.ts'
import { requires } from '../../src/schemas/security.ts'
import { AuditEvent, AuditQuery } from './schema.ts'

/** The audit trail, to be read by those who watch over access. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { audit } = fastify

  fastify.route({
    method: 'GET',
    url: '/audit-events',
    schema: {
      operationId: 'listAuditEvents',
      summary: 'List audit events',
      description:
        'Who did what to whose access: sign-ins, failures, and changes of keys and roles. The newest come first.',
      tags: ['audit'],
      security: requires('audit:read'),
      querystring: AuditQuery,
      headers: headers(preferHeader),
      response: { 200: Type.Array(AuditEvent, { description: 'A page of audit events.' }) },
      responseHeaders: pageHeaders,
    },
    handler: ({ query }, reply) => {
      const { limit = defaultLimit, cursor, sort = '-id', type, principal, target } = query
      const filter = { type, principal, target }
      return reply.page(audit.page(AuditEvent, { limit, cursor, sort, filter }), () => audit.count(filter))
    },
  })
}

export default plugin
