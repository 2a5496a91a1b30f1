import { join } from 'node:path'
import fp from 'fastify-plugin'
import type { ConnectorHost } from '../src/connectors/connector.ts'
import { connectorMigrations } from '../src/connectors/connector-sql.ts'
import { Connectors } from '../src/connectors/connectors.ts'
import { loadConnectors } from '../src/connectors/load.ts'
import { CollectionRecords } from '../src/connectors/user-records.ts'

declare module 'fastify' {
  interface FastifyInstance {
    connectors: Connectors
  }
}

const integrations = join(import.meta.dirname, '../src/integrations')

/** Connectors to other services, those that the settings switch on. */
export default fp(
  async (fastify) => {
    const { storage, deliveries, events, notices, secrets, config, log, publicUrl } = fastify
    storage.declare(connectorMigrations)
    const users = new CollectionRecords(storage)
    const isProduction = config.NODE_ENV === 'production'
    const host: ConnectorHost = { storage, log, notices, deliveries, users, secrets, publicUrl, isProduction }
    const connectors = new Connectors(
      { engine: storage.engine, deliveries, eventLog: events.log, users, log },
      config.env,
    )
    const folders = config.CONNECTORS === undefined ? [integrations] : [integrations, config.CONNECTORS]
    for (const connector of (await Promise.all(folders.map(loadConnectors))).flat()) {
      await connectors.add(connector, host)
      if (connectors.connection(connector.name) === undefined) continue
      storage.declare(connector.migrations ?? [])
      events.declare(connector.events ?? [])
    }
    fastify.decorate('connectors', connectors)
    deliveries.addFollowers(connectors.following)
    fastify.addHook('onReady', () => connectors.begin())
    fastify.hourly(() => connectors.following.renew(), 'connectors could not say that they follow')
    fastify.addHook('onClose', async () => {
      await deliveries.stop(config.SHUTDOWN_TIMEOUT / 2)
      await connectors.close()
    })
  },
  {
    name: 'connectors',
    dependencies: ['storage', 'deliveries', 'events', 'hourly', 'notices', 'secrets', 'public-url'],
  },
)
