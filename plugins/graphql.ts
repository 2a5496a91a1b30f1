import fp from 'fastify-plugin'
import { graphiqlFile, graphiqlHeaders, graphiqlPage } from '../src/protocols/graphql/graphiql.ts'
import { GraphQLServer } from '../src/protocols/graphql/index.ts'
import { TrustedDocuments } from '../src/protocols/graphql/trusted.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** There when the server is ready. */
    graphql: GraphQLServer
    graphiql: typeof graphiql
  }
}

const graphiql = { page: graphiqlPage, headers: graphiqlHeaders, file: graphiqlFile }

/** Every operation as a field of GraphQL's Query or Mutation; a schema that cannot be one stops the start. */
export default fp(
  async (fastify) => {
    const { config, contract, dispatch } = fastify
    let server: GraphQLServer | undefined
    const made = () => {
      if (server !== undefined) return server
      const { INTROSPECTION: introspection, TRUSTED_DOCUMENTS: folder } = config
      const trusted = folder === undefined ? undefined : new TrustedDocuments(folder)
      server = new GraphQLServer({ dispatch, contract, introspection, trusted })
      return server
    }
    fastify.decorate('graphql', { getter: made } as never)
    fastify.decorate('graphiql', graphiql)
    fastify.addHook('onReady', async () => void made())
  },
  { name: 'graphql', dependencies: ['dispatch', 'contract'] },
)
