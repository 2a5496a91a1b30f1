/** SendGrid's signed event WebHooks: ECDSA over the timestamp and the bytes of the body. */

import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { ConfigError } from '../../config.ts'
import type { Inbound, Received } from '../../connectors/connector.ts'
import { Problem } from '../../errors.ts'
import { reasonOf } from './message.ts'
import type { SuppressionReason } from './suppressions.ts'

/** How far the timestamp may be from now, in ms. */
const tolerance = 300_000

/** Why SendGrid did not try, where there is no such mailbox. */
const missing = /^(bounced address|invalid)$/i

/** What is kept of an event that says something of an address. */
export interface AddressEvent {
  address: string
  reason: SuppressionReason
  detail: string | null
  /** When it happened (ISO 8601). */
  at: string
}

/** An event, as far as it is read here. */
interface SendGridEvent {
  event?: unknown
  email?: unknown
  sg_event_id?: unknown
  /** Of a bounce: `bounce`, or `blocked` for a time. */
  type?: unknown
  reason?: unknown
  /** The custom argument of our messages. */
  notice?: unknown
  /** Seconds since 1970. */
  timestamp?: unknown
}

/** @throws {ConfigError} for what is no public key of the curve P-256. */
export function readEventKey(text: string): KeyObject {
  try {
    const key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' })
    if (key.asymmetricKeyType === 'ec') return key
  } catch {
    // Told below.
  }
  throw new ConfigError('SENDGRID_WEBHOOK_KEY must be the verification key that SendGrid shows')
}

/**
 * What the events say of addresses.
 *
 * @throws {Problem} `unauthenticated` for a signature that is not good or too old; `malformed-request` for a body that is
 * no list of events.
 */
export function readEvents({ headers, body }: Inbound, key: KeyObject): Received[] {
  const signature = headerOf(headers, 'x-twilio-email-event-webhook-signature')
  const timestamp = headerOf(headers, 'x-twilio-email-event-webhook-timestamp')
  const signed = Buffer.concat([Buffer.from(timestamp), body])
  const isGood = verify('sha256', signed, key, Buffer.from(signature, 'base64'))
  const isFresh = /^\d{1,12}$/.test(timestamp) && Math.abs(Date.now() - Number(timestamp) * 1000) <= tolerance
  if (!isGood || !isFresh) throw new Problem('unauthenticated', 'The signature is not good')
  return eventsOf(body).flatMap((event) => {
    const { sg_event_id: id, event: type } = event
    const data = addressEventOf(event)
    return data === undefined || typeof id !== 'string' || typeof type !== 'string' ? [] : [{ id, type, data }]
  })
}

function headerOf(headers: Inbound['headers'], name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? value : ''
}

function eventsOf(body: Buffer): SendGridEvent[] {
  try {
    const events: unknown = JSON.parse(body.toString())
    if (Array.isArray(events)) return events.filter((event) => typeof event === 'object' && event !== null)
  } catch {
    // Told below.
  }
  throw new Problem('malformed-request', 'The body is no list of events')
}

/** Nothing for what says nothing lasting of an address, and for unsubscriptions from messages of others. */
function addressEventOf({ event, email, type, reason, notice, timestamp }: SendGridEvent): AddressEvent | undefined {
  if (typeof email !== 'string') return undefined
  const detail = typeof reason === 'string' ? reasonOf(reason) : null
  const of = (why: SuppressionReason) => ({ address: email, reason: why, detail, at: momentOf(timestamp) })
  if (event === 'bounce') return type === 'blocked' ? undefined : of('bounce')
  // SendGrid did not try, for what it keeps of the address itself.
  if (event === 'dropped') return missing.test(detail ?? '') ? of('bounce') : undefined
  if (typeof notice !== 'string') return undefined
  if (event === 'spamreport') return of('complaint')
  return event === 'unsubscribe' || event === 'group_unsubscribe' ? of('unsubscribe') : undefined
}

/** A clock that is ahead does not date an event to when it has not happened yet. */
function momentOf(timestamp: unknown): string {
  const now = Date.now()
  const given = typeof timestamp === 'number' && timestamp > 0 ? timestamp * 1000 : now
  return new Date(Math.min(given, now)).toISOString()
}
