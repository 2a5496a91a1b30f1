import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fp from 'fastify-plugin'
import { GrpcServer } from '../src/protocols/grpc/index.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** There when the server is ready. */
    grpc: GrpcServer
  }
}

const lockFile = join(import.meta.dirname, '../contracts/service.proto')

/** Every operation as a method of gRPC; a schema that cannot be a message stops the start. */
export default fp(
  async (fastify) => {
    const { contract } = fastify
    let server: GrpcServer | undefined
    const made = () => {
      server ??= new GrpcServer({ contract, lock: existsSync(lockFile) ? readFileSync(lockFile, 'utf8') : '' })
      return server
    }
    fastify.decorate('grpc', { getter: made } as never)
    fastify.addHook('onReady', async () => void made())
  },
  { name: 'grpc', dependencies: ['dispatch', 'contract'] },
)
