/** WebSockets (RFC 6455), whatever is spoken on them. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { type ServerOptions, WebSocketServer } from 'ws'
import { Admission, type AdmissionLimits } from '../../auth/admission.ts'
import type { Subprotocol } from '../../contract/conversation.ts'
import { headersOfConnection } from '../../contract/headers-of-connection.ts'
import type { Operation } from '../../contract/operation.ts'
import type { EventType } from '../../schemas/event.ts'
import { Connection, defaultLimits, type Limits } from './connection.ts'
import { describe } from './describe.ts'
import { refusalOfHandshake, refusalOfOrigin } from './handshake.ts'
import { isUpgrade } from './upgrade.ts'

export { isUpgrade, routeUpgrades } from './upgrade.ts'

/** How long a peer has to answer a close, in ms. */
const closingTime = 2000
/** What the rest of a stop needs, in ms. */
const reserve = 500

export interface WebSocketSettings extends AdmissionLimits {
  contract: ReadonlyMap<string, Operation>
  /** Of the events that operations tell; all known when the document is asked for. */
  eventTypes: () => Iterable<EventType>
  /** Origins of pages besides the server's own; `*` for any. */
  origins: readonly string[]
  /** Bytes in one message. */
  maxMessage: number
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
  readonly #admission: Admission
  #document: string | undefined
  #onEmpty: (() => void) | undefined

  constructor(settings: WebSocketSettings) {
    this.#settings = settings
    this.#admission = new Admission(settings)
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
    return this.#admission.networks
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
    this.#admission.check(ip, this.#connections.size)
    const { socket } = raw
    reply.hijack()
    reply.raw.detachSocket(socket)
    // Gone while its credential was looked up, it would never be seen to leave.
    if (socket.destroyed) return
    socket.once('close', this.#admission.enter(ip))
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
    this.#admission.close()
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

  #forget(connection: Connection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#onEmpty?.()
  }
}
