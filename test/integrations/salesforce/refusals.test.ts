import { test } from 'tap'
import type { ErrorBody } from './org.ts'
import { join } from './setup.ts'

const fatima = { name: 'Fatima', email: 'fatima@example.com' }
const hour = 3_600_000

/** Errors as Salesforce writes them, and what comes of an attempt that meets them. */
const refusals: [ErrorBody, number, object][] = [
  [
    { errorCode: 'DUPLICATES_DETECTED', message: "You're creating a duplicate record." },
    400,
    { as: 'dead', error: "Salesforce answered 400: DUPLICATES_DETECTED: You're creating a duplicate record." },
  ],
  [
    { errorCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', message: 'No addresses of example.com', fields: ['Email'] },
    400,
    { as: 'dead', error: /No addresses of example.com \(Email\)/ },
  ],
  [
    { errorCode: 'REQUIRED_FIELD_MISSING', message: 'Required fields are missing: [Account]', fields: ['Account'] },
    400,
    { as: 'dead', error: /REQUIRED_FIELD_MISSING/ },
  ],
  [{ errorCode: 'UNABLE_TO_LOCK_ROW', message: 'unable to obtain exclusive access' }, 400, { as: 'retry' }],
  [{ errorCode: 'INVALID_FIELD', message: "No such column 'Phon'", fields: [] }, 400, { as: 'retry', error: /Phon/ }],
  [{ errorCode: 'API_DISABLED_FOR_ORG', message: 'API is not enabled' }, 403, { as: 'retry', error: /not enabled/ }],
  [{ errorCode: 'SERVER_UNAVAILABLE', message: 'Server too busy' }, 503, { as: 'retry', error: /too busy/ }],
]

for (const [error, status, expected] of refusals) {
  test(`${error.errorCode} is told as ${JSON.stringify(expected)}`, async (t) => {
    const { crm, create, send } = await join(t)
    crm.fail(({ method }) => (method === 'PATCH' ? { status, errors: [error] } : undefined))
    t.match(await send(await create(fatima)), { status, ...expected })
  })
}

test('several contacts with one external id are for people to mend', async (t) => {
  const { crm, create, send } = await join(t)
  const id = await create(fatima)
  await send(id)
  crm.org.contacts.push({ ...crm.org.contact(id), Id: '003000000000009AAA' } as never)
  t.match(await send(id), { as: 'dead', status: 300, error: /several records have this external id/ })
})

test('an external id that the object does not have is a mistake in the settings', async (t) => {
  const { create, send } = await join(t, { SALESFORCE_EXTERNAL_ID: 'Wrong__c' })
  t.match(await send(await create(fatima)), { as: 'retry', error: /external ID field does not exist/ })
})

test('a limit that is reached is left alone for an hour', async (t) => {
  const { crm, create, send } = await join(t)
  const id = await create(fatima)
  const errors = [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'TotalRequests Limit exceeded.' }]
  crm.fail(({ method }) => (method === 'PATCH' ? { status: 403, errors } : undefined))
  const { after = 0, ...outcome } = (await send(id)) as { as: string; after?: number }
  t.match(outcome, { as: 'retry', error: /TotalRequests Limit exceeded/ })
  t.ok(after > hour - 10_000 && after <= hour, `${after}`)
  const calls = crm.calls.length
  crm.fail()
  t.match(await send(id), { as: 'retry', after: Number, error: /daily limit is near/ })
  t.equal(crm.calls.length, calls, 'nothing was asked')
})

test('the last tenth of the limit is left to people', async (t) => {
  const { crm, create, send } = await join(t)
  const id = await create(fatima)
  crm.org.used = 88_000
  t.match(await send(id), { as: 'delivered' })
  crm.org.used = 90_000
  t.match(await send(id), { as: 'delivered' }, 'that answer says it')
  const calls = crm.calls.length
  t.match(await send(id), { as: 'retry', after: Number, error: /90001 of 100000 requests are used/ })
  t.equal(crm.calls.length, calls)
})
