import { join } from 'node:path'
import fp from 'fastify-plugin'
import { Notices, noticeCreated, noticeMigrations } from '../src/auth/notices.ts'

declare module 'fastify' {
  interface FastifyInstance {
    notices: Notices
  }
}

/** Messages to people, kept until they are sent; outside production files in `DATA_DIR/notices` too. */
export default fp(
  async (fastify) => {
    const { NODE_ENV, DATA_DIR } = fastify.config
    fastify.storage.declare(noticeMigrations)
    fastify.events.declare([noticeCreated])
    const notices = new Notices(fastify.storage.engine, fastify.secrets, {
      baseUrl: () => fastify.publicUrl(),
      folder: NODE_ENV === 'production' ? undefined : join(DATA_DIR, 'notices'),
      onFile: (file) => fastify.log.info({ file }, 'a notice to be mailed is in the folder notices of DATA_DIR'),
      onError: (error) => fastify.log.warn({ err: error }, 'a notice could not be written to a file'),
      onUnreadable: (error, id) => fastify.log.warn({ err: error, notice: id }, 'a notice cannot be opened'),
    })
    fastify.decorate('notices', notices)
  },
  { name: 'notices', dependencies: ['storage', 'secrets', 'events', 'public-url'] },
)
