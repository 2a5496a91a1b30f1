/** SendGrid's signed event WebHooks: ECDSA over the timestamp and the bytes of the body. */

import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { ConfigError } from '../../config.ts'
import type { Inbound, Received } from '../../connectors/connector.ts'
import { Problem } from '../../errors.ts'
import { isEmail } from '../../schemas/email.ts'
import { reasonOf } from './message.ts'
import type { SuppressionReason } from './suppressions.ts'

/**
 * How old a WebHook may be, in ms: SendGrid tries one that was not taken again for a day. What comes twice is known by the
 * ids of its events.
 */
const oldest = 2 * 86_400_000
/** How far its clock may be ahead, in ms. */
const tolerance = 300_000
/** An id or a type of an event. */
const plain = /^[\x21-\x7e]{1,255}$/

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
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key
  } catch {
    // Told below.
  }
  throw new ConfigError('SENDGRID_WEBHOOK_KEY must be the verification key that SendGrid shows')
}

/**
 * What the events say of addresses. `onLeftOut` is told the type of one whose id or address is not good: the others of the
 * same WebHook are none the worse for it.
 *
 * @throws {Problem} `unauthenticated` for a signature that is not good or too old; `malformed-request` for a body that is
 * no list of events.
 */
export function readEvents({ headers, body }: Inbound, key: KeyObject, onLeftOut: (type: string) => void): Received[] {
  const signature = headerOf(headers, 'x-twilio-email-event-webhook-signature')
  const timestamp = headerOf(headers, 'x-twilio-email-event-webhook-timestamp')
  const signed = Buffer.concat([Buffer.from(timestamp), body])
  const isGood = verify('sha256', signed, key, Buffer.from(signature, 'base64'))
  const age = /^\d{1,12}$/.test(timestamp) ? Date.now() - Number(timestamp) * 1000 : Number.NaN
  const isFresh = age <= oldest && age >= -tolerance
  if (!isGood || !isFresh) throw new Problem('unauthenticated', 'The signature is not good')
  return eventsOf(body).flatMap((event) => {
    const data = addressEventOf(event)
    if (data === undefined) return []
    const { sg_event_id: id, event: type } = event
    if (isPlain(id) && isPlain(type) && isEmail(data.address)) return [{ id, type, data }]
    onLeftOut(String(type))
    return []
  })
}

function isPlain(value: unknown): value is string {
  return typeof value === 'string' && plain.test(value)
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
  const detail = typeof reason === 'string' ? reasonOf(reason) : null
  const of = (why: SuppressionReason) => ({
    address: typeof email === 'string' ? email : '',
    reason: why,
    detail,
    at: momentOf(timestamp),
  })
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
