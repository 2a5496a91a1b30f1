import fp from 'fastify-plugin'
import { Gauge } from 'prom-client'
import { listOf } from '../src/config.ts'
import { createParse } from '../src/contract/parse-json.ts'
import { JsonRpc } from '../src/protocols/json-rpc/index.ts'
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

/** JSON-RPC over WebSocket: an upgrade is a request like any other, until it is accepted. */
export default fp(
  async (fastify) => {
    const { config, contract, dispatch, access } = fastify
    const parse = createParse(fastify.getDefaultJsonParser('error', 'error'))
    const authenticate = (credential: string) => access.authenticate(credential)
    const webSockets = new WebSockets({
      contract,
      rpc: () => new JsonRpc({ dispatch, contract, parse, authenticate }),
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
    fastify.addHook('onReady', async () => webSockets.start())
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
  { name: 'websocket', dependencies: ['dispatch', 'access', 'contract', 'metrics', 'shutdown'] },
)
