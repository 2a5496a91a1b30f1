/** WebHooks: endpoints and their deliveries. What is sent is tested elsewhere: here nothing listens, and nothing is due. */

import type { Result } from '../clients/client.ts'
import { asAdmin, type Case, failed, idOf, type Step, several, violating } from './case.ts'

/** The first attempt comes after hours. */
const settings = { WEBHOOK_ALLOW: '127.0.0.1', WEBHOOK_WAITS: '90000 90000' }
const input = { url: 'http://127.0.0.1:9/hooks', description: 'Accounting', types: ['user.*'] }
const shown = {
  ...input,
  signing: 'hmac',
  publicKey: null,
  enabled: true,
  disabledAt: null,
  disabledReason: null,
  failingSince: null,
  previousUntil: null,
}
const waiting = { type: 'webhook-endpoint.tested', state: 'waiting', attempts: 0, status: null, nextAt: /T/ }

const create: Step = {
  operationId: 'createEndpoint',
  input,
  headers: asAdmin,
  expect: { value: { ...shown, secret: /^whsec_/ } },
}

/** One by an administrator, of the endpoint that the first step has made. */
function then(operationId: string, more: object, expect: object) {
  return (results: readonly Result[]): Step => ({
    operationId,
    input: { id: idOf(results), ...more },
    headers: asAdmin,
    expect,
  })
}

/** The same of the delivery that the second step has made. */
function thenOfDelivery(operationId: string, expect: object) {
  return (results: readonly Result[]) => then(operationId, { deliveryId: idOf(results, 1) }, expect)(results)
}

const disabled = { enabled: false, disabledAt: /T/, disabledReason: 'owner' }

const cases: readonly Case[] = [
  several(
    'an endpoint that is made, shown, changed, disabled, enabled and deleted',
    create,
    then('getEndpoint', {}, { value: shown }),
    then('updateEndpoint', { description: 'Books', enabled: false }, { value: { description: 'Books', ...disabled } }),
    then('testEndpoint', {}, failed('conflict', 409)),
    then(
      'updateEndpoint',
      { enabled: true, types: ['*'] },
      { value: { ...shown, description: 'Books', types: ['*'] } },
    ),
    then('rotateEndpointSecret', { overlap: 60 }, { value: { secret: /^whsec_/, previousUntil: /T/ } }),
    then('deleteEndpoint', {}, { value: null }),
    then('getEndpoint', {}, failed('not-found', 404)),
  ),
  several('an endpoint with Ed25519', {
    operationId: 'createEndpoint',
    input: { ...input, signing: 'ed25519' },
    headers: asAdmin,
    expect: { value: { signing: 'ed25519' } },
  }),
  several(
    'a delivery that is listed, shown and replayed',
    create,
    then('testEndpoint', {}, { value: waiting }),
    then('listDeliveries', {}, { value: { items: [waiting] } }),
    then('listDeliveries', { state: 'dead' }, { value: { items: [] } }),
    thenOfDelivery('getDelivery', { value: { ...waiting, history: [] } }),
    then('getDelivery', { deliveryId: 9999 }, failed('not-found', 404)),
    then('replayEvents', { since: '2099-01-01T00:00:00.000Z' }, { value: { events: 0, next: null } }),
    thenOfDelivery('replayDelivery', { value: { ...waiting } }),
    {
      operationId: 'listEndpoints',
      input: { limit: 1 },
      headers: asAdmin,
      expect: { value: { items: [{ signing: 'ed25519' }] } },
    },
  ),
  several('an endpoint at an address that is not public', {
    operationId: 'createEndpoint',
    input: { url: 'https://10.0.0.1/hooks' },
    headers: asAdmin,
    expect: violating(['body', '/url', 'must have a public address']),
  }),
  several('an endpoint for no type of events', {
    operationId: 'createEndpoint',
    input: { ...input, types: ['user.created', 'user.gone'] },
    headers: asAdmin,
    expect: violating(['body', '/types/1', 'must be a type of event']),
  }),
]

export const webhookCases: readonly Case[] = cases.map((each) => ({ ...each, settings }))
