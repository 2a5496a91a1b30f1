/** A server with payments on, its counterpart, and what people do with both. */

import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Connector } from '../../../routes/connectors/schema.ts'
import type { Payment, Refund } from '../../../routes/payments/schema.ts'
import type { Delivery as DeliverySchema } from '../../../src/schemas/delivery.ts'
import { build } from '../../helper.ts'
import { makeKey } from '../../keys.ts'
import { raw } from '../../storage/setup.ts'
import { type Counterpart, openCounterpart, signed } from './counterpart.ts'

export type PaymentView = typeof Payment.static
export type RefundView = typeof Refund.static
type Status = typeof Connector.static
type Delivery = typeof DeliverySchema.static
type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** Attempts at once, and again within a moment. */
export const quick = { WEBHOOK_WAITS: `0 ${'0.05 '.repeat(20).trim()}`, WEBHOOK_TIMEOUT: '5000', SEED: 'false' }
/** Of members, with payments. */
export const memberScopes = {
  MEMBER_SCOPES: 'users:read keys:read keys:write payments:read payments:write payments:refund events:read',
}
/** Settings that lead to a new database. */
export type NewDatabase = (t: Test) => Promise<Record<string, string>>
export const intent = { amount: 1999, currency: 'eur', description: 'Two tickets' }

export async function setup(t: Test, settings: Record<string, string> = {}, given?: Counterpart) {
  const counterpart = given ?? (await openCounterpart(t))
  const built = await build(t, { ...quick, ...counterpart.settings, ...settings })
  const { app } = built
  const admin = app.apiKeys.first ?? ''
  const { key } = await makeKey(app, admin, ['payments:read', 'payments:write', 'payments:refund'])
  const call = (method: Method, url: string, payload?: object, headers: object = { 'x-api-key': key }) =>
    app.inject({ method, url, headers: { ...headers }, ...(payload && { payload }) })
  let users = 0
  const status = async () => (await call('GET', '/connectors/stripe', undefined, { 'x-api-key': admin })).json<Status>()
  const count = async (from: string) =>
    Number((await app.storage.engine.first<{ total: number }>(raw(`select count(*) as total from ${from}`), {}))?.total)
  return {
    ...built,
    counterpart,
    account: counterpart.account,
    admin,
    key,
    call,
    async addUser(name = 'Mona'): Promise<number> {
      users += 1
      const payload = { name, email: `user-${users}@example.com` }
      return (await app.inject({ method: 'POST', url: '/users', payload })).json<{ id: number }>().id
    },
    /** Signs up, proves the address, and signs in. */
    async join(email: string): Promise<{ id: number; authorization: string }> {
      const person = { name: 'Fatima', email, password: 'violet tram at noon' }
      const post = (url: string, payload: object) => app.inject({ method: 'POST', url, payload })
      await post('/auth/sign-up', person)
      await app.accounts.afterwards.done()
      const notice = (await app.notices.pending()).findLast(({ recipient }) => recipient === email)
      await post('/auth/verify-email', { token: notice?.token, password: person.password })
      const { accessToken } = (await post('/auth/sign-in', { email, password: person.password })).json<{
        accessToken: string
      }>()
      const authorization = `Bearer ${accessToken}`
      const { user } = (await app.inject({ url: '/me', headers: { authorization } })).json<{ user: { id: number } }>()
      return { id: user.id, authorization }
    },
    /** Asks for a payment intent. */
    pay: (userId: number, more: object = {}, idempotencyKey: string = randomUUID()) =>
      call('POST', '/payments/intents', { userId, ...intent, ...more }, keyed(key, idempotencyKey)),
    checkout: (userId: number, more: object = {}, idempotencyKey?: string) =>
      call('POST', '/payments/sessions', { userId, ...intent, ...more }, keyed(key, idempotencyKey)),
    refund: (id: number, payload: object = {}, idempotencyKey: string = randomUUID()) =>
      call('POST', `/payments/${id}/refunds`, payload, keyed(key, idempotencyKey)),
    payment: async (id: number) => (await call('GET', `/payments/${id}`)).json<PaymentView>(),
    refunds: async (id: number) => (await call('GET', `/payments/${id}/refunds`)).json<RefundView[]>(),
    status,
    /** Waits until Stripe has, or will never have, what has happened. */
    async sent(): Promise<Status> {
      const left = async () => {
        const told = await count(`events where type like 'user.%' or type in ('payment.created', 'refund.created')`)
        return told - (await count(`deliveries where target = 'stripe/out' and state <> 'waiting'`))
      }
      await until(left, (number) => number === 0)
      return status()
    },
    deliveries: async (query = '') =>
      (await call('GET', `/connectors/stripe/deliveries${query}`, undefined, { 'x-api-key': admin })).json<
        Delivery[]
      >(),
    /** Posts events of Stripe, as they are given. */
    tell: async (events: readonly (typeof counterpart.account.events)[number][]): Promise<number[]> => {
      const answers = events.map((event) => {
        const { body, headers } = signed(event)
        return app.inject({ method: 'POST', url: '/connectors/stripe/webhook', headers, payload: body })
      })
      return (await Promise.all(answers)).map(({ statusCode }) => statusCode)
    },
  }
}

/** A payment that was made at once. */
export const atOnce = { paymentMethod: 'pm_card_visa' }

export async function until<Value>(
  read: () => Promise<Value> | Value,
  holds: (value: Value) => unknown,
  patience = 20_000,
): Promise<Value> {
  for (const end = Date.now() + patience; ; await wait(10)) {
    const value = await read()
    if (holds(value)) return value
    if (Date.now() > end) throw new Error(`never: ${JSON.stringify(value)}`)
  }
}

export function keyed(key: string, idempotencyKey: string | undefined): object {
  return { 'x-api-key': key, ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }) }
}
