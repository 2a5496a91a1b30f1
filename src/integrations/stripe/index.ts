/** Payments through Stripe. */

import type { Connector } from '../../connectors/connector.ts'
import { customerMigrations } from './collections.ts'
import { StripeConnection } from './connection.ts'
import { StripeSettings } from './settings.ts'

const stripe: Connector<typeof StripeSettings> = {
  name: 'stripe',
  title: 'Stripe',
  description: 'Users become customers; they pay by payment intents and checkout sessions, and get refunds.',
  settings: StripeSettings,
  types: ['user.*', 'payment.created', 'refund.created'],
  migrations: customerMigrations,
  connect: (settings, host) => StripeConnection.open(settings, host),
}

export default stripe
