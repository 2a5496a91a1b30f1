/** What connectors must do over every engine: what happens reaches the service once it can, and its operator sees what waits. */

import { setTimeout as wait } from 'node:timers/promises'
import { type Test, test } from 'tap'
import type { BackFill, Connector } from '../../routes/connectors/schema.ts'
import type { DeliveryDetail, Delivery as DeliverySchema } from '../../src/schemas/delivery.ts'
import { build } from '../helper.ts'
import { raw } from '../storage/setup.ts'
import { type Ledger, openLedger } from './ledger-server.ts'

type Status = typeof Connector.static
type Delivery = typeof DeliverySchema.static
type Detail = typeof DeliveryDetail.static

/** Attempts at once, and again within a moment. */
const quick = { WEBHOOK_WAITS: `0 ${'0.02 '.repeat(20).trim()}`, WEBHOOK_TIMEOUT: '1000', SEED: 'false' }

/** A server with the connector on, and its counterpart. */
async function setup(t: Test, settings: Record<string, string>, given?: Ledger) {
  const ledger = given ?? (await openLedger(t))
  const built = await build(t, { ...quick, ...ledger.settings, ...settings })
  const { app } = built
  const headers = { 'x-api-key': app.apiKeys.first ?? '' }
  const get = async <Value>(url: string) => (await app.inject({ url, headers })).json<Value>()
  const post = (url: string, payload?: object, more = headers as object) =>
    app.inject({ method: 'POST', url, headers: { ...more }, ...(payload && { payload }) })
  async function until<Value>(read: () => Promise<Value> | Value, holds: (value: Value) => unknown): Promise<Value> {
    for (const end = Date.now() + 20_000; ; await wait(5)) {
      const value = await read()
      if (holds(value)) return value
      if (Date.now() > end) throw new Error(`never: ${JSON.stringify(value)}`)
    }
  }
  return {
    ...built,
    ledger,
    get,
    post,
    until,
    status: () => get<Status>('/connectors/ledger'),
    deliveries: (query = '') => get<Delivery[]>(`/connectors/ledger/deliveries${query}`),
    /** Waits until so many users have been written down, and nothing waits. */
    writtenDown: async (users: number) => {
      const written = () => [...ledger.entries.keys()].filter((path) => path.startsWith('/users/')).length
      await until(written, (count) => count >= users)
      await until(
        () => get<Status>('/connectors/ledger'),
        ({ out }) => out.waiting === 0,
      )
    },
    addUser: async (name: string) =>
      (await post('/users', { name, email: `${name}@example.com` })).json<{ id: number }>().id,
  }
}

const hook = { 'x-ledger-secret': 'a good secret', 'content-type': 'application/json' }

