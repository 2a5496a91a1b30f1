/** Payments through Stripe. */

import type { Connector } from '../../connectors/connector.ts'
import { customerMigrations } from './collections.ts'
import { StripeConnection } from './connection.ts'
import { StripeSettings } from './settings.ts'

/** One request that Stripe takes its time over, tried twice, and a few more, in ms. What a killed process was at waits as long. */
const longestAttempt = 30_000

export { StripeConnection } from './connection.ts'
export type { Payments } from './payments.ts'

const stripe: Connector<typeof StripeSettings> = {
  name: 'stripe',
  title: 'Stripe',
  description: 'Users become customers; they pay by payment intents and checkout sessions, and get refunds.',
  settings: StripeSettings,
  types: ['user.*', 'payment.created', 'refund.created'],
  migrations: customerMigrations,
  timeout: longestAttempt,
  connect: (settings, host) => StripeConnection.open(settings, host),
}

export default stripe
