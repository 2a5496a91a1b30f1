/** What tests of the way back begin with. */

import { createHmac } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { Outcome } from '../../../src/deliveries/delivery.ts'
import { type Joined, join, never, secret } from './setup.ts'

export const fatima = { name: 'Fatima', email: 'fatima@example.com' }
export const both = { SALESFORCE_WEBHOOK_SECRET: secret }

/** A message as the trigger of the README signs it. */
export function signed(body: string, { key = secret, at = Math.floor(Date.now() / 1000) } = {}) {
  const mac = createHmac('sha256', key).update(`${at}.${body}`).digest('hex')
  return { headers: { 'x-salesforce-signature': `t=${at},v1=${mac}` }, body: Buffer.from(body) }
}

/** Makes a user somebody who may sign in. */
export async function account(app: FastifyInstance, userId: number, role: string): Promise<void> {
  const { kysely } = app.storage.engine.dialect
  const given = { user_id: userId, role, created_at: '', updated_at: '' }
  const { sql, parameters } = kysely.insertInto('accounts').values(given).compile()
  const constants = parameters.map((constant) => ({ constant }))
  await app.storage.engine.write([[{ name: `an account of ${userId}`, sql, parameters: constants }, {}]])
}

/** Tells of the contact of a user as it is now, and handles that. */
export async function tell({ crm, connection }: Joined, userId: number): Promise<Outcome | undefined> {
  const { Id: id, SystemModstamp: systemModstamp } = crm.org.contact(userId) ?? {}
  const [received] =
    (await connection.receive?.(
      signed(
        JSON.stringify([{ id, systemModstamp, externalId: String(userId), fields: { LastName: 'not looked at' } }]),
      ),
    )) ?? []
  return received && connection.handle?.(received, never)
}

/** Starts tests of one engine. */
export function starts(database: (t: Test) => Promise<Record<string, string>>) {
  const start = async (t: Test, settings: Record<string, string> = {}) =>
    join(t, { ...both, ...settings }, await database(t))

  /** A user with a contact that agrees with it. */
  async function agreed(t: Test, settings: Record<string, string> = {}) {
    const joined = await start(t, settings)
    const id = await joined.create(fatima)
    t.match(await joined.send(id, 'user.created'), { as: 'delivered', error: undefined })
    return { ...joined, joined, id, writes: () => joined.crm.org.writes }
  }

  return { start, agreed }
}