export function connectors(engine: string, database: (t: Test) => Promise<Record<string, string>>): void {
  const start = async (t: Test, settings: Record<string, string> = {}) =>
    setup(t, { ...(await database(t)), ...settings })

  test(`${engine}: what happens reaches the service, as it is then`, async (t) => {
    const { app, ledger, addUser, until, status } = await start(t)
    const id = await addUser('Mona')
    await app.inject({ method: 'PATCH', url: `/users/${id}`, payload: { name: 'Mona Lisa' } })
    await until(
      () => ledger.entries.get(`/users/${id}`)?.name,
      (name) => name === 'Mona Lisa',
    )
    await app.inject({ method: 'DELETE', url: `/users/${id}` })
    await until(
      () => ledger.entries.get(`/users/${id}`),
      (entry) => entry === null,
    )
    const { out, on, since } = await until(status, ({ out }) => out.waiting === 0)
    t.match({ out, on, since }, { out: { dead: 0, oldestWaiting: null, lastError: null }, on: true, since: /T/ })
  })

  test(`${engine}: a service that is down loses nothing, and its operator sees what waits and why`, async (t) => {
    const { ledger, addUser, until, status, deliveries, get } = await start(t)
    ledger.answer = () => 500
    const ids = [await addUser('One'), await addUser('Two')]
    const down = await until(status, ({ out }) => out.waiting === 2 && out.lastError)
    t.match(down.out, { waiting: 2, dead: 0, oldestWaiting: /T/, lastError: 'the ledger answered 500' })
    ledger.answer = () => undefined
    await until(status, ({ out }) => out.waiting === 0)
    t.same([...ledger.entries.keys()].sort(), ids.map((id) => `/users/${id}`).sort())
    const [{ id: deliveryId } = { id: 0 }] = await deliveries()
    const { history } = await get<Detail>(`/connectors/ledger/deliveries/${deliveryId}`)
    t.match(history[0], { outcome: 'retry', error: 'the ledger answered 500' })
    t.match(history.at(-1), { outcome: 'delivered', status: 204 })
  })

  test(`${engine}: what a service does not take is a dead letter, to be replayed once that is mended`, async (t) => {
    const { ledger, addUser, until, status, deliveries, post } = await start(t)
    ledger.answer = () => 422
    const id = await addUser('Three')
    const { out } = await until(status, ({ out }) => out.dead === 1)
    t.equal(out.lastError, 'the ledger does not take it', 'why is seen where nothing waits, too')
    const [letter] = await deliveries('?state=dead')
    t.match(letter, { type: 'user.created', state: 'dead', status: 422, error: 'the ledger does not take it' })
    ledger.answer = () => undefined
    t.equal((await post(`/connectors/ledger/deliveries/${letter?.id}/replay`)).statusCode, 202)
    await until(status, ({ out }) => out.dead === 0 && out.waiting === 0)
    t.equal(ledger.entries.get(`/users/${id}`)?.name, 'Three')
    t.match((await post('/connectors/ledger/replay', {})).json(), { events: 1, next: null })
    await until(
      () => ledger.requests.length,
      (count) => count >= 3,
    )
  })

  test(`${engine}: a WebHook is kept once, and handled until that succeeds`, async (t) => {
    const { ledger, until, status, post, deliveries } = await start(t)
    let failures = 2
    ledger.answer = () => (failures-- > 0 ? 503 : undefined)
    const send = (id: string, headers: object = hook) =>
      post('/connectors/ledger/webhook', { id, type: 'paid' }, headers)
    t.same(
      (await Promise.all([send('a'), send('a'), send('b')])).map(({ statusCode }) => statusCode),
      [202, 202, 202],
    )
    await until(status, ({ in: { waiting } }) => waiting === 0)
    t.same([...ledger.entries.keys()].sort(), ['/handled/a', '/handled/b'])
    await send('a')
    t.equal((await deliveries('?direction=in')).length, 2)
    t.equal((await send('c', { ...hook, 'x-ledger-secret': 'guessed' })).statusCode, 401)
    t.match((await send('no\u0000good')).json(), { code: 'malformed-request' })
    t.equal((await post('/connectors/ledger/webhook', { id: 'd', type: 'x'.repeat(2_000_000) }, hook)).statusCode, 413)
    t.equal((await deliveries('?direction=in')).length, 2)
  })

  test(`${engine}: a back-fill brings over who was there, and goes on where it was`, async (t) => {
    const { ledger, addUser, writtenDown, until, status, post, deliveries } = await start(t)
    const ids: number[] = []
    for (const name of ['A', 'B', 'C', 'D', 'E']) ids.push(await addUser(name))
    await writtenDown(5)
    ledger.entries.clear()
    let failures = 1
    ledger.answer = (path) => {
      if (path === `/users/${ids[1]}`) return 422
      return path === `/users/${ids[3]}` && failures-- > 0 ? 500 : undefined
    }
    const started = await post('/connectors/ledger/back-fill')
    t.equal(started.statusCode, 202)
    t.match(started.json<typeof BackFill.static>(), { state: 'running', total: 5, done: 0 })
    const { backFill } = await until(status, ({ backFill }) => backFill?.state === 'done')
    t.match(backFill, { total: 5, done: 4, failed: 1, error: null, failures: [{ id: ids[1], error: /not take/ }] })
    t.equal(ledger.entries.size, 4)
    const pages = await until(
      () => deliveries('?direction=back-fill'),
      (all) => all.every(({ state }) => state === 'delivered'),
    )
    t.same(
      pages.map(({ attempts }) => attempts),
      [1, 2, 1],
    )
    t.equal((await post('/connectors/ledger/back-fill')).statusCode, 202, 'once more')
  })

  test(`${engine}: a back-fill whose page cannot be made fails, and says why`, async (t) => {
    const { ledger, addUser, writtenDown, until, status, post } = await start(t, { WEBHOOK_WAITS: '0 0.02' })
    await addUser('F')
    await writtenDown(1)
    ledger.answer = () => 500
    await post('/connectors/ledger/back-fill')
    t.equal((await post('/connectors/ledger/back-fill')).statusCode, 409)
    const { backFill } = await until(status, ({ backFill }) => backFill?.state === 'failed')
    t.match(backFill, { done: 0, error: 'the ledger answered 500', endedAt: /T/ })
  })

  const elsewhere: [string, Record<string, string>][] = [
    ['has it off', { LEDGER_URL: '', LEDGER_SECRET: '' }],
    ['does not know it', { LEDGER_URL: '', LEDGER_SECRET: '', CONNECTORS: '' }],
  ]
  for (const [what, other] of elsewhere) {
    test(`${engine}: a process that ${what} keeps events for another that has it on`, async (t) => {
      const settings = await database(t)
      const ledger = await openLedger(t)
      const first = await setup(t, settings, ledger)
      await first.addUser('Before')
      await first.writtenDown(1)
      await first.app.close()
      const { app, until } = await setup(t, { ...settings, ...other }, ledger)
      const payload = { name: 'Meanwhile', email: 'meanwhile@example.com' }
      await app.inject({ method: 'POST', url: '/users', payload })
      await until(
        () => app.deliveries.backlog(),
        ({ waiting }) => waiting === 1,
      )
      await app.close()
      t.equal(ledger.requests.length, 1)
      const last = await setup(t, settings, ledger)
      await last.until(
        () => [...ledger.entries.values()].map((entry) => entry?.name),
        (names) => names.includes('Meanwhile'),
      )
      t.equal(ledger.requests.length, 2)
    })
  }

  test(`${engine}: a back-fill that has failed goes on where it was`, async (t) => {
    const { ledger, addUser, writtenDown, until, status, post } = await start(t, { WEBHOOK_WAITS: '0 0.02' })
    for (const name of ['A', 'B', 'C']) await addUser(name)
    await writtenDown(3)
    const asked = ledger.requests.length
    ledger.answer = (path) => (path === '/users/3' ? 500 : undefined)
    await post('/connectors/ledger/back-fill')
    t.match((await until(status, ({ backFill }) => backFill?.state === 'failed')).backFill, { done: 2, failed: 0 })
    ledger.answer = () => undefined
    await post('/connectors/ledger/back-fill')
    t.match((await until(status, ({ backFill }) => backFill?.state === 'done')).backFill, { done: 3, total: 3 })
    t.same(ledger.requests.slice(asked), ['/users/1', '/users/2', '/users/3', '/users/3', '/users/3'])
  })

  test(`${engine}: a back-fill whose pages are gone can be begun anew`, async (t) => {
    const { app, ledger, addUser, writtenDown, until, status, post } = await start(t)
    await addUser('G')
    await writtenDown(1)
    ledger.answer = () => 500
    await post('/connectors/ledger/back-fill')
    await until(status, ({ backFill }) => backFill?.error)
    const { engine: storage } = app.storage
    await storage.write([
      [raw("update deliveries set state = 'dead', lease = null where target = 'ledger/back-fill'"), {}],
    ])
    ledger.answer = () => undefined
    t.equal((await post('/connectors/ledger/back-fill')).statusCode, 202)
    await until(status, ({ backFill }) => backFill?.state === 'done')
  })

  test(`${engine}: what waits for a connector that has been on nowhere for a day is given up`, async (t) => {
    const settings = await database(t)
    const { app, ledger, addUser, until, status } = await setup(t, { ...settings, WEBHOOK_WAITS: '0 900' })
    ledger.answer = () => 500
    await addUser('Late')
    await until(status, ({ out }) => out.lastError)
    await app.close()
    const off = await setup(t, { ...settings, LEDGER_URL: '', LEDGER_SECRET: '' }, ledger)
    const { engine: storage } = off.app.storage
    await off.app.connectors.following.renew()
    t.equal((await off.app.deliveries.backlog()).waiting, 1)
    await storage.write([[raw("update connectors set seen_at = '2026-01-01T00:00:00.000Z'"), {}]])
    await off.app.connectors.following.renew()
    t.equal((await off.app.deliveries.backlog()).waiting, 0)
    const dead = raw("select type, error, settled_at from deliveries where state = 'dead'")
    t.match(await storage.all(dead, {}), [{ type: 'user.created', error: 'The connector is off', settled_at: /T/ }])
  })
}
