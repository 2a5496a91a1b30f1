/** Stripe does not know what it has done, or is told to forget it while it is at it: nothing is paid or given back twice. */

import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { build } from '../../helper.ts'
import { raw } from '../../storage/setup.ts'
import { atOnce, type NewDatabase, type PaymentView, quick, setup, until } from './setup.ts'

const making = /POST .*payment_intents$/
const confirming = /POST .*\/confirm$/
const refunding = /POST .*refunds$/
const always = { times: 10 }

export function doubts(engine: string, database: NewDatabase): void {
  /** A user who is a customer already, and another process over the same database. */
  async function start(t: Parameters<NewDatabase>[0]) {
    const settings = await database(t)
    const all = await setup(t, settings)
    const { app, counterpart, key } = all
    const userId = await all.addUser()
    await all.sent()
    const other = await build(t, { ...quick, ...counterpart.settings, ...settings })
    const before = (ms: number) => new Date(Date.now() - ms).toISOString()
    return {
      ...all,
      userId,
      /** Engines number what they keep with gaps. */
      newest: async () => (await all.call('GET', '/payments?limit=1')).json<PaymentView[]>()[0]?.id ?? 0,
      /** By the other process. */
      cancel: (id: number) =>
        other.app.inject({ method: 'POST', url: `/payments/${id}/cancel`, headers: { 'x-api-key': key } }),
      /** As if a time of a row were so long ago, in ms. */
      age: (table: string, column: string, ms: number) =>
        app.storage.engine.write([[raw(`update ${table} set ${column} = '${before(ms)}'`), {}]]),
      charged: () => all.account.charges.size,
    }
  }

  test(`${engine}: a payment whose making Stripe is not sure of is made again, and confirmed once`, async (t) => {
    const { userId, pay, counterpart, account, charged } = await start(t)
    counterpart.fail(making, 'keep')
    t.match((await pay(userId, atOnce, 'one')).json(), { id: 1, status: 'succeeded' })
    // What was not done when it was looked for is done later.
    const late = counterpart.seen.find(({ method, path }) => making.test(`${method} ${path}`))
    const { expand: _, ...values } = late?.values ?? {}
    account.createIntent(values)
    t.match((await pay(userId, atOnce, 'one')).json(), { id: 1, status: 'succeeded' })
    t.same([account.intents.size, charged()], [2, 1])
    counterpart.fail(making, 'act-and-keep')
    t.match((await pay(userId, atOnce, 'two')).json(), { status: 'succeeded' })
    t.same([account.intents.size, charged()], [3, 2])
    t.ok(counterpart.seen.every(({ values }) => values.confirm === undefined))
  })

  for (const as of ['keep', 'act-and-keep', 'lose'] as const) {
    test(`${engine}: a payment whose confirmation Stripe is not sure of is paid once (${as})`, async (t) => {
      const { userId, pay, counterpart, account, charged, payment } = await start(t)
      counterpart.fail(confirming, as, as === 'lose' ? always : {})
      const first = await pay(userId, atOnce, 'one')
      t.equal(first.statusCode, as === 'lose' ? 503 : 201, first.body)
      counterpart.faults.length = 0
      t.match((await pay(userId, atOnce, 'one')).json(), { id: 1, status: 'succeeded' })
      t.match(await payment(1), { status: 'succeeded' })
      t.same([account.intents.size, charged()], [1, 1])
    })
  }

  test(`${engine}: a method of payment that can never be confirmed is refused, and leaves nothing to pay`, async (t) => {
    const { userId, pay, account, payment } = await start(t)
    for (const _ of [1, 2]) {
      const answer = await pay(userId, { paymentMethod: 'pm_card_mandate' }, 'one')
      t.match(answer.json(), { status: 409, detail: 'The payment method needs a mandate.' })
    }
    t.match(await payment(1), { status: 'failed', failure: 'The payment method needs a mandate.' })
    t.match([...account.intents.values()], [{ status: 'canceled' }])
  })

  test(`${engine}: a refund that Stripe is not sure of is not asked for anew before it is`, async (t) => {
    const { userId, pay, refund, counterpart, account, age } = await start(t)
    const { id, paymentIntentId } = (await pay(userId, atOnce, 'one')).json<PaymentView>()
    const ask = () => refund(id, { amount: 500 }, 'one')
    counterpart.fail(refunding, 'keep')
    t.match((await ask()).json(), { status: 503, code: 'unavailable' })
    t.equal((await ask()).statusCode, 503)
    // What was not done when it was looked for is done later.
    const late = counterpart.seen.find(({ path }) => path.endsWith('refunds'))
    account.createRefund({ ...late?.values, payment_intent: paymentIntentId })
    t.match((await ask()).json(), { status: 'succeeded' })
    t.equal(account.refunds.size, 1)
    counterpart.fail(refunding, 'keep')
    const never = () => refund(id, { amount: 300 }, 'two')
    t.equal((await never()).statusCode, 503)
    await age('refunds', 'unsure_since', 3_590_000)
    t.equal((await never()).statusCode, 503)
    await age('refunds', 'unsure_since', 3_610_000)
    t.match((await never()).json(), { status: 'succeeded' }, 'an hour later it was never done')
    t.equal(account.refunds.size, 2)
    counterpart.fail(refunding, 'act-and-keep')
    t.equal((await refund(id, { amount: 200 }, 'three')).statusCode, 503)
    t.match((await refund(id, { amount: 200 }, 'three')).json(), { status: 'succeeded' })
    t.equal(account.refunds.size, 3)
  })

  test(`${engine}: what is canceled while another process has Stripe make it is never paid`, async (t) => {
    const { userId, pay, checkout, payment, cancel, newest, counterpart, account, charged } = await start(t)
    for (const [on, ask] of [
      [making, () => pay(userId, atOnce, 'one')],
      [/POST .*sessions$/, () => checkout(userId, {}, 'one')],
    ] as const) {
      counterpart.fail(on, 'drop', always)
      t.equal((await ask()).statusCode, 503)
      counterpart.faults.length = 0
      const id = await newest()
      const before = counterpart.asked
      counterpart.fail(on, 'act', { slow: 1500 })
      const asking = ask()
      await until(
        () => counterpart.asked,
        (asked) => asked > before + 1,
      )
      await wait(100)
      t.match((await cancel(id)).json(), { id, status: 'canceled' })
      t.match((await asking).json(), { status: 409, detail: 'It was canceled before it reached Stripe' })
      t.match(await payment(id), { status: 'canceled' })
    }
    t.match([...account.intents.values()], [{ status: 'canceled' }])
    t.match([...account.sessions.values()], [{ status: 'expired' }])
    t.equal(charged(), 0)
  })

  test(`${engine}: what is canceled between its making and its confirmation is not paid, or not canceled`, async (t) => {
    const { userId, pay, payment, cancel, newest, counterpart, charged } = await start(t)
    counterpart.fail(confirming, 'drop', always)
    t.equal((await pay(userId, atOnce, 'one')).statusCode, 503)
    t.match(await payment(1), { status: 'requested', paymentIntentId: /^pi_/ })
    t.match((await cancel(1)).json(), { status: 'canceled' })
    counterpart.faults.length = 0
    t.match((await pay(userId, atOnce, 'one')).json(), { status: 'canceled' })
    t.equal(charged(), 0)
    counterpart.fail(confirming, 'act', { slow: 500 })
    const paying = pay(userId, atOnce, 'two')
    const { id } = await until(
      async () => payment(await newest()),
      ({ id, paymentIntentId }) => id !== 1 && paymentIntentId,
    )
    const { status } = (await cancel(id)).json<PaymentView>()
    const paid = (await paying).json<PaymentView>()
    t.equal(paid.status, status, 'both are told the same')
    t.equal(charged(), status === 'canceled' ? 0 : 1)
  })

  test(`${engine}: what Stripe tells of a payment that was given up ends it there`, async (t) => {
    const { app, userId, pay, payment, tell, status, counterpart, account } = await start(t)
    counterpart.fail(making, 'lose', always)
    t.equal((await pay(userId, {}, 'one')).statusCode, 503)
    const given = "update payments set status = 'canceled', payment_intent_id = null"
    await app.storage.engine.write([[raw(given), {}]])
    await tell(account.events)
    await until(status, (now) => now.in.waiting === 0)
    t.match(await payment(1), { status: 'canceled', paymentIntentId: null })
    t.match([...account.intents.values()], [{ status: 'canceled' }])
  })
}
