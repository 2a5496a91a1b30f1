import fp from 'fastify-plugin'
import { Mail, MailDesk } from '../src/integrations/mail/index.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** What operators and readers do with mail; nothing while it is off. */
    mail: MailDesk | undefined
  }
}

/** Mail beside its deliveries: previews, addresses that are not written to, and unsubscribing. */
export default fp(
  async (fastify) => {
    const { connectors, storage, audit } = fastify
    const mail = connectors.connection('mail')
    fastify.decorate('mail', mail instanceof Mail ? new MailDesk(mail, storage.engine, audit) : undefined)
  },
  { name: 'mail', dependencies: ['connectors', 'storage', 'audit'] },
)
