import fp from 'fastify-plugin'
import { StripeConnection } from '../src/integrations/stripe/connection.ts'
import type { Payments } from '../src/integrations/stripe/payments.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Nothing where the connector of Stripe is off. */
    payments: Payments | undefined
  }
}

/** Payments, while the connector of Stripe is on. */
export default fp(
  async (fastify) => {
    const connection = fastify.connectors.connection('stripe')
    fastify.decorate('payments', connection instanceof StripeConnection ? connection.payments : undefined)
  },
  { name: 'payments', dependencies: ['connectors'] },
)
