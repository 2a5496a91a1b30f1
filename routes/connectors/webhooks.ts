/** Where services post their WebHooks to: as many addresses as there are connectors on that take them. */

import type { FastifyPluginAsync } from 'fastify'
import { open } from '../../src/schemas/security.ts'

/** Of one WebHook, in bytes. */
const bodyLimit = 1_048_576

/** Open: the connector verifies the signature, which is of the bytes as they came. */
export const webhookRoutes: FastifyPluginAsync = async (fastify) => {
  const { connectors } = fastify
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body))
  for (const { connector, connection } of connectors.on) {
    if (connection.receive === undefined) continue
    fastify.route({
      method: 'POST',
      url: `/connectors/${connector.name}/webhook`,
      schema: { hide: true, security: open },
      handler: async ({ headers, body }, reply) => {
        await connectors.receive(connector.name, { headers, body: (body as Buffer | undefined) ?? Buffer.alloc(0) })
        return reply.code(202).send()
      },
    })
  }
}
