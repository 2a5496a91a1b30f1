import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Listens on one more address, with all that the server is on its first. */
    alsoListen: (host: string, port: number) => Promise<void>
  }
}

/**
 * One server on several addresses. Fastify would make a server for each, and give the further ones neither HTTP/2 nor
 * the problems of requests that are broken.
 */
export default fp(
  async (fastify) => {
    const servers: Server[] = []
    const closed: Promise<unknown>[] = []
    fastify.decorate('alsoListen', async (host, port) => {
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        fastify.server.emit('connection', socket)
      })
      server.listen(port, host)
      await once(server, 'listening')
      servers.push(server)
      closed.push(once(server, 'close'))
    })
    fastify.addHook('preClose', async () => {
      for (const server of servers) server.close()
    })
    // What is under way there is no business of the first server's close.
    fastify.addHook('onClose', async () => {
      const timer = setInterval(() => fastify.server.closeIdleConnections(), 50)
      await Promise.all(closed)
      clearInterval(timer)
    })
  },
  { name: 'also-listen', dependencies: ['shutdown', 'storage'] },
)
