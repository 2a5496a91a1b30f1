/** WebSockets (RFC 6455), whatever is spoken on them. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { type ServerOptions, WebSocketServer } from 'ws'
import { networkOf } from '../../auth/throttle.ts'
import type { Subprotocol } from '../../contract/conversation.ts'
import type { Operation } from '../../contract/operation.ts'
import { Problem } from '../../errors.ts'
import type { EventType } from '../../schemas/event.ts'
import { Connection, defaultLimits, type Limits } from './connection.ts'
import { describe } from './describe.ts'
import { headersOfConnection, refusalOfHandshake, refusalOfOrigin } from './handshake.ts'
import { isUpgrade } from './upgrade.ts'

export { isUpgrade, routeUpgrades } from './upgrade.ts'

/** How long a peer has to answer a close, in ms. */
const closingTime = 2000
/** What the rest of a stop needs, in ms. */
const reserve = 500

export interface WebSocketSettings {
  contract: ReadonlyMap<string, Operation>
  /** Of the events that operations tell; all known when the document is asked for. */
  eventTypes: () => Iterable<EventType>
  /** Origins of pages besides the server's own; `*` for any. */
  origins: readonly string[]
  /** Bytes in one message. */
  maxMessage: number
  maxConnections: number
  /** From one IPv4 address, or one /64 of IPv6. */
  maxPerAddress: number
  /** On one connection, those of batches counted one by one; 0 for no limit. */
  callsPerSecond: number
}

export class WebSockets {
  /** What the next connection has to keep to. */
  limits: Readonly<Limits> = defaultLimits
  readonly #settings: WebSocketSettings
  /** By the name of the subprotocol that they agree to. */
  readonly #servers = new Map<string, WebSocketServer>()
  readonly #connections = new Set<Connection>()
  readonly #byNetwork = new Map<string, number>()
  #document: string | undefined
  #draining = false
  #onEmpty: (() => void) | undefined

  constructor(settings: WebSocketSettings) {
    this.#settings = settings
  }

  /** The AsyncAPI document, as YAML. */
  get document(): string {
    this.#document ??= describe(this.#settings.contract, this.#settings.eventTypes())
    return this.#document
  }

  /** Connections that are open. */
  get size(): number {
    return this.#connections.size
  }

  /** Networks that have any. */
  get networks(): number {
    return this.#byNetwork.size
  }

  /**
   * Whether a request may become a WebSocket, as far as it alone says.
   *
   * @param spoken Where it is opened.
   * @throws {Problem} `upgrade-required` for what is no upgrade, or one to another version; `malformed-request` for a
   * broken handshake or another subprotocol; `forbidden` for a page of another origin.
   */
  check({ headers, raw }: FastifyRequest, spoken: Subprotocol): void {
    const refusal =
      refusalOfHandshake(headers, isUpgrade(raw), spoken) ?? refusalOfOrigin(headers, this.#settings.origins)
    if (refusal !== undefined) throw refusal
  }

  /**
   * Makes the connection of a request that was checked a WebSocket.
   *
   * @throws {Problem} `rate-limited` and `unavailable` beyond the limits.
   */
  accept({ headers, ip, raw, id }: FastifyRequest, reply: FastifyReply, { name, open, wire }: Subprotocol): void {
    const { callsPerSecond } = this.#settings
    const refusal = this.#refusal(ip)
    if (refusal !== undefined) throw refusal
    const { socket } = raw
    reply.hijack()
    reply.raw.detachSocket(socket)
    // Gone while its credential was looked up, it would never be seen to leave.
    if (socket.destroyed) return
    this.#count(ip, socket)
    const peer = { socket, headers: headersOfConnection(headers), wire }
    this.#serverOf(name).handleUpgrade(raw, socket, Buffer.alloc(0), (accepted) => {
      this.#connections.add(
        new Connection(accepted, {
          open,
          peer,
          requestId: id,
          limits: this.limits,
          callsPerSecond,
          onClosed: (closed) => this.#forget(closed),
        }),
      )
      // To the hooks that count and log answers it is one, though it was not this response that wrote it.
      reply.raw.statusCode = 101
      reply.raw.emit('finish')
    })
  }

  /**
   * Takes no more connections, answers what is under way on each and closes it.
   *
   * @param time In ms; a connection that has not closed shortly before its end is cut off.
   */
  async drain(time: number): Promise<void> {
    this.#draining = true
    if (this.#connections.size === 0) return
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    for (const connection of this.#connections) connection.drain()
    const timer = setTimeout(
      () => {
        for (const connection of this.#connections) connection.terminate()
      },
      Math.max(0, time - reserve),
    )
    await empty
    clearTimeout(timer)
  }

  #serverOf(name: string): WebSocketServer {
    const known = this.#servers.get(name)
    if (known !== undefined) return known
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: this.#settings.maxMessage,
      closeTimeout: closingTime,
      // It costs eight times the message itself.
      perMessageDeflate: false,
      handleProtocols: () => name,
    } as ServerOptions)
    this.#servers.set(name, server)
    return server
  }

  #refusal(ip: string): Problem | undefined {
    const { maxConnections, maxPerAddress } = this.#settings
    const headers = { 'retry-after': '5' }
    if (this.#draining) return new Problem('unavailable', 'The server is stopping', { headers })
    if (this.#connections.size >= maxConnections)
      return new Problem('unavailable', 'There are too many connections', { headers })
    if ((this.#byNetwork.get(networkOf(ip)) ?? 0) >= maxPerAddress)
      return new Problem('rate-limited', `An address has at most ${maxPerAddress} connections`, { headers })
    return undefined
  }

  #count(ip: string, socket: FastifyRequest['raw']['socket']): void {
    const network = networkOf(ip)
    this.#byNetwork.set(network, (this.#byNetwork.get(network) ?? 0) + 1)
    socket.once('close', () => {
      const others = (this.#byNetwork.get(network) ?? 1) - 1
      if (others === 0) this.#byNetwork.delete(network)
      else this.#byNetwork.set(network, others)
    })
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#onEmpty?.()
  }
}
