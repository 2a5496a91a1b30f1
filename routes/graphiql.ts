import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { open } from '../src/schemas/security.ts'

const FileParams = Type.Object({ file: Type.String({ maxLength: 50 }) }, { additionalProperties: false })

/** GraphiQL, a page to explore GraphQL with. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { graphiql } = fastify

  fastify.get('/graphiql', { schema: { hide: true, security: open } }, async (_request, reply) =>
    reply.headers(graphiql.headers).send(graphiql.page),
  )

  fastify.get(
    '/graphiql/:file',
    { schema: { hide: true, security: open, params: FileParams } },
    async ({ params }, reply) => {
      const file = graphiql.file(params.file)
      if (file === undefined) throw fastify.problem('not-found', 'There is no such file')
      return reply.type(file.type).header('cache-control', 'public, max-age=86400').send(file.content)
    },
  )
}

export default plugin
