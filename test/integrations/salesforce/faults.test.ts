import { test } from 'tap'
import type { Fault } from './counterpart.ts'
import { connect, eventOf, join, never } from './setup.ts'
import { until } from './whole.ts'

const fatima = { name: 'Fatima', email: 'fatima@example.com' }

test('a server that is down, cuts off or never answers is asked again', async (t) => {
  const { crm, create, send, connection } = await join(t)
  const id = await create(fatima)
  await crm.stop()
  t.match(await send(id), { as: 'retry', error: 'The connection was refused' })
  await crm.start()
  crm.fail(() => 'drops')
  t.match(await send(id), { as: 'retry', error: 'The connection broke' })
  crm.fail(({ method }) => (method === 'PATCH' ? 'breaks off' : undefined))
  t.match(await send(id), { as: 'retry', error: 'The connection broke' })
  crm.fail(() => 'never answers')
  const slow = connection.send(eventOf(id, 'user.updated'), AbortSignal.timeout(100))
  t.match(await slow, { as: 'retry', error: 'There was no answer in time' })
  crm.fail()
  t.match(await send(id), { as: 'delivered' })
  t.equal(crm.org.contacts.length, 1)
})

test('what acts and loses its answer is done once', async (t) => {
  const { crm, create, send } = await join(t)
  const id = await create(fatima)
  await send(await create({ name: 'Another', email: 'another@example.com' }))
  crm.fail(({ method }) => (method === 'PATCH' ? 'acts and drops' : undefined))
  t.match(await send(id), { as: 'retry', error: 'The connection broke' })
  t.equal(crm.org.contacts.length, 2, 'it has acted')
  crm.fail()
  t.match(await send(id), { as: 'delivered' })
  t.equal(crm.org.contacts.length, 2)
})

test('429 and 503 say how long to wait, 500 does not', async (t) => {
  const { crm, create, send } = await join(t)
  const id = await create(fatima)
  const answers: [Fault, object][] = [
    [
      { status: 429, headers: { 'retry-after': '7' } },
      { as: 'retry', status: 429, after: 7000 },
    ],
    [
      { status: 503, headers: { 'retry-after': '60' } },
      { as: 'retry', status: 503, after: 60_000 },
    ],
    [{ status: 500 }, { as: 'retry', status: 500, after: undefined, error: 'Salesforce answered 500: no reason' }],
    [
      { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
      { as: 'retry', error: /redirects are not followed/ },
    ],
  ]
  for (const [fault, expected] of answers) {
    crm.fail(({ method }) => (method === 'PATCH' ? fault : undefined))
    t.match(await send(id), expected)
  }
})

test('two at once, of two processes, make one contact, and the newest stays', async (t) => {
  const { app, crm, create, change, send } = await join(t)
  const id = await create(fatima)
  const other = await connect(t, app, crm)
  crm.fail(({ method, body }) => (method === 'PATCH' && body.includes('Fatima') ? 'acts late' : undefined))
  const first = send(id, 'user.created')
  await until(
    () => crm.asked().length,
    (count) => count === 1,
  )
  await change(id, { name: 'Newest' })
  const second = other.send(eventOf(id, 'user.updated'), never)
  t.match(await Promise.all([first, second]), [{ as: 'delivered' }, { as: 'delivered' }])
  t.match(crm.org.contacts, [{ LastName: 'Newest' }])
})

test('two that make the same contact meet in its external id: the later one finds it made', async (t) => {
  const { crm, create, send } = await join(t)
  const id = await create(fatima)
  const message = `duplicate value found: Septet_User_Id__c duplicates value on record with id: 003000000000001`
  let times = 1
  crm.org.rules = [() => (times-- > 0 ? { errorCode: 'DUPLICATE_VALUE', message, fields: [] } : undefined)]
  t.match(await send(id), { as: 'delivered' })
  t.equal(crm.org.contacts.length, 1)
})

test('a session that ends is renewed, once for all who meet it', async (t) => {
  const { crm, create, send } = await join(t)
  const ids = [await create(fatima), await create({ name: 'B', email: 'b@example.com' })]
  t.match(await Promise.all(ids.map((id) => send(id))), [{ as: 'delivered' }, { as: 'delivered' }])
  t.equal(crm.tokens, 1, 'one request for a token at a time')
  crm.endSessions()
  t.match(await Promise.all(ids.map((id) => send(id))), [{ as: 'delivered' }, { as: 'delivered' }])
  t.equal(crm.tokens, 2)
})

test('a session that is never good ends the attempt', async (t) => {
  const { crm, create, send } = await join(t)
  const id = await create(fatima)
  const errors = [{ errorCode: 'INVALID_SESSION_ID', message: 'Session expired or invalid' }]
  crm.fail(({ method }) => (method === 'PATCH' ? { status: 401, errors } : undefined))
  await t.rejects(send(id), { message: /takes no new session either/ })
  t.equal(crm.tokens, 2)
  t.equal(crm.asked().length, 2)
})

test('an app that Salesforce does not know waits for the operator, and no secret is told', async (t) => {
  const { crm, create, send } = await join(t, { SALESFORCE_CLIENT_ID: 'wrong' })
  const outcome = await send(await create(fatima))
  t.match(outcome, { as: 'retry', error: /does not let the server in: .*invalid_grant: invalid assertion/ })
  t.match(outcome, { after: 60_000 })
  t.notMatch(JSON.stringify(outcome), /eyJ/)
  t.equal(crm.asked().length, 0)
})

test('a token goes nowhere but to Salesforce', async (t) => {
  const { crm, create, send } = await join(t)
  const id = await create(fatima)
  for (const instance of [
    'https://example.com',
    'https://salesforce.com.example.com',
    'http://localhost:1',
    'nothing',
  ]) {
    crm.instance = instance
    t.match(await send(id), { as: 'retry', error: 'Salesforce names an instance that is not safe to call' }, instance)
  }
  t.equal(crm.asked().length, 0)
})

test('a refused sign-in is not asked for again by all that waits', async (t) => {
  const { crm, create, send } = await join(t, { SALESFORCE_CLIENT_ID: 'wrong' })
  const id = await create(fatima)
  await send(id)
  const outcomes = await Promise.all([send(id), send(id)])
  for (const outcome of outcomes) {
    t.match(outcome, { as: 'retry', error: /does not let the server in: .*invalid_grant/ })
    const { after = 0 } = outcome as { after?: number }
    t.ok(after > 0 && after <= 60_000)
  }
  t.equal(crm.tokens, 1)
})

test('a token endpoint that is down is asked again by the next attempt', async (t) => {
  const { crm, create, send } = await join(t)
  const id = await create(fatima)
  crm.fail(({ path }) => (path.includes('oauth2') ? { status: 503, headers: { 'retry-after': '3' } } : undefined))
  t.match(await send(id), { as: 'retry', status: 503, after: 3000 })
  crm.fail()
  t.match(await send(id), { as: 'delivered' })
})
