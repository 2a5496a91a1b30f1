/** WebSockets (RFC 6455) that carry JSON-RPC. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { WebSocketServer } from 'ws'
import { Problem } from '../../errors.ts'
import type { JsonRpc } from '../json-rpc/index.ts'
import { Connection } from './connection.ts'
import { refusalOfOrigin } from './origin.ts'

/** The one subprotocol that is spoken; a client may offer none. */
export const subprotocol = 'jsonrpc-2.0'
/** How often each peer is asked whether it is still there, in ms. */
const heartbeat = 30_000
/** How long a peer has to answer the close, in ms. */
const closingTime = 2000

export interface WebSocketSettings {
  /** Made when every operation is known. */
  rpc: () => JsonRpc
  /** Origins of pages besides the server's own; `*` for any. */
  origins: readonly string[]
  /** Bytes in one message. */
  maxMessage: number
  maxConnections: number
  maxPerAddress: number
}

export class WebSockets {
  readonly #settings: WebSocketSettings
  readonly #server: WebSocketServer
  readonly #connections = new Set<Connection>()
  readonly #byAddress = new Map<string, number>()
  readonly #timer: NodeJS.Timeout
  #onEmpty: (() => void) | undefined

  constructor(settings: WebSocketSettings) {
    this.#settings = settings
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: settings.maxMessage,
      // It costs eight times the message itself.
      perMessageDeflate: false,
      handleProtocols: () => subprotocol,
    })
    this.#timer = setInterval(() => {
      for (const connection of this.#connections) connection.check()
    }, heartbeat).unref()
  }

  get size(): number {
    return this.#connections.size
  }

  /**
   * Makes the request's connection a WebSocket.
   *
   * @throws {Problem} `malformed-request` for another subprotocol; `forbidden` for a page of another origin;
   * `rate-limited` and `unavailable` beyond the limits.
   */
  accept(request: FastifyRequest, reply: FastifyReply): void {
    const { headers, ip, raw } = request
    const { origins, maxConnections, maxPerAddress, rpc } = this.#settings
    const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim())
    if (offered && !offered.includes(subprotocol))
      throw new Problem('malformed-request', `The subprotocol that is spoken here is ${subprotocol}`)
    const refusal = refusalOfOrigin(headers.origin, headers.host, origins)
    if (refusal !== undefined) throw refusal
    if (this.#connections.size >= maxConnections)
      throw new Problem('unavailable', 'There are too many connections', { headers: { 'retry-after': '5' } })
    const open = this.#byAddress.get(ip) ?? 0
    if (open >= maxPerAddress)
      throw new Problem('rate-limited', `An address has at most ${maxPerAddress} connections`, {
        headers: { 'retry-after': '5' },
      })
    reply.hijack()
    this.#byAddress.set(ip, open + 1)
    const left = () => {
      const others = (this.#byAddress.get(ip) ?? 1) - 1
      if (others === 0) this.#byAddress.delete(ip)
      else this.#byAddress.set(ip, others)
    }
    raw.socket.once('close', left)
    const { 'sec-websocket-protocol': _, ...rest } = headers
    const peer = { socket: raw.socket, headers: rest, wire: 'websocket' }
    this.#server.handleUpgrade(raw, raw.socket, Buffer.alloc(0), (socket) => {
      const connection = new Connection(socket, rpc(), peer, (closed) => this.#forget(closed))
      this.#connections.add(connection)
    })
  }

  /** Answers what is under way on each connection, and closes it; what is not done in time is cut off. */
  async drain(time: number): Promise<void> {
    clearInterval(this.#timer)
    if (this.#connections.size === 0) return
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    for (const connection of this.#connections) connection.drain()
    const timer = setTimeout(() => {
      for (const connection of this.#connections) connection.terminate()
    }, time + closingTime)
    await empty
    clearTimeout(timer)
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#onEmpty?.()
  }
}
