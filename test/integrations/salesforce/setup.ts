/** Salesforce as the server is joined to it: its connection over the real storage, against the counterpart. */

import { createPrivateKey } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { Connection, ConnectorHost } from '../../../src/connectors/connector.ts'
import { CollectionRecords } from '../../../src/connectors/user-records.ts'
import type { Outcome } from '../../../src/deliveries/delivery.ts'
import { exampleKey } from '../../../src/integrations/salesforce/example-key.ts'
import salesforce from '../../../src/integrations/salesforce/index.ts'
import { build } from '../../helper.ts'
import { type Counterpart, clientId, startSalesforce, username } from './counterpart.ts'

export const never = new AbortController().signal
export const secret = 'a secret of more than thirty-two characters'
export const privateKey = createPrivateKey({ key: Buffer.from(exampleKey, 'base64'), format: 'der', type: 'pkcs8' })

export interface Joined {
  app: FastifyInstance
  crm: Counterpart
  connection: Connection
  logs: () => Record<string, unknown>[]
  create(user: { name: string; email: string }): Promise<number>
  change(id: number, changes: Record<string, string>): Promise<void>
  remove(id: number): Promise<void>
  user(id: number): Promise<Record<string, unknown>>
  /** One attempt at an event of this user. */
  send(id: number, type?: string): Promise<Outcome>
}

/** The settings of the connector, as the seam gives them: with defaults. */
export function settingsFor({ url }: Pick<Counterpart, 'url'>, settings: Record<string, string> = {}) {
  const defaults = Object.entries(salesforce.settings.properties).map(([name, schema]) => [name, schema.default])
  return {
    ...Object.fromEntries(defaults.filter(([, value]) => value !== undefined)),
    SALESFORCE_CLIENT_ID: clientId,
    SALESFORCE_USERNAME: username,
    SALESFORCE_PRIVATE_KEY: exampleKey,
    SALESFORCE_LOGIN_URL: url,
    ...settings,
  } as Parameters<typeof salesforce.connect>[0]
}

/** `database`: settings of the server itself. */
export async function join(
  t: Test,
  settings: Record<string, string> = {},
  database: Record<string, string> = {},
): Promise<Joined> {
  const { app, logs } = await build(t, { SEED: 'false', LOG_LEVEL: 'warn', ...database })
  const crm = await startSalesforce(t, privateKey)
  await app.storage.engine.migrate(salesforce.migrations ?? [])
  const connection = await connect(t, app, crm, settings)
  const request = async (method: 'POST' | 'PATCH' | 'DELETE' | 'GET', url: string, payload?: object) => {
    const answer = await app.inject({ method, url, ...(payload && { payload }) })
    if (answer.statusCode >= 400) throw new Error(`${method} ${url}: ${answer.body}`)
    return answer.body === '' ? {} : (answer.json() as Record<string, unknown>)
  }
  return {
    app,
    crm,
    connection,
    logs,
    create: async (user) => Number((await request('POST', '/users', user)).id),
    change: async (id, changes) => void (await request('PATCH', `/users/${id}`, changes)),
    remove: async (id) => void (await request('DELETE', `/users/${id}`)),
    user: (id) => request('GET', `/users/${id}`),
    send: (id, type = 'user.updated') => connection.send(eventOf(id, type), never),
  }
}

/** A further process over the same storage. */
export async function connect(t: Test, app: FastifyInstance, crm: Counterpart, settings: Record<string, string> = {}) {
  const { storage, log, notices, audit, deliveries, secrets } = app
  const host = {
    storage,
    log,
    notices,
    deliveries,
    secrets,
    audit,
    users: new CollectionRecords(storage),
    publicUrl: () => '',
  }
  const connection = await salesforce.connect(settingsFor(crm, settings), {
    ...host,
    isProduction: false,
  } as ConnectorHost)
  t.teardown(() => connection.close?.())
  return connection
}

export function eventOf(id: number, type: string) {
  const subject = `/users/${id}`
  return { id: `${type}-${id}`, type, subject, time: new Date().toISOString(), data: {}, owner: id, isLast: false }
}
