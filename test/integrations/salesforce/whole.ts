/** The whole server with Salesforce on, as its operator sees it. */

import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Connector } from '../../../routes/connectors/schema.ts'
import type { Delivery as DeliverySchema } from '../../../src/schemas/delivery.ts'
import { build } from '../../helper.ts'
import { type Counterpart, startSalesforce } from './counterpart.ts'
import { privateKey, settingsFor } from './setup.ts'

type Delivery = typeof DeliverySchema.static

/** Attempts at once, and again within a moment. */
const quick = { WEBHOOK_WAITS: `0 ${'0.05 '.repeat(40).trim()}`, WEBHOOK_TIMEOUT: '1000', SEED: 'false' }

export async function whole(t: Test, settings: Record<string, string> = {}, given?: Counterpart) {
  const crm = given ?? (await startSalesforce(t, privateKey))
  const built = await build(t, { ...quick, ...(settingsFor(crm) as Record<string, string>), ...settings })
  const { app } = built
  const headers = { 'x-api-key': app.apiKeys.first ?? '' }
  const get = async <Value>(url: string) => (await app.inject({ url, headers })).json<Value>()
  return {
    ...built,
    crm,
    get,
    post: (url: string, payload?: object) => app.inject({ method: 'POST', url, headers, ...(payload && { payload }) }),
    change: (id: number, payload: object) => app.inject({ method: 'PATCH', url: `/users/${id}`, headers, payload }),
    status: () => get<typeof Connector.static>('/connectors/salesforce'),
    deliveries: (query = '') => get<Delivery[]>(`/connectors/salesforce/deliveries${query}`),
    addUser: async (name: string) =>
      (
        await app.inject({ method: 'POST', url: '/users', headers, payload: { name, email: `${name}@example.com` } })
      ).json<{ id: number }>().id,
  }
}

export async function until<Value>(
  read: () => Promise<Value> | Value,
  holds: (value: Value) => unknown,
): Promise<Value> {
  for (const end = Date.now() + 20_000; ; await wait(5)) {
    const value = await read()
    if (holds(value)) return value
    if (Date.now() > end) throw new Error(`never: ${JSON.stringify(value)}`)
  }
}
