import fp from 'fastify-plugin'
import { ConfigError, listOf } from '../src/config.ts'
import { TargetDeliveries } from '../src/deliveries/target-deliveries.ts'
import { OutboundClient } from '../src/outbound/client.ts'
import { OutboundGuard } from '../src/outbound/guard.ts'
import { EndpointDeliveries } from '../src/protocols/webhooks/endpoint-deliveries.ts'
import { EndpointKeys } from '../src/protocols/webhooks/endpoint-keys.ts'
import { EndpointRights } from '../src/protocols/webhooks/endpoint-rights.ts'
import { endpointMigrations } from '../src/protocols/webhooks/endpoint-sql.ts'
import { EndpointTargets } from '../src/protocols/webhooks/endpoint-targets.ts'
import { Endpoints } from '../src/protocols/webhooks/endpoints.ts'
import { endpointDisabled } from '../src/protocols/webhooks/events.ts'

declare module 'fastify' {
  interface FastifyInstance {
    webhooks: { endpoints: Endpoints; deliveries: EndpointDeliveries }
  }
}

/** WebHooks by Standard Webhooks 1.0.0: endpoints are targets of deliveries. */
export default fp(
  async (fastify) => {
    const { storage, secrets, audit, access, apiKeys, events, deliveries, config } = fastify
    const { engine } = storage
    storage.declare(endpointMigrations)
    events.declare([endpointDisabled])
    const keys = new EndpointKeys(secrets)
    const rights = new EndpointRights((principal) => {
      const [kind, id = ''] = principal.split(':')
      if (kind === 'user') return access.scopesOf(Number(id))
      if (kind === 'api-key') return apiKeys.scopesOf(id)
      return principal === access.anonymous.id ? [...access.anonymous.scopes] : undefined
    })
    const guard = guardOf(config.WEBHOOK_ALLOW)
    const client = new OutboundClient(guard, config.WEBHOOK_TIMEOUT)
    const onOpen = () => deliveries.wake()
    const endpoints = new Endpoints({ engine, keys, rights, audit, events, guard, onOpen })
    const { sql } = endpoints
    const patience = deliveries.schedule.total * enough
    const targets = new EndpointTargets({ engine, sql, keys, rights, events, client, patience })
    deliveries.register(targets)
    deliveries.addFollowers(targets)
    const source = () => fastify.publicUrl()
    const ofTargets = new TargetDeliveries(engine, deliveries, events.log)
    const shared = { engine, endpoints, targets, deliveries, ofTargets, source }
    fastify.decorate('webhooks', { endpoints, deliveries: new EndpointDeliveries(shared) })
    fastify.addHook('onClose', async () => {
      await deliveries.stop(config.SHUTDOWN_TIMEOUT / 2)
      await client.close()
    })
  },
  {
    name: 'webhooks',
    dependencies: ['storage', 'secrets', 'audit', 'access', 'api-keys', 'events', 'deliveries', 'public-url'],
  },
)

/** Of the whole schedule: chance shortens its waits by up to a tenth. */
const enough = 0.8

function guardOf(allowed: string): OutboundGuard {
  try {
    return new OutboundGuard(listOf(allowed))
  } catch (error) {
    throw new ConfigError(`WEBHOOK_ALLOW must hold hosts, addresses and networks: ${(error as Error).message}`)
  }
}
