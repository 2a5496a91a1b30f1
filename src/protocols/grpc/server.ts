/** @grpc/grpc-js over connections that others have accepted. Loaded with the first of them: it takes 20 MB. */

import type { Socket } from 'node:net'
import {
  type ConnectionInjector,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { Arrivals } from './arrivals.ts'
import { headersOf } from './headers.ts'
import type { Answer, GrpcServer, KnownMethod } from './index.ts'
import { addKnownServices } from './known-services.ts'

export interface ServerSettings {
  grpc: GrpcServer
  /** Bytes in one message, as it is and decompressed. */
  maxMessage: number
  /** Time for a message to arrive, in ms. */
  requestTimeout: number
  isReady: () => Promise<boolean>
  /** Whether clients may ask for the services. */
  reflection: boolean
}

/** Calls at once on one connection; what a client begins beyond that waits with the client. */
const maxStreams = 256
/** Megabytes that Node may hold for one connection. */
const sessionMemory = 32

type Unary = ServerUnaryCall<Buffer, Uint8Array>
type Respond = sendUnaryData<Uint8Array>

const asIs = (bytes: Buffer) => bytes

export class GrpcConnections {
  readonly #server: Server
  readonly #injector: ConnectionInjector
  readonly #grpc: GrpcServer
  readonly #endStreams: () => void
  readonly #arrivals: Arrivals
  /** By address and port of the peer: the calls know no more of it. */
  readonly #sockets = new Map<string, Socket>()
  #onEmpty: (() => void) | undefined

  constructor({ grpc, maxMessage, requestTimeout, isReady, reflection }: ServerSettings) {
    this.#grpc = grpc
    this.#arrivals = new Arrivals(requestTimeout)
    this.#server = new Server({
      'grpc.max_receive_message_length': maxMessage,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': maxStreams,
      'grpc.keepalive_time_ms': 60_000,
      'grpc.keepalive_timeout_ms': 20_000,
      'grpc.max_connection_idle_ms': 1_800_000,
      'grpc-node.max_session_memory': sessionMemory,
      'grpc.enable_channelz': 0,
      interceptors: [this.#arrivals.interceptor],
    })
    this.#addMethods()
    this.#endStreams = addKnownServices(this.#server, { file: grpc.file, isReady, reflection })
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure())
  }

  accept(socket: Socket): void {
    if (socket.destroyed) return
    const name = `${socket.remoteAddress}:${socket.remotePort}`
    this.#sockets.set(name, socket)
    socket.once('close', () => this.#forget(name, socket))
    this.#injector.injectConnection(socket)
  }

  /** Answers what is under way on each connection and closes it; cuts off what takes longer, in ms. */
  async drain(time: number): Promise<void> {
    this.#endStreams()
    this.#injector.drain(time)
    if (this.#sockets.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve
      })
    }
    this.#server.forceShutdown()
    this.#arrivals.stop()
  }

  #forget(name: string, socket: Socket): void {
    if (this.#sockets.get(name) === socket) this.#sockets.delete(name)
    if (this.#sockets.size === 0) this.#onEmpty?.()
  }

  #addMethods(): void {
    for (const service of Map.groupBy(this.#grpc.methods.values(), ({ path }) => path.split('/')[1]).values()) {
      const definition = Object.fromEntries(service.map(({ path, method }) => [method.name, definitionOf(path)]))
      const implementation: UntypedServiceImplementation = Object.fromEntries(
        service.map((known) => [known.method.name, (call: Unary, respond: Respond) => this.#run(known, call, respond)]),
      )
      this.#server.addService(definition, implementation)
    }
  }

  #run(known: KnownMethod, call: Unary, respond: Respond): void {
    const socket = this.#sockets.get(call.getPeer())
    // A call whose connection is gone is answered by nobody.
    if (socket === undefined) return
    const peer = { socket, headers: headersOf(call.metadata.getMap(), call.getHost()), wire: 'grpc' }
    this.#grpc.answer(known, call.request, peer, signalOf(call)).then((answer) => send(answer, call, respond))
  }
}

function definitionOf(path: string) {
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  } as const
}

function send({ message, status, metadata }: Answer, call: Unary, respond: Respond): void {
  if (status === undefined) {
    if (metadata !== undefined) call.sendMetadata(metadataOf(metadata))
    respond(null, message)
    return
  }
  const { code, details, rich } = status
  const trailer = metadataOf(metadata ?? [])
  trailer.set('grpc-status-details-bin', Buffer.from(rich))
  respond({ code, details, metadata: trailer })
}

function metadataOf(pairs: readonly (readonly [string, string])[]): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of pairs) metadata.set(name, value)
  return metadata
}

/** Aborts when the caller cancels, its deadline is over or its connection is gone. */
function signalOf(call: Unary): () => AbortSignal {
  return () => {
    const controller = new AbortController()
    if (call.cancelled) controller.abort()
    else call.once('cancelled', () => controller.abort())
    return controller.signal
  }
}
