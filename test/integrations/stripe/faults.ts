/** Stripe is down, slow, or says nothing of what it has done: nothing is charged twice, and nothing is lost. */

import { test } from 'tap'
import { build } from '../../helper.ts'
import { raw } from '../../storage/setup.ts'
import type { Fault } from './counterpart.ts'
import { atOnce, intent, keyed, type NewDatabase, type PaymentView, quick, setup, until } from './setup.ts'

/** More often than the SDK tries by itself. */
const always = { times: 10 }
const making = /POST .*payment_intents$/

export function faults(engine: string, database: NewDatabase): void {
  /** A user who is a customer already. */
  async function start(t: Parameters<NewDatabase>[0]) {
    const settings = await database(t)
    const all = await setup(t, settings)
    const userId = await all.addUser()
    await all.sent()
    return { ...all, settings, userId }
  }

  const failures: [name: string, as: Fault['as'], more: Partial<Fault>][] = [
    ['is down', 'drop', always],
    ['answers 500', 500, always],
    ['answers 503', 503, always],
    ['acts and says nothing', 'lose', always],
  ]
  for (const [name, as, more] of failures) {
    test(`${engine}: Stripe ${name}: callers are told to come back, and pay once`, async (t) => {
      const { userId, pay, counterpart, account, app } = await start(t)
      counterpart.fail(making, as, more)
      const answer = await pay(userId, atOnce, 'one')
      t.match(answer.json(), { status: 503, code: 'unavailable', detail: /same Idempotency-Key/ })
      t.match(answer.headers['retry-after'], /^\d+$/)
      counterpart.faults.length = 0
      const again = await pay(userId, atOnce, 'one')
      t.match(again.json(), { status: 'succeeded', failure: null, clientSecret: /_secret_/ })
      t.same([account.intents.size, account.charges.size], [1, 1])
      t.match(await app.storage.engine.all(raw('select status from payments'), {}), [{ status: 'succeeded' }])
    })
  }

  test(`${engine}: Stripe is down before it knows of the user: there is nothing to charge, and later one customer`, async (t) => {
    const { addUser, pay, counterpart, account, sent } = await setup(t, await database(t))
    counterpart.isDown = true
    const userId = await addUser()
    t.equal((await pay(userId, atOnce, 'one')).statusCode, 503)
    counterpart.isDown = false
    t.equal((await pay(userId, atOnce, 'one')).statusCode, 201)
    await sent()
    t.same([account.customers.size, account.charges.size], [1, 1])
  })

  test(`${engine}: Stripe asks for a pause, and callers are told for how long`, async (t) => {
    const { userId, pay, counterpart, account } = await start(t)
    counterpart.fail(making, 429, { retryAfter: 7 })
    const answer = await pay(userId, atOnce)
    t.equal(answer.statusCode, 503)
    t.equal(answer.headers['retry-after'], '7')
    t.equal(account.intents.size, 0)
  })

  test(`${engine}: the same request by two processes at once charges once`, async (t) => {
    const { userId, pay, key, settings, counterpart, account } = await start(t)
    const other = await build(t, { ...quick, ...counterpart.settings, ...settings })
    counterpart.fail(making, 'lose', { slow: 300 })
    const payload = { userId, ...intent, ...atOnce }
    const ask = () =>
      other.app.inject({ method: 'POST', url: '/payments/intents', headers: { ...keyed(key, 'one') }, payload })
    const answers = await Promise.all([pay(userId, atOnce, 'one'), ask(), pay(userId, atOnce, 'one'), ask()])
    t.same([account.intents.size, account.charges.size], [1, 1])
    const ids = answers.filter(({ statusCode }) => statusCode === 201).map((answer) => answer.json<PaymentView>().id)
    t.ok(new Set(ids).size <= 1)
    t.ok(
      counterpart.seen.some(({ status }) => status === 409),
      'Stripe has told one of them that the other is at it',
    )
    t.ok(answers.every(({ statusCode }) => statusCode === 201 || statusCode === 503))
    t.match((await ask()).json(), { status: 'succeeded', ...(ids.length > 0 && { id: ids[0] }) })
  })

  test(`${engine}: a refund whose answer was lost is given once`, async (t) => {
    const { userId, pay, refund, refunds, payment, counterpart, account } = await start(t)
    const { id } = (await pay(userId, atOnce)).json<PaymentView>()
    counterpart.fail(/POST .*refunds$/, 'lose', always)
    t.equal((await refund(id, { amount: 500 }, 'one')).statusCode, 503)
    counterpart.faults.length = 0
    counterpart.forgetKeys()
    t.match((await refund(id, { amount: 500 }, 'one')).json(), { status: 'succeeded', amount: 500 })
    t.equal(account.refunds.size, 1)
    t.equal((await refunds(id)).length, 1)
    t.match(await payment(id), { amountRefunded: 500, status: 'partially-refunded' })
  })

  test(`${engine}: what Stripe has made is recorded although nobody asks again`, async (t) => {
    const { userId, pay, checkout, refund, payment, refunds, counterpart, account } = await start(t)
    const paid = (await pay(userId, atOnce)).json<PaymentView>()
    counterpart.fail(/POST .*(intents|sessions|refunds)$/, 'lose', { times: 30 })
    const answers = [await pay(userId, atOnce), await checkout(userId), await refund(paid.id)]
    t.same(
      answers.map(({ statusCode }) => statusCode),
      [503, 503, 503],
    )
    await until(
      () => payment(2),
      ({ paymentIntentId }) => paymentIntentId,
    )
    t.match(await payment(2), { status: 'requested' }, 'and nothing is charged that nobody asks for again')
    t.equal(account.charges.size, 1)
    t.match(
      await until(
        () => payment(3),
        ({ status }) => status !== 'requested',
      ),
      {
        status: 'requires-payment',
        checkoutSessionId: /^cs_/,
      },
    )
    await until(
      () => refunds(paid.id),
      ([first]) => first?.status === 'succeeded',
    )
    t.same([account.intents.size, account.sessions.size, account.refunds.size], [2, 1, 1])
  })

  test(`${engine}: what never reached Stripe is charged by nobody but who asks again, and is given up after a day`, async (t) => {
    const { app, userId, pay, payment, counterpart, account, status, deliveries, call, admin } = await start(t)
    counterpart.fail(making, 'drop', always)
    t.equal((await pay(userId, atOnce, 'one')).statusCode, 503)
    t.equal((await pay(userId, atOnce, 'two')).statusCode, 503)
    counterpart.faults.length = 0
    const { out } = await until(status, ({ out }) => out.waiting === 2 && /may ask again/.test(out.lastError ?? ''))
    t.match(out.lastError, /^payment \d is not made at Stripe yet: who asked for it may ask again$/)
    t.equal(account.charges.size, 0)
    t.match((await pay(userId, atOnce, 'one')).json(), { id: 1, status: 'succeeded' })
    const long = new Date(Date.now() - 90_000_000).toISOString()
    await app.storage.engine.write([[raw(`update payments set created_at = '${long}' where id = 2`), {}]])
    const [waiting] = await deliveries('?state=waiting')
    for (const { id } of await deliveries('?state=waiting'))
      await call('POST', `/connectors/stripe/deliveries/${id}/replay`, undefined, { 'x-api-key': admin })
    t.ok(waiting)
    await until(
      () => payment(2),
      ({ status }) => status === 'canceled',
    )
    const late = await pay(userId, atOnce, 'two')
    t.match(late.json(), { status: 409, detail: 'It has never reached Stripe' })
    t.equal(account.charges.size, 1)
  })

  test(`${engine}: a payment that never reached Stripe is canceled without being made`, async (t) => {
    const { userId, pay, payment, counterpart, account, call } = await start(t)
    counterpart.fail(making, 'drop', always)
    await pay(userId, atOnce, 'one')
    counterpart.faults.length = 0
    t.match((await call('POST', '/payments/1/cancel')).json(), { status: 'canceled' })
    t.match(await payment(1), { status: 'canceled', failure: 'It was canceled before it reached Stripe' })
    t.match((await pay(userId, atOnce, 'one')).json(), { status: 409 })
    t.equal(account.intents.size, 0)
  })

  test(`${engine}: a payment whose answer was lost is canceled at Stripe`, async (t) => {
    const { userId, pay, counterpart, account, call } = await start(t)
    counterpart.fail(making, 'lose', always)
    await pay(userId, {}, 'one')
    counterpart.faults.length = 0
    t.match((await call('POST', '/payments/1/cancel')).json(), { status: 'canceled', paymentIntentId: /^pi_/ })
    t.match([...account.intents.values()], [{ status: 'canceled' }])
  })

  test(`${engine}: a refund that was made stays made where the payment cannot be asked for`, async (t) => {
    const { userId, pay, refund, payment, counterpart, account } = await start(t)
    const { id } = (await pay(userId, atOnce)).json<PaymentView>()
    counterpart.fail(/GET .*payment_intents/, 503, always)
    t.match((await refund(id, { amount: 500 })).json(), { status: 'succeeded' })
    t.equal(account.refunds.size, 1)
    t.match(await payment(id), { amountRefunded: 0 }, 'until Stripe tells of it')
  })

  test(`${engine}: long after, when Stripe knows no key any more, nothing is made twice`, async (t) => {
    const { userId, pay, checkout, counterpart, account } = await start(t)
    counterpart.fail(/POST .*(intents|sessions)$/, 'lose', always)
    await Promise.all([pay(userId, atOnce, 'one'), checkout(userId, {}, 'one')])
    counterpart.faults.length = 0
    counterpart.forgetKeys()
    t.match((await pay(userId, atOnce, 'one')).json(), { status: 'succeeded' })
    t.match((await checkout(userId, {}, 'one')).json(), { url: /checkout/ })
    t.same([account.intents.size, account.sessions.size], [1, 1])
  })

  test(`${engine}: a key that Stripe does not accept is the operator’s to mend: it is told of, and not shown`, async (t) => {
    const { addUser, pay, status, counterpart, logs } = await setup(t, {
      ...(await database(t)),
      STRIPE_SECRET_KEY: 'sk_test_thewrong',
    })
    const userId = await addUser()
    const answer = await pay(userId)
    t.match(answer.json(), { status: 503, code: 'unavailable' })
    const { out } = await until(status, ({ out }) => out.lastError)
    t.match(out, { waiting: 1, dead: 0, lastError: 'Stripe does not accept STRIPE_SECRET_KEY, or not for this' })
    t.equal(counterpart.count(/./) > 0, true)
    t.notMatch(JSON.stringify(logs()), /thewrong|\*\*\*rong/)
  })
}
