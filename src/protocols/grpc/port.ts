/** Connections of gRPC, from wherever they come. */

import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { networkOf } from '../../auth/throttle.ts'
import { GrpcConnections, type ServerSettings } from './server.ts'

export interface ConnectionLimits {
  maxConnections: number
  /** From one IPv4 address, or one /64 of IPv6; nothing behind a proxy, which is the address of all. */
  maxPerAddress: number | undefined
}

export class GrpcPort {
  readonly #settings: () => ServerSettings
  readonly #limits: ConnectionLimits
  readonly #byNetwork = new Map<string, number>()
  #size = 0
  #connections: GrpcConnections | undefined
  #draining = false
  readonly #servers: Server[] = []

  /** @param settings Asked for when every operation is known. */
  constructor(settings: () => ServerSettings, limits: ConnectionLimits) {
    this.#settings = settings
    this.#limits = limits
  }

  /** @param head What the connection has sent by now. */
  accept(socket: Socket, head: Buffer): void {
    if (this.#draining || socket.destroyed || !this.#count(socket)) {
      socket.destroy()
      return
    }
    socket.pause()
    // As servers of HTTP/1.1 leave it, a connection that the peer has ended would stay with the calls on it.
    socket.allowHalfOpen = false
    if (head.length > 0) socket.unshift(head)
    this.#connections ??= new GrpcConnections(this.#settings())
    this.#connections.accept(socket)
  }

  /**
   * Listens on a port of its own.
   *
   * @returns The port.
   */
  async listen(hosts: readonly string[], port: number, certificate?: { cert: Buffer; key: Buffer }): Promise<number> {
    const accept = (socket: Socket) => this.accept(socket, Buffer.alloc(0))
    let bound = port
    for (const host of hosts) {
      const server: Server = certificate
        ? createTlsServer({ ...certificate, ALPNProtocols: ['h2'] }, accept)
        : createServer({ noDelay: true }, accept)
      server.listen(bound, host)
      await once(server, 'listening')
      this.#servers.push(server)
      bound = (server.address() as AddressInfo).port
    }
    return bound
  }

  /** Takes no more connections, answers what is under way and closes those that there are. */
  async drain(time: number): Promise<void> {
    this.#draining = true
    for (const server of this.#servers) server.close()
    await this.#connections?.drain(time)
  }

  /** Connections that are open. */
  get size(): number {
    return this.#size
  }

  /** Whether there is room for one more. */
  #count(socket: Socket): boolean {
    const { maxConnections, maxPerAddress = Number.POSITIVE_INFINITY } = this.#limits
    const network = networkOf(socket.remoteAddress ?? '')
    const others = this.#byNetwork.get(network) ?? 0
    if (this.#size >= maxConnections || others >= maxPerAddress) return false
    this.#size += 1
    this.#byNetwork.set(network, others + 1)
    socket.once('close', () => {
      this.#size -= 1
      const left = (this.#byNetwork.get(network) ?? 1) - 1
      if (left === 0) this.#byNetwork.delete(network)
      else this.#byNetwork.set(network, left)
    })
    return true
  }
}
