/** The official SDK, made to speak one version of the API, and to keep to itself what it would tell of its use. */

import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Stripe } from 'stripe'
import { apiAddress, type StripeSettings } from './settings.ts'

/** The version whose objects and parameters this folder knows; sent with each request. */
export const apiVersion = '2023-08-16'
/** For one request, in ms. */
const timeout = 10_000
/** Of a request that met a broken connection, a 409 or a 5xx; each under the key of the first. */
const retries = 1
/** For a connection that is not used, in ms. */
const keepAlive = 15_000

export interface Client {
  readonly stripe: Stripe
  close(): void
}

/** Nothing of the SDK is loaded before. */
export async function openClient(settings: StripeSettings): Promise<Client> {
  const { Stripe } = await import('stripe')
  const address = apiAddress(settings)
  const options = { keepAlive: true, timeout: keepAlive }
  const httpAgent = address.protocol === 'http' ? new HttpAgent(options) : new HttpsAgent(options)
  const stripe = new Stripe(settings.STRIPE_SECRET_KEY, {
    ...address,
    // The type names the newest version alone; older ones are spoken all the same.
    apiVersion: apiVersion as never,
    httpAgent,
    timeout,
    maxNetworkRetries: retries,
    telemetry: false,
    appInfo: { name: 'Septet' },
  })
  return { stripe, close: () => httpAgent.destroy() }
}
