import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fp from 'fastify-plugin'
import { GrpcServer } from '../src/protocols/grpc/index.ts'
import { GrpcPort } from '../src/protocols/grpc/port.ts'
import { answerWeb, type WebRequest, type WebResponse, webMediaType } from '../src/protocols/grpc/web.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** There when the server is ready. */
    grpc: GrpcServer
    /** Takes the connections of gRPC. */
    grpcPort: GrpcPort
    grpcWeb: { mediaType: RegExp; answer: (request: WebRequest) => Promise<WebResponse> }
  }
}

const lockFile = join(import.meta.dirname, '../contracts/service.proto')

/** Every operation as a method of gRPC; a schema that cannot be a message stops the start. */
export default fp(
  async (fastify) => {
    const { config, contract, dispatch, log } = fastify
    let server: GrpcServer | undefined
    const made = () => {
      if (server !== undefined) return server
      const lock = existsSync(lockFile) ? readFileSync(lockFile, 'utf8') : ''
      const onFault = (err: unknown) => log.error({ err }, 'a response does not fit its schema')
      server = new GrpcServer({ contract, dispatch, lock, onFault })
      return server
    }
    fastify.decorate('grpc', { getter: made } as never)
    const isReady = () =>
      fastify.storage.engine.ping().then(
        () => !fastify.shutdown.started,
        () => false,
      )
    const { BODY_LIMIT: maxMessage, INTROSPECTION: reflection } = config
    const port = new GrpcPort(() => ({ grpc: made(), maxMessage, isReady, reflection }))
    fastify.decorate('grpcPort', port)
    fastify.decorate('grpcWeb', { mediaType: webMediaType, answer: (request) => answerWeb(made(), request) })
    fastify.addHook('onReady', async () => void made())
    fastify.addHook('preClose', () => port.drain(config.SHUTDOWN_TIMEOUT))
  },
  { name: 'grpc', dependencies: ['dispatch', 'contract', 'shutdown', 'storage'] },
)
