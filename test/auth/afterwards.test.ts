import { readdirSync } from 'node:fs'
import path from 'node:path'
import { test } from 'tap'
import { Afterwards } from '../../src/auth/afterwards.ts'
import { fatima, openAccounts } from './account-setup.ts'

test('what goes on after an answer is awaited, with what it begins itself, and its failures are told', async (t) => {
  const afterwards = new Afterwards()
  const told: unknown[] = []
  afterwards.onError = (error) => told.push(error)
  const order: string[] = []
  const pause = () => new Promise(setImmediate)
  afterwards.run(async () => {
    await pause()
    order.push('first')
    afterwards.run(async () => {
      await pause()
      order.push('second')
    })
  })
  afterwards.run(() => Promise.reject(new Error('no')))
  t.same(order, [])
  await afterwards.done()
  t.same(order, ['first', 'second'])
  t.match(told, [{ message: 'no' }])
  await afterwards.done()
})

test('asking for another password is answered before anybody is looked up; what fails afterwards is a warning', async (t) => {
  const { app, join, post, notices, logs } = await openAccounts(t)
  await join()
  const { engine } = app.storage
  const reads = t.capture(engine, 'first', engine.first)
  t.equal((await post('/auth/request-password-reset', { email: fatima.email })).statusCode, 202)
  t.equal((await notices('reset-password')).length, 1)
  t.ok(reads().length > 0)
  t.intercept(engine, 'first', {
    value: () => {
      throw new Error('no storage')
    },
  })
  t.equal((await post('/auth/request-password-reset', { email: fatima.email })).statusCode, 202)
  await app.accounts.afterwards.done()
  t.match(
    logs().filter(({ level }) => Number(level) >= 40),
    [{ level: 40, msg: 'work after an answer has failed', err: { message: 'no storage' } }],
  )
})

test('a server that closes does first what it owes', async (t) => {
  const { app, join, post, folder } = await openAccounts(t)
  await join()
  t.equal((await post('/auth/request-password-reset', { email: fatima.email })).statusCode, 202)
  await app.close()
  t.equal(readdirSync(path.join(folder, 'notices')).filter((name) => name.includes('reset-password')).length, 1)
})
