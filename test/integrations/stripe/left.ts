/** What is left behind: by a schedule that has ended, by a WebHook that never came. */

import { test } from 'tap'
import { raw } from '../../storage/setup.ts'
import { atOnce, type NewDatabase, type PaymentView, setup, until } from './setup.ts'

const making = /POST .*payment_intents$/
const refunding = /POST .*refunds$/
const always = { times: 10 }
const hour = 3_600_000

export function left(engine: string, database: NewDatabase): void {
  async function start(t: Parameters<NewDatabase>[0], settings: Record<string, string> = {}) {
    const timers = t.capture(globalThis, 'setInterval', setInterval)
    const all = await setup(t, { ...(await database(t)), ...settings })
    const sweeps = timers().filter(({ args }) => args[1] === hour)
    const userId = await all.addUser()
    await all.sent()
    const event = (type: string, subject: string) => ({ id: 'again', type, subject, time: '', data: {}, owner: null })
    return {
      ...all,
      userId,
      /** What happens each hour. */
      sweep: () => sweeps.forEach(({ args }) => void (args[0] as () => void)()),
      /** Delivers what tells of a payment once more. */
      deliver: (id: number, isLast = false) =>
        all.app.connectors
          .connection('stripe')
          ?.send({ ...event('payment.created', `/payments/${id}`), isLast }, new AbortController().signal),
    }
  }

  test(`${engine}: what no delivery comes back to is given up, or set right, once it is a day old`, async (t) => {
    const all = await start(t, { WEBHOOK_WAITS: '0' })
    const { app, userId, pay, refund, refunds, payment, counterpart, account, deliveries, sweep } = all
    const paid = (await pay(userId, atOnce, 'paid')).json<PaymentView>()
    counterpart.fail(making, 'drop', always)
    await pay(userId, atOnce, 'never')
    counterpart.faults.length = 0
    counterpart.fail(making, 'lose', always)
    counterpart.fail(/GET .*payment_intents$/, 503, always)
    await pay(userId, {}, 'lost')
    counterpart.fail(refunding, 'lose', always)
    counterpart.fail(/GET .*refunds$/, 503, always)
    await refund(paid.id, {}, 'lost')
    await until(
      () => deliveries('?state=waiting'),
      ({ length }) => length === 0,
    )
    counterpart.faults.length = 0
    sweep()
    const long = new Date(Date.now() - 90_000_000).toISOString()
    t.match([await payment(2), await payment(3)], [{ status: 'requested' }, { status: 'requested' }])
    for (const table of ['payments', 'refunds'])
      await app.storage.engine.write([[raw(`update ${table} set created_at = '${long}'`), {}]])
    // As of what was made as long ago.
    for (const things of [account.intents, account.refunds])
      for (const thing of things.values()) thing.created -= 90_000
    await until(
      () => {
        sweep()
        return refunds(paid.id)
      },
      ([first]) => first?.status === 'succeeded',
    )
    t.match(await payment(2), { status: 'canceled', failure: 'It has never reached Stripe' })
    t.match(await payment(3), { status: 'requires-payment', paymentIntentId: /^pi_/ })
    t.equal(account.charges.size, 1)
  })

  test(`${engine}: the last attempt leaves a payment to the sweep, and no dead letter`, async (t) => {
    const { userId, pay, payment, counterpart, deliver } = await start(t)
    counterpart.fail(making, 'drop', always)
    await pay(userId, atOnce, 'one')
    counterpart.faults.length = 0
    t.match(await deliver(1), { as: 'retry' })
    t.match(await deliver(1, true), { as: 'delivered' })
    t.match(await payment(1), { status: 'requested' })
  })

  test(`${engine}: a payment whose WebHook never came is what Stripe says, for its delivery and for a refund`, async (t) => {
    const { userId, pay, payment, refund, account, deliver, sent } = await start(t)
    for (const id of [1, 2]) {
      const { paymentIntentId } = (await pay(userId)).json<PaymentView>()
      await sent()
      account.confirm(paymentIntentId ?? '', 'pm_card_visa')
      t.match(await payment(id), { status: 'requires-payment' })
    }
    t.match(await deliver(1), { as: 'delivered' })
    t.match(await payment(1), { status: 'succeeded' })
    t.match((await refund(2)).json(), { status: 'succeeded', amount: 1999 })
  })
}
