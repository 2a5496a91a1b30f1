/** Connections of gRPC, from wherever they come; what serves them is loaded with the first. */

import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { GrpcConnections, ServerSettings } from './server.ts'

export class GrpcPort {
  readonly #settings: () => ServerSettings
  #loading: Promise<GrpcConnections> | undefined
  #connections: GrpcConnections | undefined
  #draining = false
  #server: Server | undefined

  /** @param settings Asked for when every operation is known. */
  constructor(settings: () => ServerSettings) {
    this.#settings = settings
  }

  /** @param head What the connection has sent by now. */
  accept(socket: Socket, head: Buffer): void {
    if (this.#draining) {
      socket.destroy()
      return
    }
    socket.pause()
    if (head.length > 0) socket.unshift(head)
    if (this.#connections !== undefined) {
      this.#connections.accept(socket)
      return
    }
    this.#loading ??= import('./server.ts').then(({ GrpcConnections }) => {
      this.#connections = new GrpcConnections(this.#settings())
      return this.#connections
    })
    this.#loading.then((connections) => connections.accept(socket))
  }

  /**
   * Listens on a port of its own.
   *
   * @returns The port.
   */
  async listen(host: string, port: number, certificate?: { cert: Buffer; key: Buffer }): Promise<number> {
    const accept = (socket: Socket) => this.accept(socket, Buffer.alloc(0))
    const server: Server = certificate
      ? createTlsServer({ ...certificate, ALPNProtocols: ['h2'] }, accept)
      : createServer({ noDelay: true }, accept)
    server.listen(port, host)
    await once(server, 'listening')
    this.#server = server
    return (server.address() as AddressInfo).port
  }

  /** Takes no more connections, answers what is under way and closes those that there are. */
  async drain(time: number): Promise<void> {
    this.#draining = true
    this.#server?.close()
    await (await this.#loading)?.drain(time)
  }
}
