/** Changes that Salesforce tells of: signed, and read from there before they are believed. */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { type Static, Type } from '@sinclair/typebox'
import { Ajv } from 'ajv'
import type { Inbound, Received } from '../../connectors/connector.ts'
import { Problem } from '../../errors.ts'

/** One contact that has changed. What it has become is read from Salesforce: more than this is not looked at. */
export const Change = Type.Object({
  /** Of the contact. */
  id: Type.String({ minLength: 15, maxLength: 18, pattern: '^[A-Za-z0-9]+$' }),
  /** The id of the user; a contact without one is nobody here. */
  externalId: Type.Optional(Type.Union([Type.String({ maxLength: 40 }), Type.Integer(), Type.Null()])),
  systemModstamp: Type.Optional(Type.String({ maxLength: 40 })),
})

export type Change = Static<typeof Change>

const isChanges = new Ajv({ strict: false }).compile<Change | Change[]>(
  Type.Union([Change, Type.Array(Change, { maxItems: 1000 })]),
)

/** How far the clock of a signature may be off, in seconds. */
const tolerance = 300

/**
 * Verifies and reads a message: `x-salesforce-signature: t=<seconds>,v1=<HMAC-SHA256 of "t.body" in hex>`.
 *
 * @throws {Problem} `unauthenticated`, `malformed-request`
 */
export function changesOf({ headers, body }: Inbound, secret: string): Received[] {
  const signature = String(headers['x-salesforce-signature'] ?? '')
  verify(signature, body, secret)
  const said = parse(body)
  if (!isChanges(said)) throw new Problem('malformed-request', 'The body must be a change, or a list of changes')
  // Each message is one saying of its own: two changes in one second have the same time stamp.
  const message = createHash('sha256').update(signature).digest('hex').slice(0, 40)
  return [said].flat().flatMap((change, index) => {
    if (userIdOf(change) === undefined) return []
    const { id, externalId, systemModstamp } = change
    return [{ id: `${message}-${index}`, type: 'contact.changed', data: { id, externalId, systemModstamp } }]
  })
}

/** Nothing for a contact that no user has. */
export function userIdOf({ externalId }: Pick<Change, 'externalId'>): number | undefined {
  const id = /^\d+$/.test(String(externalId)) ? Number(externalId) : 0
  return Number.isSafeInteger(id) && id > 0 ? id : undefined
}

function verify(signature: string, body: Buffer, secret: string): void {
  const [, time = '', given = ''] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(signature) ?? []
  const own = createHmac('sha256', secret).update(`${time}.`).update(body).digest()
  const isGood = given !== '' && timingSafeEqual(own, Buffer.from(given, 'hex'))
  if (!isGood) throw new Problem('unauthenticated', 'The signature of Salesforce is not good')
  if (Math.abs(Date.now() / 1000 - Number(time)) > tolerance)
    throw new Problem('unauthenticated', 'The signature of Salesforce is too old, or from the future')
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new Problem('malformed-request', 'The body is not JSON')
  }
}
