import fp from 'fastify-plugin'
import { SigningKeys, signingKeyMigrations } from '../src/auth/signing-keys.ts'

declare module 'fastify' {
  interface FastifyInstance {
    signingKeys: SigningKeys
  }
}

/** The keys that sign access tokens: read, followed and published. */
export default fp(
  async (fastify) => {
    const { storage, secrets, config, log } = fastify
    storage.declare(signingKeyMigrations)
    const keys = new SigningKeys(storage.engine, secrets, {
      days: config.SIGNING_KEY_DAYS,
      warn: (message, error) => log.warn({ err: error }, message),
    })
    fastify.decorate('signingKeys', keys)
    fastify.addHook('onReady', () => keys.start())
    fastify.addHook('onClose', async () => keys.stop())
  },
  { name: 'signing-keys', dependencies: ['storage', 'secrets'] },
)
