import fp from 'fastify-plugin'
import { messagePages } from '../src/auth/message-page.ts'

declare module 'fastify' {
  interface FastifyInstance {
    messagePages: typeof messagePages
  }
}

/** The pages that links of messages lead to. */
export default fp(
  async (fastify) => {
    fastify.decorate('messagePages', messagePages)
  },
  { name: 'message-pages' },
)
