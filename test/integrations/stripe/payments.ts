/** What callers do with payments, and what Stripe is asked for. */

import { test } from 'tap'
import { makeKey } from '../../keys.ts'
import { raw } from '../../storage/setup.ts'
import { atOnce, intent, memberScopes, type NewDatabase, type PaymentView, setup, until } from './setup.ts'

export function payments(engine: string, database: NewDatabase): void {
  test(`${engine}: a user pays in an application, by an intent of its customer`, async (t) => {
    const { addUser, pay, account, counterpart, payment, app } = await setup(t, await database(t))
    const userId = await addUser()
    const answer = await pay(userId)
    t.equal(answer.statusCode, 201, answer.body)
    t.equal(answer.headers['cache-control'], 'no-store')
    const { clientSecret, ...made } = answer.json()
    t.match(made, { ...intent, userId, kind: 'payment-intent', status: 'requires-payment', amountRefunded: 0 })
    t.equal(answer.headers.location, `/payments/${made.id}`)
    const [there] = [...account.intents.values()]
    t.match(there, { ...intent, id: made.paymentIntentId, client_secret: clientSecret })
    t.match(account.customers.get(String(there?.customer)), { metadata: { septet_user: String(userId) } })
    t.same(await payment(made.id), made)
    t.equal(counterpart.count(/POST .*intents$/), 1)
    const rows = await app.storage.engine.all(raw('select * from payments'), {})
    t.notMatch(JSON.stringify(rows), clientSecret, 'no secret of a client is kept')
  })

  test(`${engine}: a user pays on a page of Stripe, and comes back to where the call or the operator says`, async (t) => {
    const { addUser, checkout, account } = await setup(t, await database(t))
    const userId = await addUser()
    const answer = await checkout(userId, { cancelUrl: 'https://shop.example.com/cart' })
    t.match(answer.json(), { status: 'requires-payment', kind: 'checkout-session', url: /^https:\/\/checkout/ })
    t.equal(answer.headers['cache-control'], 'no-store')
    t.match(
      [...account.sessions.values()],
      [{ success_url: 'https://shop.example.com/paid', cancel_url: 'https://shop.example.com/cart', mode: 'payment' }],
    )
  })

  test(`${engine}: with a method of payment it is paid at once, declined, or left to the user to confirm`, async (t) => {
    const { addUser, pay, account, payment } = await setup(t, await database(t))
    const userId = await addUser()
    t.match((await pay(userId, atOnce)).json(), { status: 'succeeded', failure: null })
    const declined = await pay(userId, { paymentMethod: 'pm_card_chargeDeclined' }, 'declined')
    t.match(declined.json(), { status: 409, code: 'conflict', detail: 'Your card was declined.' })
    t.match(await payment(2), { status: 'requires-payment', failure: 'Your card was declined.' })
    const again = await pay(userId, { paymentMethod: 'pm_card_chargeDeclined' }, 'declined')
    t.match(again.json(), { status: 409, detail: 'Your card was declined.' })
    t.equal(account.intents.size, 2, 'and it is not tried twice')
    const asked = await pay(userId, { paymentMethod: 'pm_card_authenticationRequired' })
    t.match(asked.json(), { status: 'requires-action', clientSecret: /_secret_/ })
    t.equal(account.charges.size, 1)
  })

  test(`${engine}: what Stripe does not take is told as what is wrong with the input, and stays told`, async (t) => {
    const { addUser, pay, checkout, payment, account } = await setup(t, await database(t))
    const userId = await addUser()
    for (const [answer, pointer, detail] of [
      [await pay(userId, { currency: 'xxx' }, 'a key'), '/currency', 'Invalid currency: xxx.'],
      [await pay(userId, { amount: 49 }), '/amount', 'Amount must be at least 50 eur'],
      [await checkout(userId, { amount: 49 }), '/amount', 'Amount must be at least 50 eur'],
      [await pay(userId, { paymentMethod: 'pm_none' }), '/paymentMethod', "No such PaymentMethod: 'pm_none'"],
      [await pay(userId, { currency: 'xxx' }, 'a key'), '/currency', 'Invalid currency: xxx.'],
    ] as const)
      t.match(answer.json(), { status: 400, code: 'validation-failed', errors: [{ in: 'body', pointer, detail }] })
    t.match(await payment(1), { status: 'failed', failure: 'Invalid currency: xxx.', paymentIntentId: null })
    t.equal(account.sessions.size, 0)
  })

  test(`${engine}: a request that is sent again with its key finds the same payment, and a new one makes another`, async (t) => {
    const { addUser, pay, checkout, account } = await setup(t, await database(t))
    const userId = await addUser()
    const first = await pay(userId, atOnce, 'one')
    const again = await pay(userId, atOnce, '"one"')
    t.equal(again.headers['idempotent-replayed'], 'true')
    t.match(again.json(), { id: first.json().id, clientSecret: first.json().clientSecret, status: 'succeeded' })
    t.equal((await pay(userId, { ...atOnce, amount: 2000 }, 'one')).statusCode, 422)
    const pages = await Promise.all([checkout(userId, {}, 'page'), checkout(userId, {}, 'page')])
    t.equal(pages[0]?.json().url, pages[1]?.json().url)
    t.not((await pay(userId, atOnce)).json().id, first.json().id)
    t.same([account.charges.size, account.sessions.size], [2, 1])
  })

  test(`${engine}: members pay for themselves and see their own, whoever acts for all says who pays`, async (t) => {
    const { app, admin, addUser, pay, join, call } = await setup(t, { ...(await database(t)), ...memberScopes })
    const other = await addUser()
    const theirs = (await pay(other, atOnce)).json<PaymentView>()
    const { id: userId, authorization } = await join('member@example.com')
    const member = { authorization }
    const own = await call('POST', '/payments/intents', intent, member)
    t.match(own.json(), { userId, status: 'requires-payment' }, own.body)
    t.match((await call('POST', '/payments/intents', { ...intent, userId: other }, member)).json(), { status: 403 })
    t.match((await call('GET', `/payments/${theirs.id}`, undefined, member)).json(), { status: 404 })
    t.match((await call('POST', `/payments/${theirs.id}/cancel`, undefined, member)).json(), { status: 404 })
    t.match((await call('POST', `/payments/${theirs.id}/refunds`, {}, member)).json(), { status: 404 })
    const ownRefund = { ...member, 'idempotency-key': 'own' }
    const { id: ownId } = own.json<PaymentView>()
    t.match((await call('POST', `/payments/${ownId}/refunds`, {}, ownRefund)).json(), {
      status: 403,
      detail: 'You cannot give back a payment of your own',
    })
    t.match((await call('GET', `/payments/${theirs.id}/refunds`, undefined, member)).json(), { status: 404 })
    const seen = async (query: string, headers?: object) => {
      const rows = (await call('GET', `/payments${query}`, undefined, headers)).json<PaymentView[]>()
      return rows.map(({ userId }) => userId)
    }
    t.same(await seen('', member), [userId])
    t.same(await seen(`?userId=${other}`, member), [])
    t.same(await seen(`?ids=${theirs.id}`, member), [])
    // A key that a member has made is the member.
    const payload = { name: 'shop', scopes: ['payments:read', 'payments:write'] }
    const { key } = (await app.inject({ method: 'POST', url: '/keys', headers: { authorization }, payload })).json()
    t.same(await seen('', { 'x-api-key': key }), [userId])
    t.match((await call('POST', '/payments/intents', { ...intent, userId: other }, { 'x-api-key': key })).json(), {
      status: 403,
    })
    t.same(await seen(''), [userId, other])
    t.same(await seen('?status=succeeded'), [other])
    t.same(await seen(`?userId=${userId}&sort=id`, { 'x-api-key': admin }), [userId])
    t.match((await call('POST', '/payments/intents', intent)).json(), {
      errors: [{ pointer: '/userId', detail: 'must say who pays' }],
    })
    t.match((await pay(999)).json(), { status: 404, detail: 'User not found' })
    for (const [scopes, url] of [
      [['payments:read'], '/payments/intents'],
      [['payments:read', 'payments:write'], `/payments/${theirs.id}/refunds`],
    ] as const) {
      const lesser = await makeKey(app, admin, [...scopes])
      t.equal((await call('POST', url, intent, { 'x-api-key': lesser.key })).statusCode, 403, url)
    }
  })

  test(`${engine}: nobody in particular never acts for all, whatever scopes everybody has`, async (t) => {
    const open = { ANONYMOUS_SCOPES: 'users:read users:write payments:read payments:write payments:refund' }
    const { addUser, pay, call, account } = await setup(t, { ...(await database(t)), ...open })
    const userId = await addUser()
    const { id } = (await pay(userId, atOnce)).json<PaymentView>()
    for (const [method, url, payload] of [
      ['GET', '/payments', undefined],
      ['GET', `/payments/${id}`, undefined],
      ['GET', `/payments/${id}/refunds`, undefined],
      ['POST', '/payments/intents', { userId, ...intent }],
      ['POST', '/payments/sessions', { userId, ...intent }],
      ['POST', `/payments/${id}/cancel`, undefined],
      ['POST', `/payments/${id}/refunds`, {}],
    ] as const)
      t.match((await call(method, url, payload, {})).json(), { status: 403, code: 'forbidden' }, `${method} ${url}`)
    t.same([account.intents.size, account.refunds.size], [1, 0])
  })

  test(`${engine}: what moves money at once needs a key, and who comes without one is told so of the rest`, async (t) => {
    const { addUser, call, pay, counterpart, account } = await setup(t, await database(t))
    const userId = await addUser()
    const { id } = (await pay(userId, atOnce)).json<PaymentView>()
    for (const [url, payload] of [
      ['/payments/intents', { userId, ...intent, ...atOnce }],
      [`/payments/${id}/refunds`, {}],
    ] as const)
      t.match((await call('POST', url, payload)).json(), {
        status: 400,
        code: 'validation-failed',
        errors: [{ in: 'header', pointer: '/idempotency-key' }],
      })
    t.same([account.intents.size, account.refunds.size], [1, 0])
    counterpart.fail(/POST .*payment_intents$/, 'drop', { times: 10 })
    const detail = (await call('POST', '/payments/intents', { userId, ...intent })).json().detail
    t.equal(detail, 'Stripe cannot be asked at the moment: see whether it has come to pass, and try again')
  })

  test(`${engine}: what was not paid can be canceled, once and again`, async (t) => {
    const { addUser, pay, checkout, call, account } = await setup(t, await database(t))
    const userId = await addUser()
    const cancel = (id: number) => call('POST', `/payments/${id}/cancel`)
    const [first, page, paid, raced] = await Promise.all([
      pay(userId).then((answer) => answer.json<PaymentView>()),
      checkout(userId).then((answer) => answer.json<PaymentView>()),
      pay(userId, atOnce).then((answer) => answer.json<PaymentView>()),
      pay(userId).then((answer) => answer.json<PaymentView>()),
    ])
    for (const { id } of [first, first, page, page]) t.match((await cancel(id)).json(), { id, status: 'canceled' })
    t.match((await cancel(paid.id)).json(), { status: 409, detail: 'The payment is succeeded' })
    account.confirm(raced.paymentIntentId ?? '', 'pm_card_visa')
    t.match((await cancel(raced.id)).json(), { status: 409 }, 'what Stripe knows of and we do not')
    t.match((await call('GET', `/payments/${raced.id}`)).json(), { status: 'succeeded' })
    t.match((await cancel(999)).json(), { status: 404 })
    const refused = await pay(userId, { currency: 'xxx' })
    t.equal(refused.statusCode, 400)
    t.match((await cancel(5)).json(), { status: 409, detail: 'The payment is failed' })
    t.equal([...account.intents.values()].filter(({ status }) => status === 'canceled').length, 1)
  })

  test(`${engine}: a payment is given back in parts, then whole, and no more than that`, async (t) => {
    const { addUser, pay, refund, refunds, payment, account } = await setup(t, await database(t))
    const userId = await addUser()
    const { id } = (await pay(userId, atOnce)).json<PaymentView>()
    const unpaid = (await pay(userId)).json<PaymentView>()
    t.match((await refund(unpaid.id)).json(), { status: 409, detail: 'The payment is requires-payment' })
    t.match((await refund(id, { amount: 2000 })).json(), { status: 409, detail: 'Not so much is left of the payment' })
    const part = await refund(id, { amount: 999, reason: 'requested-by-customer' }, 'part')
    t.equal(part.statusCode, 201, part.body)
    t.match(part.json(), { paymentId: id, userId, amount: 999, currency: 'eur', status: 'succeeded', failure: null })
    t.match(await payment(id), { status: 'partially-refunded', amountRefunded: 999 })
    const again = await refund(id, { amount: 999, reason: 'requested-by-customer' }, 'part')
    t.match(again.json(), { id: part.json().id })
    t.equal(again.headers['idempotent-replayed'], 'true')
    t.match((await refund(id, {}, 'rest')).json(), { amount: 1000, status: 'succeeded' })
    t.match(await payment(id), { status: 'refunded', amountRefunded: 1999 })
    t.match((await refund(id, {}, 'rest')).json(), { amount: 1000 }, 'found again, although nothing is left')
    t.match((await refund(id)).json(), { status: 409, detail: 'The payment is refunded' })
    t.equal(account.refunds.size, 2)
    t.same(
      (await refunds(id)).map(({ amount }) => amount),
      [999, 1000],
    )
    // The same key of another payment is another request.
    const other = (await pay(userId, atOnce)).json<PaymentView>()
    t.match((await refund(other.id, {}, 'rest')).json(), { paymentId: other.id, amount: 1999 })
  })

  test(`${engine}: refunds at the same time give back no more than was paid`, async (t) => {
    const { addUser, pay, refund, payment, account } = await setup(t, await database(t))
    const { id } = (await pay(await addUser(), atOnce)).json<PaymentView>()
    const answers = await Promise.all([1, 2, 3].map(() => refund(id, { amount: 900 })))
    t.same(answers.map(({ statusCode }) => statusCode).sort(), [201, 201, 409])
    t.match(await payment(id), { status: 'partially-refunded', amountRefunded: 1800 })
    t.equal(account.refunds.size, 2)
  })

  test(`${engine}: a refund counts before the payment says so`, async (t) => {
    const { addUser, pay, refund, payment, counterpart, account } = await setup(t, await database(t))
    const { id } = (await pay(await addUser(), atOnce)).json<PaymentView>()
    counterpart.fail(/GET .*payment_intents/, 'drop', { times: 100 })
    t.equal((await refund(id, { amount: 1500 })).statusCode, 201)
    t.match(await payment(id), { amountRefunded: 0 })
    const more = (await refund(id, { amount: 1000 })).json()
    t.match(more, { status: 409, detail: 'Not so much is left of the payment' })
    counterpart.faults.length = 0
    t.match((await refund(id, { amount: 499 })).json(), { status: 'succeeded' })
    t.match(await payment(id), { status: 'refunded', amountRefunded: 1999 })
    t.equal(account.refunds.size, 2)
  })

  test(`${engine}: a refund whose answer was lost keeps its part of the payment`, async (t) => {
    const { addUser, pay, refund, counterpart, account } = await setup(t, await database(t))
    const { id } = (await pay(await addUser(), atOnce)).json<PaymentView>()
    counterpart.fail(/refunds/, 'drop', { times: 100 })
    t.equal((await refund(id, { amount: 1500 }, 'one')).statusCode, 503)
    counterpart.faults.length = 0
    const more = (await refund(id, { amount: 1000 }, 'two')).json()
    t.match(more, { status: 409, detail: 'Not so much is left of the payment' })
    t.match((await refund(id, { amount: 1500 }, 'one')).json(), { status: 'succeeded' })
    t.match((await refund(id, {}, 'three')).json(), { amount: 499 })
    t.equal(account.refunds.size, 2)
  })

  test(`${engine}: of a payment that was captured in part, so much can be given back`, async (t) => {
    const { addUser, pay, refund, payment, account, tell, status } = await setup(t, await database(t))
    const { id, paymentIntentId } = (await pay(await addUser())).json<PaymentView>()
    account.capture(paymentIntentId ?? '', 1000)
    await tell(account.events)
    await until(status, (now) => now.in.waiting === 0)
    t.match(await payment(id), { status: 'succeeded', amount: 1999 })
    t.match((await refund(id, { amount: 1001 })).json(), { status: 409 })
    t.match((await refund(id)).json(), { amount: 1000, status: 'succeeded' })
    t.match(await payment(id), { status: 'refunded', amountRefunded: 1000 })
  })

  test(`${engine}: what happens to a payment is told to who pays, and to administrators`, async (t) => {
    const { app, admin, addUser, pay, join, call, refund } = await setup(t, { ...(await database(t)), ...memberScopes })
    const { id } = (await pay(await addUser(), atOnce)).json<PaymentView>()
    await refund(id)
    const { authorization, id: userId } = await join('member@example.com')
    await call('POST', '/payments/intents', intent, { authorization })
    const told = async (headers: object) => {
      const url = '/events?types=payment.*&types=refund.*&limit=100'
      const events = (await app.inject({ url, headers: { ...headers } })).json<{ type: string; data: PaymentView }[]>()
      return events.map(({ type, data }) => `${data.userId} ${type} ${data.status}`)
    }
    const own = await until(
      () => told({ authorization }),
      ({ length }) => length === 2,
    )
    t.same(own, [`${userId} payment.created requested`, `${userId} payment.updated requires-payment`])
    t.same((await told({ 'x-api-key': admin })).slice(0, 6), [
      '1 payment.created requested',
      '1 payment.updated requested',
      '1 payment.updated succeeded',
      '1 refund.created requested',
      '1 refund.updated succeeded',
      '1 payment.updated refunded',
    ])
  })
}
