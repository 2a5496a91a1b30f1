/** One attempt to deliver an event to an endpoint. */

import type { Delivery, Finding, Outcome } from '../../deliveries/delivery.ts'
import { NoAnswer, type OutboundAnswer, type OutboundClient } from '../../outbound/client.ts'
import { waitOf } from '../../outbound/retry-after.ts'
import type { EndpointKeys } from './endpoint-keys.ts'
import type { EndpointRow } from './endpoint-sql.ts'

/** Posts the event as Standard Webhooks 1.0.0 says: signed, and again under the same id at each attempt. */
export async function attempt(
  client: OutboundClient,
  keys: EndpointKeys,
  endpoint: EndpointRow,
  { eventId, body }: Delivery,
  signal: AbortSignal,
): Promise<Outcome> {
  const timestamp = Math.floor(Date.now() / 1000)
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Septet-Webhooks/1.0',
    'webhook-id': eventId,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': keys
      .signersOf(endpoint)
      .map((signer) => signer(eventId, timestamp, body))
      .join(' '),
  }
  try {
    return outcomeOf(await client.post({ url: endpoint.url, headers, body, signal }))
  } catch (error) {
    if (error instanceof NoAnswer) return { as: 'retry', error: error.message }
    throw error
  }
}

/** Only 2xx is success. 410 says that nothing is wanted any more; 429 and 503 may say for how long nothing is. */
function outcomeOf({ status, excerpt, retryAfter }: OutboundAnswer): Outcome {
  const finding: Finding = { status, excerpt }
  if (status >= 200 && status < 300) return { as: 'delivered', ...finding }
  if (status === 410) return { as: 'dead', ...finding, error: 'The endpoint says that it is gone' }
  if (status >= 300 && status < 400) return { as: 'retry', ...finding, error: 'Redirects are not followed' }
  const after = status === 429 || status === 503 ? waitOf(retryAfter) : undefined
  return { as: 'retry', ...finding, after, error: `The endpoint answered ${status}` }
}
