import fp from 'fastify-plugin'
import { Digests, digestMigrations, looksLikeDigest } from '../src/auth/digest.ts'

declare module 'fastify' {
  interface FastifyInstance {
    digests: Digests
  }
}

/** API keys proven by digests, as WS-Security has them. */
export default fp(
  async (fastify) => {
    const { storage, secrets, apiKeys, access, hourly } = fastify
    storage.declare(digestMigrations)
    const digests = new Digests(storage.engine, secrets, apiKeys)
    fastify.decorate('digests', digests)
    access.accept({ recognises: looksLikeDigest, authenticate: (credential) => digests.authenticate(credential) })
    hourly(() => digests.forget(), 'old nonces stay')
  },
  { name: 'digests', dependencies: ['storage', 'secrets', 'api-keys', 'access', 'hourly'] },
)
