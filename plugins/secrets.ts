import fp from 'fastify-plugin'
import { ownSecret } from '../src/auth/own-secret.ts'
import { Secrets } from '../src/auth/secrets.ts'
import { listOf } from '../src/config.ts'

declare module 'fastify' {
  interface FastifyInstance {
    secrets: Secrets
  }
}

/** Keys derived from `SECRET`, or outside production from one that the first start puts beside the database. */
export default fp(
  async (fastify) => {
    const { SECRET, DATA_DIR } = fastify.config
    fastify.decorate('secrets', new Secrets(SECRET === undefined ? [ownSecret(DATA_DIR)] : listOf(SECRET)))
  },
  { name: 'secrets' },
)
