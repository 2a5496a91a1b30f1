/** Connectors, as who operates the server sees them. What they do is tested elsewhere: here nothing is due. */

import { join } from 'node:path'
import { asAdmin, type Case, failed, idOf, type Step, several } from './case.ts'

/** The connector of the tests is on; the first attempt comes after hours. */
const settings = {
  CONNECTORS: join(import.meta.dirname, '../../connectors/folder'),
  LEDGER_URL: 'http://127.0.0.1:9',
  LEDGER_SECRET: 'a good secret',
  WEBHOOK_WAITS: '90000 90000',
}

const quiet = { waiting: 0, dead: 0, oldestWaiting: null, lastError: null }
const ledger = {
  name: 'ledger',
  title: 'Ledger',
  description: 'Writes users down.',
  on: true,
  missingSettings: [],
  types: ['user.*'],
  since: /T/,
  out: quiet,
  in: quiet,
}

function admin(operationId: string, input: object, expect: object): Step {
  return { operationId, input: input as NonNullable<Step['input']>, headers: asAdmin, expect }
}

const off = (name: string) => ({ name, on: false })
const running = { state: 'running', total: 2, done: 0, failed: 0, failures: [], error: null, endedAt: null }
const page = { type: 'back-fill', state: 'waiting' }

const cases: readonly Case[] = [
  several(
    'connectors with what waits for each',
    admin('getConnector', { name: 'ledger' }, { value: ledger }),
    admin('getConnector', { name: 'stove' }, failed('not-found', 404)),
    admin('listConnectors', {}, { value: [off('mail'), off('salesforce'), off('stripe'), ledger] }),
    { operationId: 'listConnectors', expect: failed('unauthenticated', 401) },
  ),
  several(
    'users who are brought over to a service',
    admin('startBackFill', { name: 'ledger' }, { value: running }),
    admin('startBackFill', { name: 'ledger' }, failed('conflict', 409)),
    admin('getConnector', { name: 'ledger' }, { value: { backFill: running } }),
    admin('listConnectorDeliveries', { name: 'ledger', direction: 'back-fill' }, { value: { items: [page] } }),
    admin('listConnectorDeliveries', { name: 'ledger', state: 'dead' }, { value: { items: [] } }),
    (results) => {
      const { items } = (results.at(-2)?.value ?? { items: [] }) as { items: { id: number }[] }
      return admin(
        'getConnectorDelivery',
        { name: 'ledger', deliveryId: items[0]?.id },
        { value: { ...page, history: [] } },
      )
    },
    (results) => {
      const deliveryId = idOf(results, 5)
      return admin('replayConnectorDelivery', { name: 'ledger', deliveryId }, { value: page })
    },
    admin('getConnectorDelivery', { name: 'ledger', deliveryId: 9999 }, failed('not-found', 404)),
    admin(
      'replayConnectorEvents',
      { name: 'ledger', since: '2099-01-01T00:00:00.000Z' },
      { value: { events: 0, next: null } },
    ),
  ),
]

export const connectorCases: readonly Case[] = cases.map((each) => ({ ...each, settings }))
