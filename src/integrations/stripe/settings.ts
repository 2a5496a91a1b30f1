/** What an operator sets to have payments. */

import { type Static, Type } from '@sinclair/typebox'
import { ConfigError, isLoopback, listOf } from '../../config.ts'

const url = '^https?://'

export const StripeSettings = Type.Object({
  STRIPE_SECRET_KEY: Type.String({
    minLength: 1,
    description: 'Secret or restricted key of the Stripe account.',
    examples: ['sk_test_51NfFxy2eZvKYlo2C'],
  }),
  STRIPE_WEBHOOK_SECRET: Type.String({
    minLength: 1,
    description:
      'Signing secret of the endpoint that Stripe sends its events to; two, separated by a comma, while it rolls.',
    examples: ['whsec_2eZvKYlo2CvzQ0'],
  }),
  STRIPE_API_URL: Type.String({
    default: 'https://api.stripe.com',
    pattern: url,
    description: 'Where the API of Stripe is.',
    examples: ['https://api.stripe.com'],
  }),
  STRIPE_SUCCESS_URL: Type.Optional(
    Type.String({
      pattern: url,
      description: 'Where a checkout leads when it is paid, unless the call says where.',
      examples: ['https://shop.example.com/paid'],
    }),
  ),
  STRIPE_CANCEL_URL: Type.Optional(
    Type.String({
      pattern: url,
      description: 'Where the way back of a checkout leads, unless the call says where.',
      examples: ['https://shop.example.com/cart'],
    }),
  ),
  STRIPE_CURRENCIES: Type.Optional(
    Type.String({
      pattern: '^[a-z]{3}( *, *[a-z]{3})*$',
      description: 'Currencies that are taken, separated by commas; without it, all.',
      examples: ['eur, usd'],
    }),
  ),
})

export type StripeSettings = Static<typeof StripeSettings>

interface Address {
  protocol: 'http' | 'https'
  host: string
  port: number
}

/** @throws {ConfigError} for what is no address of a host, and for one that a secret would reach in the clear. */
export function apiAddress({ STRIPE_API_URL: text }: StripeSettings): Address {
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (parsed === undefined || parsed.origin !== text.replace(/\/$/, ''))
    throw new ConfigError('STRIPE_API_URL must be a URL without a path such as https://api.stripe.com')
  const { hostname: host, port } = parsed
  if (parsed.protocol === 'https:') return { protocol: 'https', host, port: Number(port || 443) }
  if (!isLoopback({ HOST: host })) throw new ConfigError('STRIPE_API_URL must begin with https:, but on this machine')
  return { protocol: 'http', host, port: Number(port || 80) }
}

/** @throws {ConfigError} */
export function webhookSecrets({ STRIPE_WEBHOOK_SECRET }: StripeSettings): string[] {
  const secrets = listOf(STRIPE_WEBHOOK_SECRET)
  if (secrets.length === 0) throw new ConfigError('STRIPE_WEBHOOK_SECRET must hold a secret')
  return secrets
}
