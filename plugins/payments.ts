import fp from 'fastify-plugin'
import { type Payments, StripeConnection } from '../src/integrations/stripe/index.ts'

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
