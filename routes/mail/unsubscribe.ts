/** Where the unsubscribe link of a message leads to: a page that asks, and what it and mail programs post (RFC 8058). */

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { open } from '../../src/schemas/security.ts'

const url = '/mail/unsubscribe'
const longestBody = 4096
const UnsubscribeQuery = Type.Object({ token: Type.String({ maxLength: 2000 }) }, { additionalProperties: false })
const schema = { hide: true, security: open, querystring: UnsubscribeQuery } as const

export const unsubscribeRoutes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { mail } = fastify.mail ?? {}
  if (mail === undefined) return
  fastify.removeAllContentTypeParsers()
  // A form, or multipart: what it says is looked for in its text.
  fastify.addContentTypeParser('*', { parseAs: 'string', bodyLimit: longestBody }, (_request, body, done) =>
    done(null, body),
  )

  fastify.route({
    method: 'GET',
    url,
    schema,
    handler: async ({ query, headers: { 'accept-language': languages } }, reply) => {
      const { status, headers, page } = mail.askToUnsubscribe(query.token, languages)
      return reply.code(status).headers(headers).send(page)
    },
  })

  fastify.route({
    method: 'POST',
    url,
    schema,
    handler: async ({ query, body, headers: { 'accept-language': languages } }, reply) => {
      const { status, headers, page } = await mail.unsubscribe(query.token, String(body), languages)
      return reply.code(status).headers(headers).send(page)
    },
  })
}
