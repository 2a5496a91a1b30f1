import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Subprotocol } from '../src/contract/conversation.ts'
import { once } from '../src/contract/once.ts'
import { createParse } from '../src/contract/parse-json.ts'
import { graphiqlFile, graphiqlHeaders, graphiqlPage } from '../src/protocols/graphql/graphiql.ts'
import { GraphQLHttp } from '../src/protocols/graphql/http.ts'
import { GraphQLServer } from '../src/protocols/graphql/index.ts'
import { createSubprotocol } from '../src/protocols/graphql/socket.ts'
import { TrustedDocuments } from '../src/protocols/graphql/trusted.ts'
import { isUpgrade } from '../src/protocols/websocket/index.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** There when the server is ready. */
    graphql: GraphQLServer
    /** GraphQL on connections that carry texts. */
    graphqlSocket: Subprotocol
    /** Answers a request of GraphQL in the place of a handler. */
    takeGraphQL: onRequestHookHandler
    graphiql: typeof graphiql
  }
}

const graphiql = { page: graphiqlPage, headers: graphiqlHeaders, file: graphiqlFile }

/** Every operation as a field of GraphQL's Query or Mutation; a schema that cannot be one stops the start. */
export default fp(
  async (fastify) => {
    const { config, contract, dispatch, access } = fastify
    const made = once(() => {
      const { INTROSPECTION: introspection, TRUSTED_DOCUMENTS: folder } = config
      const trusted = folder === undefined ? undefined : new TrustedDocuments(folder)
      return new GraphQLServer({ dispatch, contract, introspection, trusted })
    })
    const http = new GraphQLHttp({
      answer: (request) => made().answer(request),
      parse: createParse(fastify.getDefaultJsonParser('error', 'error')),
      bodyLimit: config.BODY_LIMIT,
    })
    // The hook does not go on: what would follow is another life of a request.
    fastify.decorate('takeGraphQL', ({ raw, log }, reply, done) => {
      if (isUpgrade(raw)) return done()
      const report = (err: unknown) => log.error({ err }, 'a GraphQL request failed')
      http.take({
        request: raw,
        response: reply.hijack().raw,
        headers: reply.getHeaders() as OutgoingHttpHeaders,
        report,
      })
    })
    fastify.decorate('graphql', { getter: made } as never)
    fastify.decorate('graphiql', graphiql)
    const authenticate = (headers: IncomingHttpHeaders) => access.principalOf(headers)
    fastify.decorate('graphqlSocket', createSubprotocol({ server: made, authenticate }))
    fastify.addHook('onReady', async () => void made())
  },
  { name: 'graphql', dependencies: ['dispatch', 'contract', 'access'] },
)
