/** The server of gRPC over connections that others have accepted (gRPC over HTTP/2: grpc/doc/PROTOCOL-HTTP2.md). */

import type { Socket } from 'node:net'
import { Connection, type ConnectionSettings } from './connection.ts'
import { Held } from './held.ts'
import type { GrpcServer } from './index.ts'
import { Keepalive, type KeepaliveTimes, usualTimes } from './keepalive.ts'
import { knownServices } from './known-services.ts'
import { type Streaming, toOne } from './streaming-call.ts'
import { Waits } from './waits.ts'

export interface ServerSettings {
  grpc: GrpcServer
  /** Bytes in one message, as it is and decompressed. */
  maxMessage: number
  /** Gets what no answer tells of. */
  onFault: (error: unknown) => void
  /** Time for a message to arrive, in ms. */
  requestTimeout: number
  isReady: () => Promise<boolean>
  /** Whether clients may ask for the services. */
  reflection: boolean
  /** Methods that answer with streams of messages, by their paths: `/septet.v1.EventsService/Watch`. */
  streaming?: ReadonlyMap<string, Streaming>
  times?: KeepaliveTimes
}

/** Messages of the largest size that may be on their way at once. */
const mostHeld = 256

export class GrpcConnections {
  readonly #settings: ConnectionSettings
  readonly #connections = new Set<Connection>()
  readonly keepalive: Keepalive
  #onEmpty: (() => void) | undefined

  constructor(settings: ServerSettings) {
    const { grpc, isReady, reflection, streaming = [], times = usualTimes } = settings
    const { maxMessage, onFault, requestTimeout } = settings
    const methods = knownServices({ file: grpc.file, isReady, reflection })
    for (const [path, known] of grpc.methods)
      methods.set(path, (message, peer, signal) => grpc.answer(known, message, peer, signal))
    for (const [path, known] of grpc.streams)
      methods.set(
        path,
        toOne((message, peer, signal) => grpc.follow(known, message, peer, signal)),
      )
    for (const [path, method] of streaming) methods.set(path, method)
    const held = new Held(mostHeld * maxMessage)
    this.#settings = { methods, maxMessage, onFault, held, waits: new Waits(requestTimeout) }
    this.keepalive = new Keepalive(times)
  }

  accept(socket: Socket): void {
    if (socket.destroyed) return
    const connection = new Connection(socket, this.#settings)
    this.#connections.add(connection)
    this.keepalive.watch(connection)
    socket.once('close', () => this.#forget(connection))
  }

  /** Answers what is under way on each connection and closes it; cuts off what takes longer, in ms. */
  async drain(time: number): Promise<void> {
    for (const connection of this.#connections) connection.close()
    if (this.#connections.size > 0) {
      const empty = new Promise<void>((resolve) => {
        this.#onEmpty = resolve
      })
      const timer = setTimeout(() => this.#cutOff(), time)
      await empty
      clearTimeout(timer)
    }
    this.keepalive.stop()
    this.#settings.waits.stop()
  }

  #cutOff(): void {
    for (const { session } of this.#connections) session.destroy()
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection)
    this.keepalive.forget(connection)
    if (this.#connections.size === 0) this.#onEmpty?.()
  }
}
