import fp from 'fastify-plugin'
import { Gauge } from 'prom-client'
import { listOf } from '../src/config.ts'
import { routeUpgrades, WebSockets } from '../src/protocols/websocket/index.ts'

declare module 'fastify' {
  interface FastifyInstance {
    webSockets: WebSockets
  }
  interface FastifyContextConfig {
    /** Whether WebSockets are opened here. */
    webSocket?: true
  }
}

/** WebSockets: an upgrade is a request like any other, until it is accepted. */
export default fp(
  async (fastify) => {
    const { config, contract, events } = fastify
    const webSockets = new WebSockets({
      contract,
      eventTypes: () => events.types.values(),
      origins: [...listOf(config.CORS_ORIGINS), ...(config.PUBLIC_URL === undefined ? [] : [config.PUBLIC_URL])],
      maxMessage: config.BODY_LIMIT,
      maxConnections: config.MAX_CONNECTIONS,
      maxPerAddress: config.MAX_CONNECTIONS_PER_ADDRESS,
      callsPerSecond: config.MAX_CALLS_PER_SECOND,
    })
    fastify.decorate('webSockets', webSockets)
    const paths = new Set<string>()
    fastify.addHook('onRoute', ({ config, url }) => void (config?.webSocket && paths.add(url)))
    routeUpgrades(fastify.server, paths, (request, response) => fastify.routing(request, response))
    fastify.addHook('preClose', () => webSockets.drain(config.SHUTDOWN_TIMEOUT))
    new Gauge({
      name: 'websocket_connections',
      help: 'WebSockets that are open.',
      registers: [fastify.metrics],
      collect() {
        this.set(webSockets.size)
      },
    })
  },
  { name: 'websocket', dependencies: ['contract', 'events', 'metrics', 'shutdown'] },
)
