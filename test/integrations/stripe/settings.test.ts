/** What an operator sets. */

import { registerHooks } from 'node:module'
import { test } from 'tap'
import { build } from '../../helper.ts'
import { openCounterpart } from './counterpart.ts'
import { setup } from './setup.ts'

test('without its settings there are no payments, and nothing of the SDK is loaded', async (t) => {
  let loaded = 0
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'stripe') loaded += 1
      return next(specifier, context)
    },
  })
  t.teardown(() => hooks.deregister())
  const { app } = await build(t)
  t.equal(app.payments, undefined)
  t.equal((await app.inject({ url: '/payments' })).statusCode, 404)
  t.notOk([...app.contract.keys()].some((name) => /payment/i.test(name)))
  t.notOk([...app.events.types.keys()].some((name) => name.startsWith('payment.')))
  t.equal(loaded, 0)
  await setup(t)
  t.equal(loaded, 1, 'and with them it is')
})

test('an operator names the currencies, and what leads back', async (t) => {
  const { addUser, pay, checkout } = await setup(t, { STRIPE_CURRENCIES: 'usd, jpy', STRIPE_SUCCESS_URL: '' })
  const userId = await addUser()
  t.match((await pay(userId)).json(), { errors: [{ pointer: '/currency', detail: 'must be one of usd, jpy' }] })
  t.equal((await pay(userId, { currency: 'jpy' })).statusCode, 201)
  t.match((await checkout(userId, { currency: 'usd' })).json(), { errors: [{ pointer: '/successUrl' }] })
  const back = { currency: 'usd', successUrl: 'https://shop.example.com/done' }
  t.equal((await checkout(userId, back)).statusCode, 201)
})

test('a setting that cannot be used ends the start, and is not repeated', async (t) => {
  const { settings } = await openCounterpart(t)
  const wrong = {
    STRIPE_API_URL: 'https://api.stripe.com/v1',
    STRIPE_WEBHOOK_SECRET: ' , ',
    STRIPE_SUCCESS_URL: 'shop',
    STRIPE_CURRENCIES: 'euro',
    STRIPE_SECRET_KEY: '',
  }
  for (const [name, value] of Object.entries(wrong)) {
    await t.rejects(build(t, { ...settings, [name]: value }), { name: 'ConfigError', message: new RegExp(name) })
  }
  const clear = { ...settings, STRIPE_API_URL: 'http://stripe.example.com' }
  await t.rejects(build(t, clear), { name: 'ConfigError', message: /must begin with https:/ })
})
