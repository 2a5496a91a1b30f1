/** What Stripe tells: signed, twice, in any order, before it has answered, and of what others have made. */

import { test } from 'tap'
import { raw } from '../../storage/setup.ts'
import { signed } from './counterpart.ts'
import { atOnce, type NewDatabase, type PaymentView, setup, until } from './setup.ts'

const url = '/connectors/stripe/webhook'

export function webhooks(engine: string, database: NewDatabase): void {
  async function start(t: Parameters<NewDatabase>[0], settings: Record<string, string> = {}) {
    const all = await setup(t, { ...(await database(t)), ...settings })
    const userId = await all.addUser()
    return { ...all, userId, handled: () => until(all.status, (status) => status.in.waiting === 0) }
  }

  test(`${engine}: only what Stripe has signed is taken, within five minutes`, async (t) => {
    const settings = { STRIPE_WEBHOOK_SECRET: 'whsec_next, whsec_before' }
    const { app, account, status, userId, pay, deliveries } = await start(t, settings)
    await pay(userId)
    const event = account.events.find(({ type }) => type === 'payment_intent.created')
    if (event === undefined) throw new Error('there is no event')
    const post = async ({ body, headers }: { body: string; headers: Record<string, string> }) =>
      (await app.inject({ method: 'POST', url, headers, payload: body })).statusCode
    const good = signed(event, 'whsec_before')
    t.equal(await post(signed(event, 'whsec_other')), 401)
    t.equal(await post(signed(event, 'whsec_before', Date.now() - 301_000)), 401)
    t.equal(await post({ ...good, body: good.body.replace('eur', 'usd') }), 401)
    t.equal(await post({ ...good, headers: { 'content-type': 'application/json' } }), 401)
    for (const header of ['t=abc,v1=', `t=${Math.floor(Date.now() / 1000)},v1=`, 'v1=00', ''])
      t.equal(await post({ ...good, headers: { ...good.headers, 'stripe-signature': header } }), 401)
    t.equal(await post(signed('no JSON', 'whsec_next')), 400)
    t.equal(await post(signed('{"object":"v2.core.event"}', 'whsec_next')), 400)
    t.equal(await post(signed('{"object":"event"}', 'whsec_next')), 400)
    t.equal((await deliveries('?direction=in')).length, 0)
    t.equal(await post(good), 202)
    t.equal(await post(signed({ ...event, id: 'evt_next' }, 'whsec_next')), 202)
    t.equal(
      await post(
        signed({ ...event, id: 'evt_plan', data: { object: { ...event.data.object, object: 'plan' } } }, 'whsec_next'),
      ),
      202,
    )
    await until(status, (now) => now.in.waiting === 0)
    t.same(
      (await deliveries('?direction=in')).map(({ state }) => state),
      ['delivered', 'delivered'],
    )
  })

  test(`${engine}: what is told twice and in any order is what Stripe says now`, async (t) => {
    const { app, admin, account, pay, payment, tell, handled, userId } = await start(t)
    const { id, paymentIntentId } = (await pay(userId)).json<PaymentView>()
    account.events.length = 0
    t.throws(() => account.confirm(paymentIntentId ?? '', 'pm_card_chargeDeclined'))
    t.same(await tell(account.events), [202])
    await handled()
    t.match(await payment(id), { status: 'requires-payment', failure: 'Your card was declined.' })
    account.confirm(paymentIntentId ?? '', 'pm_card_visa')
    account.createRefund({ payment_intent: paymentIntentId, amount: 1000 })
    const events = account.events.toReversed()
    await Promise.all([tell(events), tell(events), tell(events.toReversed())])
    await handled()
    t.match(await payment(id), { status: 'partially-refunded', amountRefunded: 1000, failure: null })
    const told = await app.inject({ url: '/events?types=payment.updated', headers: { 'x-api-key': admin } })
    t.same(
      told.json<{ data: PaymentView }[]>().map(({ data }) => [data.status, data.failure]),
      [
        ['requires-payment', null],
        ['requires-payment', 'Your card was declined.'],
        ['partially-refunded', null],
      ],
    )
  })

  test(`${engine}: what is told before the answer is there is the same payment`, async (t) => {
    const { account, counterpart, pay, payment, tell, handled, userId } = await start(t)
    const onActed = async () => {
      await tell(account.events)
      await handled()
    }
    counterpart.fail(/POST .*payment_intents$/, 'act', { onActed })
    const answer = await pay(userId, atOnce)
    t.match(answer.json(), { id: 1, status: 'succeeded', clientSecret: /_secret_/ }, answer.body)
    t.match(await payment(1), { status: 'succeeded', paymentIntentId: [...account.intents.keys()][0] })
  })

  test(`${engine}: a page that is paid, and one that has ended`, async (t) => {
    const { account, checkout, payment, tell, handled, userId } = await start(t)
    const [paid, ended] = [(await checkout(userId)).json<PaymentView>(), (await checkout(userId)).json<PaymentView>()]
    account.paySession(paid.checkoutSessionId ?? '')
    account.expireSession(ended.checkoutSessionId ?? '')
    await tell(account.events.toReversed())
    await handled()
    t.match(await payment(paid.id), { status: 'succeeded', paymentIntentId: /^pi_/ })
    t.match(await payment(ended.id), { status: 'canceled', paymentIntentId: null })
  })

  test(`${engine}: a page that has ended with a debit that was refused`, async (t) => {
    const { account, checkout, payment, tell, handled, userId } = await start(t)
    const { id, checkoutSessionId } = (await checkout(userId)).json<PaymentView>()
    account.failSession(checkoutSessionId ?? '')
    await tell(account.events.slice(-1))
    await handled()
    t.match(await payment(id), { status: 'failed', failure: 'The debit was refused.' })
  })

  test(`${engine}: what says that it is a payment, and is another, is not taken for it`, async (t) => {
    const { app, account, counterpart, pay, payment, tell, handled, userId } = await start(t)
    const payments = () => app.storage.engine.all<Record<string, string>>(raw('select * from payments'), {})
    counterpart.fail(/POST .*payment_intents$/, 'drop', { times: 10 })
    await pay(userId, {}, 'one')
    counterpart.faults.length = 0
    const [row] = await payments()
    const mark = { metadata: { septet_payment: row?.reference } }
    const customer = row?.customer_id
    account.events.length = 0
    for (const different of [{ amount: 1 + 1998 * 2 }, { currency: 'usd' }, { customer: undefined }])
      account.createIntent({ amount: 1999, currency: 'eur', customer, ...mark, ...different })
    await tell(account.events)
    await handled()
    t.match(await payment(1), { status: 'requested', paymentIntentId: null })
    t.match((await pay(userId, {}, 'one')).json(), { status: 'requires-payment' })
    t.equal(account.intents.size, 4)
  })

  test(`${engine}: what is done at Stripe itself is reflected, what others have made is not taken`, async (t) => {
    const { account, pay, payment, refund, refunds, call, tell, handled, userId } = await start(t)
    const { id, paymentIntentId } = (await pay(userId, atOnce)).json<PaymentView>()
    account.createRefund({ payment_intent: paymentIntentId, amount: 500 })
    const foreign = account.createIntent({ amount: 700, currency: 'eur' })
    account.confirm(foreign.id, 'pm_card_visa')
    await tell(account.events)
    await handled()
    t.match(await payment(id), { status: 'partially-refunded', amountRefunded: 500 })
    t.same(await refunds(id), [])
    t.equal((await call('GET', '/payments')).json().length, 1)
    const own = (await refund(id)).json()
    t.match(own, { status: 'succeeded', amount: 1499 })
    account.failRefund(own.refundId)
    await tell(account.events)
    await handled()
    t.match(await refunds(id), [{ status: 'failed', failure: 'expired_or_canceled_card' }])
    t.match(await payment(id), { status: 'partially-refunded', amountRefunded: 500 })
  })

  test(`${engine}: of the refunds of a payment, the one that is told of is asked for`, async (t) => {
    const { account, counterpart, pay, refund, refunds, tell, handled, sent, userId } = await start(t)
    const { id } = (await pay(userId, atOnce)).json<PaymentView>()
    const given = await Promise.all([1, 2, 3].map((amount) => refund(id, { amount })))
    account.failRefund(given[1]?.json().refundId)
    await sent()
    const before = counterpart.count(/GET .*refunds/)
    await tell(account.events.filter(({ type }) => type === 'payment_intent.succeeded'))
    await handled()
    t.equal(counterpart.count(/GET .*refunds/), before)
    await tell(account.events.slice(-1))
    await handled()
    t.equal(counterpart.count(/GET .*refunds/), before + 1)
    t.same((await refunds(id)).map(({ status }) => status).sort(), ['failed', 'succeeded', 'succeeded'])
  })

  test(`${engine}: an attempt that was cut off asks for nothing more`, async (t) => {
    const { app, account, counterpart, pay, sent, userId } = await start(t)
    await pay(userId, {}, 'one')
    await sent()
    const connection = app.connectors.connection('stripe')
    if (!connection?.handle) throw new Error('it is off')
    const before = counterpart.asked
    const over = AbortSignal.abort()
    const event = { id: 'again', time: '', data: {}, owner: null, isLast: false }
    const intent = [...account.intents.keys()][0] ?? ''
    await t.rejects(connection.send({ ...event, type: 'payment.created', subject: '/payments/1' }, over))
    await t.rejects(connection.send({ ...event, type: 'user.updated', subject: `/users/${userId}` }, over))
    const data = { intent, session: null, refund: null }
    await t.rejects(connection.handle({ id: 'evt', type: 'payment_intent.succeeded', data }, over))
    t.equal(counterpart.asked, before)
  })

  test(`${engine}: what is told while Stripe cannot be asked waits for that`, async (t) => {
    const { account, counterpart, pay, payment, status, tell, handled, userId } = await start(t)
    const { id, paymentIntentId } = (await pay(userId)).json<PaymentView>()
    account.confirm(paymentIntentId ?? '', 'pm_card_visa')
    counterpart.fail(/GET .*payment_intents/, 503, { times: 4 })
    t.same(await tell(account.events.slice(-1)), [202])
    await until(status, (now) => now.in.lastError === 'Stripe answered 503')
    await handled()
    t.match(await payment(id), { status: 'succeeded' })
  })
}
