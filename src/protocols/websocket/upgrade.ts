/** Upgrades as requests of the router: each meets the hooks of every request before it becomes a WebSocket. */

import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { writeProblem } from '../../contract/client-error.ts'
import { Problem } from '../../errors.ts'

/** How long a client that is refused may go on sending, in ms: cut off at once, it would not read why. */
const lingering = 1000
const upgrades = new WeakSet<IncomingMessage>()

/** Whether the request came as an upgrade, whatever its headers say: of another one the socket is not there to be taken. */
export function isUpgrade(request: IncomingMessage): boolean {
  return upgrades.has(request)
}

/**
 * Routes the upgrades to these paths. Others are refused without being routed (RFC 6455 section 4.2.2): their routes
 * answer requests, and a client that gets a 200 would learn nothing.
 */
export function routeUpgrades(
  server: Server,
  paths: ReadonlySet<string>,
  route: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const refusal = refusalOf(request, paths)
    if (refusal !== undefined) {
      refuse(socket, refusal)
      return
    }
    // The first message of a client that does not wait.
    if (head.length > 0) socket.unshift(head)
    const response = new ServerResponse(request)
    // Answered without becoming a WebSocket, the connection is over: nobody parses what would follow.
    response.shouldKeepAlive = false
    response.on('finish', () => response.socket?.destroySoon())
    response.assignSocket(socket)
    upgrades.add(request)
    route(request, response)
  })
}

function refusalOf({ url = '', headers }: IncomingMessage, paths: ReadonlySet<string>): Problem | undefined {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = headers
  // Nothing says where the body ends and the first frame begins: the connection would wait for one of them.
  if (Number(length) !== 0 || encoding !== undefined)
    return new Problem('malformed-request', 'An upgrade to WebSocket has no body')
  const [path = ''] = url.split('?', 1)
  if (paths.has(path)) return undefined
  return new Problem('not-found', `No WebSockets are opened here, but at ${[...paths].join(' and ')}`)
}

function refuse(socket: Socket, problem: Problem): void {
  writeProblem(socket, problem)
  socket.resume()
  socket.once('end', () => socket.destroy())
  const timer = setTimeout(() => socket.destroy(), lingering)
  socket.once('close', () => clearTimeout(timer))
}
