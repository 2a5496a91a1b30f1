import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { firstAdminKey, settleAdminKeys } from '../src/auth/admin-key.ts'
import { looksLikeApiKey } from '../src/auth/api-key.ts'
import { keyEvents } from '../src/auth/api-key-events.ts'
import { apiKeyMigrations } from '../src/auth/api-key-sql.ts'
import { ApiKeys } from '../src/auth/api-keys.ts'

declare module 'fastify' {
  interface FastifyInstance {
    apiKeys: ApiKeys & {
      /** The admin key, when this start has made it. */
      first?: string | undefined
    }
  }
}

/** How often the time of last use is written, in ms. */
const usesEvery = 10_000

/** API keys as credentials; the first start makes the one that opens everything. */
export default fp(
  async (fastify) => {
    const { storage, secrets, audit, access, events, sessions, config } = fastify
    storage.declare(apiKeyMigrations)
    events.declare(Object.values(keyEvents))
    const keys: typeof fastify.apiKeys = new ApiKeys({
      engine: storage.engine,
      secrets,
      audit,
      scopesOf: (userId) => access.scopesOf(userId),
      knownScopes: access.scopes,
    })
    fastify.decorate('apiKeys', keys)
    sessions.follow(keys)
    access.accept({ recognises: looksLikeApiKey, authenticate: (credential) => keys.authenticate(credential) })
    fastify.addHook('onRoute', (route) => {
      if (route.schema?.operationId !== 'deleteUser') return
      route.preHandler = [
        ...[route.preHandler ?? []].flat(),
        async (request: FastifyRequest) => revokeWith(request, keys),
      ]
    })
    const writeUses = () =>
      keys.writeUses().catch((error: unknown) => fastify.log.warn({ err: error }, 'the use of keys is not written'))
    let timer: NodeJS.Timeout | undefined
    fastify.addHook('onReady', async () => {
      keys.first = await firstAdminKey(storage.engine, keys, config.DATA_DIR)
      await settleAdminKeys(keys, config.DATA_DIR, fastify.log)
      timer = setInterval(writeUses, usesEvery).unref()
    })
    fastify.addHook('preClose', async () => {
      clearInterval(timer)
      await writeUses()
    })
  },
  { name: 'api-keys', dependencies: ['storage', 'secrets', 'audit', 'access', 'events', 'sessions', 'accounts'] },
)

/** The keys of a user who is deleted go with it: they are revoked in the same write, and that is told. */
function revokeWith(request: FastifyRequest, keys: ApiKeys): void {
  const { id } = request.params as { id: number }
  const before = [...(request.alongside?.before ?? []), ...keys.revocation(id)]
  request.alongside = { ...request.alongside, before }
}
