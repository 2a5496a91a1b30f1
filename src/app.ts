/** Composes the server: HTTP limits, then every plugin, then every route. */

import type { IncomingMessage, RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import autoload from '@fastify/autoload'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { type Config, listOf } from './config.ts'
import { createClientErrorHandler } from './contract/client-error.ts'
import { FailureLog } from './contract/failure-log.ts'
import { sendProblem } from './contract/problem-of.ts'
import { createSecureServer, readCertificate } from './contract/secure-server.ts'
import { securityHeaders } from './contract/security-headers.ts'
import { validatorCompiler } from './contract/validator.ts'
import { createLog, type Log } from './logger.ts'
import { createRequestIds } from './request-id.ts'

declare module 'fastify' {
  interface FastifyInstance {
    config: Config
  }
}

const root = join(import.meta.dirname, '..')
/** In ms; longer than the 60 s after which common load balancers drop an idle connection. */
const keepAliveTimeout = 72_000

/** For one plugin to be loaded, in ms: a machine that is busy takes its time, and a start is not to fail by that. */
const pluginTimeout = 60_000

/** Builds the app without listening. Further folders of routes can be given for examples and tests. */
export async function createApp(
  config: Config,
  log: Log = createLog(config),
  moreRoutes: readonly string[] = [],
): Promise<FastifyInstance> {
  const certificate = readCertificate(config)
  const http = {
    headersTimeout: Math.ceil(config.REQUEST_TIMEOUT / 3),
    connectionsCheckingInterval: Math.min(5000, Math.ceil(config.REQUEST_TIMEOUT / 6)),
    maxHeaderSize: 16_384,
    // Some clients offer h2c with their first request: it is a request, and its body is to be read. So is what asks
    // for a WebSocket by another method than GET (RFC 6455 section 4.1).
    shouldUpgradeCallback: ({ method, headers }: IncomingMessage) =>
      method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket',
  }
  const limits = { requestTimeout: config.REQUEST_TIMEOUT, keepAliveTimeout }
  const onHttp2 = (socket: Socket, sent: Buffer = Buffer.alloc(0)) => fastify.grpcPort.accept(socket, sent)
  const sharesPort = config.GRPC_PORT === undefined
  const fastify: FastifyInstance = Fastify({
    loggerInstance: log.logger,
    logController: new FailureLog(),
    genReqId: createRequestIds(),
    trustProxy: config.TRUST_PROXY === '' ? false : listOf(config.TRUST_PROXY),
    bodyLimit: config.BODY_LIMIT,
    pluginTimeout,
    ...limits,
    http,
    ...(certificate && {
      https: certificate,
      serverFactory: (handler: RequestListener) =>
        createSecureServer({ ...http, ...limits, ...certificate }, handler, sharesPort ? onHttp2 : undefined),
    }),
    clientErrorHandler: createClientErrorHandler(sharesPort ? onHttp2 : undefined),
    // A path that cannot be decoded never reaches a hook.
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply.headers(securityHeaders)),
    forceCloseConnections: 'idle',
    // A stopping server still answers what reaches it, and says `Connection: close`.
    return503OnClosing: false,
    // Whether it is HTTP or HTTPS is known when it runs; what differs in types is the server alone.
  } as FastifyServerOptions) as FastifyInstance
  fastify.decorate('config', config)
  fastify.setValidatorCompiler(validatorCompiler)
  await fastify.register(autoload, { dir: join(root, 'plugins'), options: { log } })
  await fastify.register(autoload, { dir: join(root, 'routes'), dirNameRoutePrefix: false })
  for (const dir of moreRoutes) await fastify.register(autoload, { dir, dirNameRoutePrefix: false })
  return fastify
}
