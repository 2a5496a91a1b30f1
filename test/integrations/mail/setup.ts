/** What the tests of mail share: a server whose mail is on, its counterpart, and somebody who signs up. */

import { setTimeout as wait } from 'node:timers/promises'
import type { SMTPServerOptions } from 'smtp-server'
import type { Test } from 'tap'
import type { DeliveryDetail, Delivery as DeliverySchema } from '../../../src/schemas/delivery.ts'
import { type Accounts, openAccounts } from '../../auth/account-setup.ts'
import { type Counterpart, openSmtp, type Taken } from './smtp-counterpart.ts'

export type Delivery = typeof DeliverySchema.static
export type Detail = typeof DeliveryDetail.static

export const from = 'Septet <no-reply@septet.example>'
/** Attempts at once, and again within a moment. */
export const quick = { WEBHOOK_WAITS: `0 ${'0.02 '.repeat(40).trim()}`, SEED: 'false' }

export interface Mailing extends Accounts {
  smtp: Counterpart
  /** The next message that the counterpart takes, in the order in which it took them. */
  next(): Promise<Taken>
  deliveries(query?: string): Promise<Delivery[]>
  delivery(id: number): Promise<Detail>
  /** Until there is a delivery of which this holds. */
  until(holds: (delivery: Delivery) => boolean): Promise<Delivery>
  get<Value>(url: string): Promise<Value>
  replay(id: number): Promise<number>
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

export async function openMail(
  t: Test,
  settings: Record<string, string> = {},
  options: SMTPServerOptions = {},
  url = (port: number) => `smtp://127.0.0.1:${port}`,
): Promise<Mailing> {
  const smtp = await openSmtp(t, options)
  const own = { MAIL_FROM: from, SMTP_URL: url(smtp.port), SMTP_STARTTLS: 'off' }
  const accounts = await openAccounts(t, { ...quick, ...own, ...settings })
  const { app, admin } = accounts
  let seen = 0
  const get = async <Value>(url: string) => (await app.inject({ url, headers: admin })).json<Value>()
  const deliveries = (query = '') => get<Delivery[]>(`/connectors/mail/deliveries${query}`)
  return {
    ...accounts,
    smtp,
    get,
    deliveries,
    delivery: (id) => get(`/connectors/mail/deliveries/${id}`),
    async next() {
      const taken = await until(
        () => smtp.taken[seen],
        (message) => message !== undefined,
      )
      seen += 1
      return taken as Taken
    },
    async until(holds) {
      const found = await until(async () => (await deliveries()).find(holds), Boolean)
      return found as Delivery
    },
    async replay(id) {
      const url = `/connectors/mail/deliveries/${id}/replay`
      return (await app.inject({ method: 'POST', url, headers: admin })).statusCode
    },
  }
}
