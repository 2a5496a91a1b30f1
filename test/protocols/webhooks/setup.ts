/** An app that may send to this machine, and what its owner does with endpoints. */

import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import type { NewEndpoint } from '../../../routes/webhooks/schema.ts'
import type { DeliveryDetail, Delivery as DeliverySchema } from '../../../src/schemas/delivery.ts'
import { build } from '../../helper.ts'

export type Made = typeof NewEndpoint.static
export type Delivery = typeof DeliverySchema.static
export type Detail = typeof DeliveryDetail.static

/** Attempts at once, and again within a moment. */
export const quick = { WEBHOOK_ALLOW: '127.0.0.1', WEBHOOK_WAITS: '0 0.02 0.02', WEBHOOK_TIMEOUT: '1000' }

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

export async function setup(t: Test, settings: Record<string, string> = {}) {
  const built = await build(t, { ...quick, ...settings })
  const { app } = built
  const admin = app.apiKeys.first ?? ''
  const call = (method: Method, url: string, payload?: object, key = admin) =>
    app.inject({ method, url, headers: { 'x-api-key': key }, ...(payload && { payload }) })
  let users = 0
  async function until<Value>(url: string, holds: (value: Value) => boolean): Promise<Value> {
    for (const end = Date.now() + 10_000; ; await wait(5)) {
      const value = (await call('GET', url)).json<Value>()
      if (holds(value)) return value
      if (Date.now() > end) throw new Error(`never: ${JSON.stringify(value)}`)
    }
  }
  return {
    ...built,
    admin,
    call,
    async endpoint(input: object, key = admin): Promise<Made> {
      const answer = await call('POST', '/webhooks', input, key)
      if (answer.statusCode !== 201) throw new Error(answer.body)
      return answer.json<Made>()
    },
    /** Makes something happen. */
    async addUser(): Promise<void> {
      users += 1
      await call('POST', '/users', { name: `User ${users}`, email: `user-${users}@example.com` })
    },
    async deliveries(id: number, query = ''): Promise<Delivery[]> {
      return (await call('GET', `/webhooks/${id}/deliveries${query}`)).json<Delivery[]>()
    },
    async delivery(id: number, deliveryId: number): Promise<Detail> {
      return (await call('GET', `/webhooks/${id}/deliveries/${deliveryId}`)).json<Detail>()
    },
    /** Waits until every delivery of an endpoint is settled. */
    settled: (id: number, count = 1) =>
      until(`/webhooks/${id}/deliveries?limit=100`, (all: Delivery[]) => {
        return all.length >= count && all.every(({ state }) => state !== 'waiting')
      }),
    /** Asks until the answer is as wanted. */
    until,
  }
}
