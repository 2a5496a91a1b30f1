import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import { listOf } from '../src/config.ts'
import { JsonRpc } from '../src/protocols/json-rpc/index.ts'
import { WebSockets } from '../src/protocols/websocket/index.ts'

declare module 'fastify' {
  interface FastifyInstance {
    webSockets: WebSockets
  }
}

/** JSON-RPC over WebSocket: an upgrade is a request like any other, until it is accepted. */
export default fp(
  async (fastify) => {
    const { config, access } = fastify
    const parse = fastify.getDefaultJsonParser('error', 'error')
    let rpc: JsonRpc | undefined
    const webSockets = new WebSockets({
      rpc: () => {
        rpc ??= new JsonRpc({
          dispatch: fastify.dispatch,
          contract: fastify.contract,
          parse: (text) => parsed(parse, text),
          authenticate: (credential) => access.authenticate(credential),
        })
        return rpc
      },
      origins: listOf(config.CORS_ORIGINS),
      maxMessage: config.BODY_LIMIT,
      maxConnections: config.MAX_CONNECTIONS,
      maxPerAddress: config.MAX_CONNECTIONS_PER_ADDRESS,
    })
    fastify.decorate('webSockets', webSockets)
    fastify.server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
      const response = new ServerResponse(request)
      response.assignSocket(socket)
      // Answered without becoming a WebSocket, the connection is over: nobody parses what would follow.
      response.on('finish', () => socket.end())
      socket.on('error', () => socket.destroy())
      fastify.routing(request, response)
    })
    fastify.addHook('preClose', () => webSockets.drain(config.SHUTDOWN_TIMEOUT))
  },
  { name: 'websocket', dependencies: ['dispatch', 'access', 'contract', 'shutdown'] },
)

function parsed(
  parse: (request: never, text: string, done: (error: Error | null, value?: unknown) => void) => void,
  text: string,
): unknown {
  let result: unknown
  parse(undefined as never, text, (error, value) => {
    if (error) throw error
    result = value
  })
  return result
}
