import type { Socket } from 'node:net'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether the server is stopping: it answers, but is no longer ready. */
    shutdown: { readonly started: boolean }
  }
}

/** How long a connection that is made while stopping may be silent, in ms. */
const silenceAllowed = 500

/**
 * While stopping, Fastify answers with `Connection: close`; a keep-alive connection whose last answer came before
 * that is closed here when it goes idle. Node alone would wait for its time limit, 70 s. One that has said nothing yet,
 * as browsers open them beforehand, is idle to Node 26 alone.
 */
export default fp(
  async (fastify) => {
    const shutdown = { started: false }
    fastify.decorate('shutdown', shutdown)
    /** With when each was made, in ms. */
    const sockets = new Map<Socket, number>()
    fastify.server.on('connection', (socket: Socket) => {
      sockets.set(socket, performance.now())
      socket.once('close', () => sockets.delete(socket))
    })
    fastify.addHook('preClose', async () => {
      shutdown.started = true
      const { server } = fastify
      const closeSilent = (since: number) => {
        for (const [socket, made] of sockets) if (socket.bytesRead === 0 && made <= since) socket.destroy()
      }
      closeSilent(performance.now())
      const timer = setInterval(() => {
        server.closeIdleConnections()
        // Those that were made while it was stopping, and have had time to say something.
        if (!server.listening) closeSilent(performance.now() - silenceAllowed)
      }, 50)
      server.once('close', () => clearInterval(timer))
      timer.unref()
    })
  },
  { name: 'shutdown' },
)
