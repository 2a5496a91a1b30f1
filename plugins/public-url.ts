import type { AddressInfo } from 'node:net'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Where clients reach the server: `PUBLIC_URL`, else its port on this machine. */
    publicUrl: () => string
  }
}

/** The server's own address, as links and redirects name it. */
export default fp(
  async (fastify) => {
    const { PUBLIC_URL, PORT } = fastify.config
    fastify.decorate('publicUrl', () => PUBLIC_URL ?? `http://localhost:${portOf(fastify.server.address()) ?? PORT}`)
  },
  { name: 'public-url' },
)

/** The port that was taken, where `PORT` is 0. */
function portOf(address: AddressInfo | string | null): number | undefined {
  return typeof address === 'object' ? address?.port : undefined
}
