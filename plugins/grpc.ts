import { existsSync, readFileSync } from 'node:fs'
import type { OutgoingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { pipeline, type Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { Gauge } from 'prom-client'
import { once } from '../src/contract/once.ts'
import { GrpcServer } from '../src/protocols/grpc/index.ts'
import { GrpcPort } from '../src/protocols/grpc/port.ts'
import { answerWeb, type WebRequest, type WebResponse, webMediaType } from '../src/protocols/grpc/web.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** There when the server is ready. */
    grpc: GrpcServer
    /** Takes the connections of gRPC. */
    grpcPort: GrpcPort
    grpcWeb: {
      mediaType: RegExp
      answer: (request: WebRequest) => Promise<WebResponse>
      stream: (reply: FastifyReply, frames: Readable) => void
    }
  }
}

/** What the rest of a stop needs, in ms. */
const reserve = 500
/** Of what may be kept for a view, the part that messages may take. */
const keptShare = 4
const lockFile = join(import.meta.dirname, '../contracts/service.proto')

/** Every operation as a method of gRPC; a schema that cannot be a message stops the start. */
export default fp(
  async (fastify) => {
    const { config, contract, dispatch, log } = fastify
    const onFault = (err: unknown) => log.error({ err }, 'a call of gRPC failed')
    const made = once(() => {
      const lock = existsSync(lockFile) ? readFileSync(lockFile, 'utf8') : ''
      return new GrpcServer({ contract, dispatch, lock, onFault, keep: config.KEEP_BYTES / keptShare })
    })
    fastify.decorate('grpc', { getter: made } as never)
    const isReady = () =>
      fastify.storage.engine.ping().then(
        () => !fastify.shutdown.started,
        () => false,
      )
    const { BODY_LIMIT: maxMessage, INTROSPECTION: reflection, REQUEST_TIMEOUT: requestTimeout } = config
    const port = new GrpcPort(() => ({ grpc: made(), onFault, maxMessage, requestTimeout, isReady, reflection }), {
      maxConnections: config.MAX_CONNECTIONS,
      maxPerAddress: config.TRUST_PROXY === '' ? config.MAX_CONNECTIONS_PER_ADDRESS : undefined,
    })
    fastify.decorate('grpcPort', port)
    const answer = (request: WebRequest) => answerWeb(made(), request)
    fastify.decorate('grpcWeb', { mediaType: webMediaType, answer, stream })
    fastify.addHook('onReady', async () => void made())
    fastify.addHook('preClose', () => port.drain(Math.max(0, config.SHUTDOWN_TIMEOUT - reserve)))
    new Gauge({
      name: 'grpc_connections',
      help: 'Connections of gRPC that are open.',
      registers: [fastify.metrics],
      collect() {
        this.set(port.size)
      },
    })
  },
  { name: 'grpc', dependencies: ['dispatch', 'contract', 'metrics', 'shutdown', 'storage'] },
)

/** Its client waits for the headers, which Fastify would send with the first frame: nothing may happen for long. */
function stream(reply: FastifyReply, frames: Readable): void {
  const { raw } = reply.hijack()
  raw.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders).flushHeaders()
  // A client that goes away ends the frames: nobody is to be told.
  pipeline(frames, raw, () => {})
}
