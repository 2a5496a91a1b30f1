/** A customer for each user, whatever comes in between. */

import { test } from 'tap'
import type { Connector } from '../../../routes/connectors/schema.ts'
import { build } from '../../helper.ts'
import { raw } from '../../storage/setup.ts'
import { type Fault, openCounterpart } from './counterpart.ts'
import { atOnce, type NewDatabase, quick, setup, until } from './setup.ts'

const making = /POST \/v1\/customers$/

export function customers(engine: string, database: NewDatabase): void {
  async function start(t: Parameters<NewDatabase>[0], settings: Record<string, string> = {}) {
    const own = { ...(await database(t)), ...settings }
    const all = await setup(t, own)
    const { app, account } = all
    const sendOf = (type: string, id: number) => {
      const connection = app.connectors.connection('stripe')
      const event = {
        id: `${type}-${id}`,
        type,
        subject: `/users/${id}`,
        time: '',
        data: {},
        owner: null,
        isLast: false,
      }
      return connection?.send(event, new AbortController().signal)
    }
    const shown = () => [...account.customers.values()].map(({ name, email }) => ({ name, email }))
    return { ...all, settings: own, sendOf, shown }
  }

  test(`${engine}: a customer is what the user is now, and goes with it`, async (t) => {
    const { app, addUser, sent, shown, account, counterpart } = await start(t)
    const id = await addUser('Mona')
    await sent()
    t.same(shown(), [{ name: 'Mona', email: 'user-1@example.com' }])
    await app.inject({
      method: 'PATCH',
      url: `/users/${id}`,
      payload: { name: 'Mona Lisa', email: 'lisa@example.com' },
    })
    await sent()
    t.same(shown(), [{ name: 'Mona Lisa', email: 'lisa@example.com' }])
    await app.inject({ method: 'DELETE', url: `/users/${id}` })
    await sent()
    t.equal(account.customers.size, 0)
    t.equal(counterpart.count(making), 1)
  })

  test(`${engine}: events that come twice, late and out of order make one customer, and none of who is gone`, async (t) => {
    const { app, addUser, sent, sendOf, shown, account, counterpart } = await start(t)
    const [one, gone] = [await addUser('One'), await addUser('Gone')]
    await app.inject({ method: 'PATCH', url: `/users/${one}`, payload: { name: 'One and only' } })
    await sent()
    await app.inject({ method: 'DELETE', url: `/users/${gone}` })
    await sent()
    await Promise.all(
      ['user.updated', 'user.created', 'user.updated'].flatMap((type) => [sendOf(type, one), sendOf(type, gone)]),
    )
    t.match(shown(), [{ name: 'One and only' }])
    t.equal(account.customers.size, 1)
    t.equal(counterpart.count(making), 2)
  })

  const failures: [name: string, as: Fault['as'], more: Partial<Fault>][] = [
    ['is down for a while', 'drop', { times: 8 }],
    ['acts and says nothing', 'lose', { times: 3 }],
    ['keeps a failure of its own', 'keep', { times: 1 }],
    ['acts and keeps a failure of its own', 'act-and-keep', { times: 1 }],
    ['answers 500', 500, { times: 3 }],
    ['asks for a pause', 429, { times: 1, retryAfter: 1 }],
    ['is slower than a WebHook may be', 'act', { times: 1, slow: 1500 }],
  ]
  for (const [name, as, more] of failures) {
    test(`${engine}: Stripe ${name}: one customer comes of it`, async (t) => {
      const { addUser, sent, shown, counterpart, account } = await start(t, { WEBHOOK_TIMEOUT: '1000' })
      counterpart.fail(making, as, more)
      const id = await addUser('Mona')
      const { out } = await sent()
      t.equal(out.dead, 0)
      t.match(shown(), [{ name: 'Mona', email: 'user-1@example.com' }])
      t.match([...account.customers.values()], [{ metadata: { septet_user: String(id) } }])
      t.equal(account.customers.size, 1)
    })
  }

  test(`${engine}: two processes that send at once make one customer`, async (t) => {
    const { addUser, sent, sendOf, settings, counterpart, account } = await start(t)
    const other = await build(t, { ...quick, ...counterpart.settings, ...settings })
    counterpart.fail(making, 'act', { slow: 200 })
    const id = await addUser('Mona')
    const event = {
      id: 'again',
      type: 'user.updated',
      subject: `/users/${id}`,
      time: '',
      data: {},
      owner: null,
      isLast: false,
    }
    const theirs = other.app.connectors.connection('stripe')?.send(event, new AbortController().signal)
    await Promise.all([sendOf('user.updated', id), theirs])
    await sent()
    t.equal(account.customers.size, 1)
  })

  test(`${engine}: a customer that was asked for long ago is looked for before another is made`, async (t) => {
    const { app, addUser, sent, sendOf, counterpart, account } = await start(t)
    const id = await addUser('Mona')
    await sent()
    const long = new Date(Date.now() - 90_000_000).toISOString()
    const forgotten = `update stripe_customers set customer_id = null, created_at = '${long}'`
    await app.storage.engine.write([[raw(forgotten), {}]])
    counterpart.forgetKeys()
    t.match(await sendOf('user.updated', id), { as: 'delivered' })
    t.equal(account.customers.size, 1)
    t.equal(counterpart.count(/GET .*customers\/search/), 1)
  })

  test(`${engine}: a customer who was deleted at Stripe is made again, for the next change and for a payment`, async (t) => {
    const { addUser, sent, sendOf, pay, account, shown } = await start(t)
    const id = await addUser('Mona')
    await sent()
    account.customers.clear()
    t.match(await sendOf('user.updated', id), { as: 'delivered' })
    t.match(shown(), [{ name: 'Mona' }])
    account.customers.clear()
    t.match((await pay(id)).json(), { status: 'requires-payment', failure: null })
    t.same([account.customers.size, account.intents.size], [1, 1])
    account.customers.clear()
    t.equal((await pay(await addUser('Two'), {}, 'of another')).statusCode, 201)
  })

  test(`${engine}: a user who goes while a payment is asked for leaves no customer`, async (t) => {
    const { app, addUser, pay, counterpart, account, sent, sendOf } = await start(t)
    counterpart.isDown = true
    const id = await addUser('Mona')
    counterpart.isDown = false
    const onActed = async () => {
      await app.inject({ method: 'DELETE', url: `/users/${id}` })
    }
    counterpart.fail(making, 'act', { onActed })
    t.equal((await pay(id)).statusCode, 404)
    await sent()
    t.match(await sendOf('user.deleted', id), { as: 'delivered' })
    t.same([account.customers.size, account.intents.size], [0, 0])
  })

  test(`${engine}: a user who goes while Stripe makes a payment is not made a customer again`, async (t) => {
    const { app, addUser, pay, counterpart, account, sent } = await start(t)
    const id = await addUser('Mona')
    await sent()
    const before = counterpart.asked
    counterpart.fail(/POST .*payment_intents$/, 'act', { slow: 1500 })
    const paying = pay(id, atOnce)
    await until(
      () => counterpart.asked,
      (asked) => asked > before,
    )
    await app.inject({ method: 'DELETE', url: `/users/${id}` })
    await until(
      () => account.customers.size,
      (size) => size === 0,
    )
    t.match((await paying).json(), { status: 409, detail: /^No such customer/ })
    await sent()
    t.same([account.customers.size, account.charges.size], [0, 0])
  })

  test(`${engine}: what Stripe never takes is a dead letter with its reason, and can be replayed`, async (t) => {
    const { addUser, status, deliveries, call, admin, counterpart, shown, sent } = await start(t)
    counterpart.fail(/POST .*customers\/cus_/, 400)
    await addUser('Mona')
    await until(status, ({ out }) => out.dead === 1)
    const [letter] = await deliveries('?state=dead')
    t.match(letter, { type: 'user.created', status: 400, error: 'Not now' })
    await call('POST', `/connectors/stripe/deliveries/${letter?.id}/replay`, undefined, { 'x-api-key': admin })
    await sent()
    t.match(shown(), [{ name: 'Mona' }])
  })

  test(`${engine}: who was there before is brought over, whatever happens to Stripe meanwhile`, async (t) => {
    const own = await database(t)
    const before = await build(t, { ...own, ...quick })
    for (let number = 1; number <= 45; number += 1) {
      const payload = { name: `User ${number}`, email: `${number === 7 ? 'né' : 'before'}-${number}@example.com` }
      await before.app.inject({ method: 'POST', url: '/users', payload })
    }
    const admin = { 'x-api-key': before.app.apiKeys.first ?? '' }
    await before.app.close()
    const counterpart = await openCounterpart(t)
    const { account } = counterpart
    const { app } = await build(t, { ...quick, ...counterpart.settings, ...own })
    counterpart.fail(making, 503, { times: 5 })
    counterpart.fail(making, 'lose', { times: 3 })
    await app.inject({ method: 'POST', url: '/connectors/stripe/back-fill', headers: admin })
    const read = async () =>
      (await app.inject({ url: '/connectors/stripe', headers: admin })).json<typeof Connector.static>()
    const { backFill } = await until(read, (now) => now.backFill?.state === 'done')
    t.match(backFill, {
      total: 45,
      done: 44,
      failed: 1,
      failures: [{ id: 7, error: 'Invalid email address: né-7@example.com' }],
    })
    t.equal(account.customers.size, 45)
    t.equal([...account.customers.values()].filter(({ name }) => name !== null).length, 44)
  })
}
