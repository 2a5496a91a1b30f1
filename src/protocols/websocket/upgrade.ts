/** Upgrades as requests of the router: each meets the hooks of every request before it becomes a WebSocket. */

import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export function routeUpgrades(
  server: Server,
  route: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    // The first message of a client that does not wait.
    if (head.length > 0) socket.unshift(head)
    const response = new ServerResponse(request)
    // Answered without becoming a WebSocket, the connection is over: nobody parses what would follow.
    response.shouldKeepAlive = false
    response.on('finish', () => socket.destroySoon())
    response.assignSocket(socket)
    route(request, response)
  })
}
