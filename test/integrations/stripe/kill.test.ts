/** SIGKILL between what Stripe has done and its record: one intent, one refund and one customer come of it. */

import { randomUUID } from 'node:crypto'
import { type Test, test } from 'tap'
import { temporaryFolder } from '../../helper.ts'
import { adminKeyOf } from '../../keys.ts'
import { endLeases, type ServerProcess, startServer } from '../../storage/server-process.ts'
import { type Counterpart, openCounterpart } from './counterpart.ts'
import { atOnce, intent, type PaymentView, quick, type RefundView, until } from './setup.ts'

/** A server on a folder of its own, which is killed, and comes back once the lease of what it was at is over. */
async function start(t: Test) {
  const folder = temporaryFolder(t)
  const counterpart = await openCounterpart(t)
  const settings = { ...quick, ...counterpart.settings, DATA_DIR: folder }
  const first = await startServer(t, settings)
  const headers = { 'x-api-key': adminKeyOf(folder), 'content-type': 'application/json' }
  const call = async <Value>(server: ServerProcess, path: string, body?: object, key?: string) => {
    const method = body === undefined ? 'GET' : 'POST'
    const more = key === undefined ? {} : { 'idempotency-key': key }
    const payload = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(server.base + path, { method, headers: { ...headers, ...more }, ...payload })
    return { status: answer.status, value: (await answer.json()) as Value }
  }
  const user = await call<{ id: number }>(first, '/users', { name: 'Mona', email: 'mona@example.com' })
  await until(
    () => [...counterpart.account.customers.values()],
    ([customer]) => customer?.name === 'Mona',
  )
  const again = () => {
    endLeases(folder)
    return startServer(t, settings)
  }
  return { counterpart, first, call, userId: user.value.id, again }
}

/** Kills the server when Stripe has acted, and before it answers. */
function killing(counterpart: Counterpart, on: RegExp, server: ServerProcess): void {
  counterpart.fail(on, 'lose', { onActed: () => server.end('SIGKILL') })
}

for (const isAskedAgain of [true, false]) {
  test(`a process that is killed while Stripe charges, ${isAskedAgain ? 'and asked again' : 'by itself'}`, async (t) => {
    const { counterpart, first, call, userId, again } = await start(t)
    const { account } = counterpart
    const key = randomUUID()
    const asked = { userId, ...intent, ...atOnce }
    killing(counterpart, /POST .*confirm$/, first)
    await t.rejects(call(first, '/payments/intents', asked, key))
    t.equal(account.charges.size, 1)
    const second = await again()
    if (isAskedAgain) {
      const { status, value } = await call<PaymentView>(second, '/payments/intents', asked, key)
      t.match({ status, value }, { status: 201, value: { status: 'succeeded', id: 1 } })
    }
    const [intentId] = [...account.intents.keys()]
    const { value } = await until(
      () => call<PaymentView[]>(second, '/payments'),
      ({ value }) => value[0]?.status === 'succeeded',
    )
    t.match(value, [{ status: 'succeeded', paymentIntentId: intentId, userId }])
    t.same([value.length, account.intents.size, account.charges.size], [1, 1, 1])

    killing(counterpart, /POST .*refunds$/, second)
    await t.rejects(call(second, '/payments/1/refunds', { amount: 500 }, key))
    const third = await again()
    if (isAskedAgain) {
      const refund = await call<RefundView>(third, '/payments/1/refunds', { amount: 500 }, key)
      t.match(refund, { status: 201, value: { status: 'succeeded', amount: 500 } })
    }
    const refunds = await until(
      () => call<RefundView[]>(third, '/payments/1/refunds'),
      ({ value }) => value[0]?.status === 'succeeded',
    )
    t.same([refunds.value.length, account.refunds.size], [1, 1])
    await third.end('SIGTERM')
  })
}

test('a process that is killed between what it has Stripe make and its confirmation', async (t) => {
  const { counterpart, first, call, userId, again } = await start(t)
  const { account } = counterpart
  const asked = { userId, ...intent, ...atOnce }
  killing(counterpart, /POST .*payment_intents$/, first)
  await t.rejects(call(first, '/payments/intents', asked, 'one'))
  const second = await again()
  const { value } = await until(
    () => call<PaymentView[]>(second, '/payments'),
    ({ value }) => value[0]?.paymentIntentId,
  )
  t.match(value, [{ status: 'requested' }])
  t.equal(account.charges.size, 0, 'nobody has asked again')
  t.match(await call(second, '/payments/intents', asked, 'one'), { status: 201, value: { status: 'succeeded', id: 1 } })
  t.same([account.intents.size, account.charges.size], [1, 1])
  await second.end('SIGTERM')
})

test('a process that is killed before Stripe is asked, and asked again', async (t) => {
  const { counterpart, first, call, userId, again } = await start(t)
  const asked = { userId, ...intent, ...atOnce }
  counterpart.fail(/POST .*payment_intents$/, 'drop', { times: 20 })
  t.match(await call(first, '/payments/intents', asked, 'one'), { status: 503 })
  await first.end('SIGKILL')
  counterpart.faults.length = 0
  const second = await again()
  t.match(await call(second, '/payments/intents', asked, 'one'), { status: 201, value: { status: 'succeeded', id: 1 } })
  t.same([counterpart.account.intents.size, counterpart.account.charges.size], [1, 1])
  await second.end('SIGTERM')
})

test('a process that is killed while Stripe makes a customer', async (t) => {
  const { counterpart, first, call, again } = await start(t)
  killing(counterpart, /POST \/v1\/customers$/, first)
  await call(first, '/users', { name: 'Lisa', email: 'lisa@example.com' }).catch(() => {})
  await until(
    () => first.child.signalCode,
    (signal) => signal === 'SIGKILL',
  )
  const second = await again()
  const { customers } = counterpart.account
  await until(
    () => [...customers.values()].map(({ name }) => name),
    (names) => names.includes('Lisa'),
  )
  t.same([...customers.values()].map(({ name }) => name).sort(), ['Lisa', 'Mona'])
  await second.end('SIGTERM')
})
