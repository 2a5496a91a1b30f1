/** Connections of gRPC, from wherever they come; what serves them is loaded with the first. */

import type { Socket } from 'node:net'
import type { GrpcConnections, ServerSettings } from './server.ts'

export class GrpcPort {
  readonly #settings: () => ServerSettings
  #loading: Promise<GrpcConnections> | undefined
  #connections: GrpcConnections | undefined
  #draining = false

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
    socket.unshift(head)
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

  /** Takes no more connections, answers what is under way and closes those that there are. */
  async drain(time: number): Promise<void> {
    this.#draining = true
    await (await this.#loading)?.drain(time)
  }
}
