import fp from 'fastify-plugin'
import { Audit } from '../src/auth/audit.ts'

declare module 'fastify' {
  interface FastifyInstance {
    audit: Audit
  }
}

const day = 86_400_000
const hour = 3_600_000

/** The audit trail, and its retention. */
export default fp(
  async (fastify) => {
    const audit = new Audit(fastify.storage)
    fastify.decorate('audit', audit)
    const forget = () =>
      audit
        .forgetAfter(fastify.config.AUDIT_DAYS * day)
        .catch((error: unknown) => fastify.log.warn({ err: error }, 'old audit events stay'))
    let timer: NodeJS.Timeout | undefined
    fastify.addHook('onReady', async () => {
      await forget()
      timer = setInterval(forget, hour).unref()
    })
    fastify.addHook('onClose', async () => clearInterval(timer))
  },
  { name: 'audit', dependencies: ['storage'] },
)
