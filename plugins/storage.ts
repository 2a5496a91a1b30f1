import fp from 'fastify-plugin'
import { Store } from '../src/storage/store.ts'

declare module 'fastify' {
  interface FastifyInstance {
    storage: Store
  }
}

/** Opens the database that the settings name, migrates it once all routes have declared their collections, closes it last. */
export default fp(
  async (fastify) => {
    const { DATABASE_URL, DATA_DIR, SEED, NODE_ENV, IDEMPOTENCY_HOURS, KEEP_BYTES } = fastify.config
    const engine = DATABASE_URL
      ? (await import('../src/storage/postgres/index.ts')).openPostgres(DATABASE_URL)
      : (await import('../src/storage/sqlite/index.ts')).openSqlite(DATA_DIR)
    const store = new Store(engine, KEEP_BYTES)
    fastify.decorate('storage', store)
    fastify.addHook('onReady', async () => {
      const applied = await store.migrate(SEED ?? NODE_ENV !== 'production')
      if (applied.length > 0) fastify.log.info({ migrations: applied }, 'migrated')
      store.forgetRepliesAfter(IDEMPOTENCY_HOURS * 3_600_000, (error) =>
        fastify.log.warn({ err: error }, 'old replies stay'),
      )
    })
    fastify.addHook('onClose', () => store.close())
  },
  { name: 'storage' },
)
