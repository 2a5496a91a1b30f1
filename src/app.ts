/** Composes the server: HTTP limits, then every plugin, then every route. */

import { join } from 'node:path'
import autoload from '@fastify/autoload'
import Fastify, { type FastifyInstance } from 'fastify'
import { type Config, listOf } from './config.ts'
import { createClientErrorHandler } from './contract/client-error.ts'
import { FailureLog } from './contract/failure-log.ts'
import { sendProblem } from './contract/problem-of.ts'
import { securityHeaders } from './contract/security-headers.ts'
import { createValidatorCompiler } from './contract/validator.ts'
import { createLog, type Log } from './logger.ts'
import { createRequestIds } from './request-id.ts'

declare module 'fastify' {
  interface FastifyInstance {
    config: Config
  }
}

const root = join(import.meta.dirname, '..')

/** Builds the app without listening. Further folders of routes can be given for examples and tests. */
export async function createApp(
  config: Config,
  log: Log = createLog(config),
  moreRoutes: readonly string[] = [],
): Promise<FastifyInstance> {
  const fastify: FastifyInstance = Fastify({
    loggerInstance: log.logger,
    logController: new FailureLog(),
    genReqId: createRequestIds(),
    trustProxy: config.TRUST_PROXY === '' ? false : listOf(config.TRUST_PROXY),
    bodyLimit: config.BODY_LIMIT,
    requestTimeout: config.REQUEST_TIMEOUT,
    // Longer than the 60 s after which common load balancers drop an idle connection.
    keepAliveTimeout: 72_000,
    http: {
      headersTimeout: Math.ceil(config.REQUEST_TIMEOUT / 3),
      connectionsCheckingInterval: Math.min(5000, Math.ceil(config.REQUEST_TIMEOUT / 6)),
      maxHeaderSize: 16_384,
      // Some clients offer h2c with their first request: it is a request, and its body is to be read. So is what asks
      // for a WebSocket by another method than GET (RFC 6455 section 4.1).
      shouldUpgradeCallback: ({ method, headers }) =>
        method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket',
    },
    clientErrorHandler: createClientErrorHandler((socket, head) => fastify.grpcPort.accept(socket, head)),
    // A path that cannot be decoded never reaches a hook.
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply.headers(securityHeaders)),
    forceCloseConnections: 'idle',
    // A stopping server still answers what reaches it, and says `Connection: close`.
    return503OnClosing: false,
  })
  fastify.decorate('config', config)
  fastify.setValidatorCompiler(createValidatorCompiler())
  await fastify.register(autoload, { dir: join(root, 'plugins'), options: { log } })
  await fastify.register(autoload, { dir: join(root, 'routes'), dirNameRoutePrefix: false })
  for (const dir of moreRoutes) await fastify.register(autoload, { dir, dirNameRoutePrefix: false })
  return fastify
}
