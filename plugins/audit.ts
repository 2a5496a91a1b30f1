import fp from 'fastify-plugin'
import { Audit } from '../src/auth/audit.ts'

declare module 'fastify' {
  interface FastifyInstance {
    audit: Audit
  }
}

const day = 86_400_000

/** The audit trail, and its retention. */
export default fp(
  async (fastify) => {
    const audit = new Audit(fastify.storage)
    fastify.decorate('audit', audit)
    fastify.hourly(() => audit.forgetAfter(fastify.config.AUDIT_DAYS * day), 'old audit events stay')
  },
  { name: 'audit', dependencies: ['storage', 'hourly'] },
)
