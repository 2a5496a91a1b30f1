/** SIGKILL at random instants, over a Stripe that fails in every way it can: each key charges once. */

import { randomInt } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { temporaryFolder } from '../../helper.ts'
import { adminKeyOf } from '../../keys.ts'
import { startServer } from '../../storage/server-process.ts'
import { type Fault, openCounterpart, signed } from './counterpart.ts'
import { atOnce, intent, type PaymentView, quick, until } from './setup.ts'

/** More for a measurement: KILLS=20 PAYMENTS=500. */
const kills = Number(process.env.KILLS ?? 2)
const payments = Number(process.env.PAYMENTS ?? 16)
const callers = 4
/** What Stripe may be asked for anew at once, though it does not know what it has done. */
const revocable = /customers|intents|confirm/
const ways: readonly Fault['as'][] = ['drop', 'lose', 'keep', 'act-and-keep', 500, 503, 429]

test(`each of ${payments} payments is charged once in ${kills} kills`, { timeout: 600_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const counterpart = await openCounterpart(t)
  const { account } = counterpart
  const settings = { ...quick, ...counterpart.settings, DATA_DIR: folder }
  let server = await startServer(t, settings)
  const headers = { 'x-api-key': adminKeyOf(folder), 'content-type': 'application/json' }
  const post = async (path: string, body: object, key: string) => {
    const sent = { method: 'POST', headers: { ...headers, 'idempotency-key': key }, body: JSON.stringify(body) }
    const answer = await fetch(server.base + path, sent)
    return { status: answer.status, value: (await answer.json()) as { id: number } }
  }
  const user = await post('/users', { name: 'Mona', email: 'mona@example.com' }, 'user')
  const asked = { userId: user.value.id, ...intent, ...atOnce }
  const paid = new Map<string, number>()
  const refunded = new Set<number>()
  let [asking, ended] = [0, false]

  /** As callers do: with the same key, until there is an answer. */
  async function insist(path: string, body: object, key: string): Promise<number> {
    for (;;) {
      asking += 1
      const answer = await post(path, body, key).catch(() => undefined)
      if (answer?.status === 201) return answer.value.id
      if (answer !== undefined && answer.status !== 503) throw new Error(`answered ${JSON.stringify(answer)}`)
      await wait(20)
    }
  }
  async function call(caller: number): Promise<void> {
    for (let number = caller; number < payments; number += callers) {
      const key = `payment ${number}`
      const id = await insist('/payments/intents', { ...asked, amount: 1000 + number }, key)
      paid.set(key, id)
      await insist(`/payments/${id}/refunds`, { amount: 100 }, key)
      refunded.add(id)
    }
  }
  async function disturb(): Promise<void> {
    while (!ended) {
      const as = ways[randomInt(ways.length)] ?? 'drop'
      counterpart.faults.splice(0, counterpart.faults.length, {
        on: as === 'keep' ? revocable : /POST|GET/,
        times: 1,
        as,
        slow: randomInt(20),
      })
      await wait(50 + randomInt(100))
    }
    counterpart.faults.length = 0
  }
  const disturbing = disturb()
  const working = Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)))
  for (let round = 1; round <= kills; round += 1) {
    const goal = Math.floor((payments * round) / (kills + 1))
    while (paid.size < goal) await wait(5)
    await wait(randomInt(200))
    await server.end('SIGKILL')
    server = await startServer(t, settings)
  }
  await working
  ended = true
  await disturbing
  const faulty = counterpart.seen.filter(({ status }) => status >= 400).length
  t.comment(
    `${asking} requests for ${payments} payments and refunds; ${faulty} of ${counterpart.seen.length} answers bad`,
  )
  const amounts = [...account.charges.values()].map(({ amount }) => Number(amount))
  t.same(
    amounts.sort((a, b) => a - b),
    Array.from({ length: payments }, (_, number) => 1000 + number),
    'each amount is charged once',
  )
  t.equal(account.refunds.size, payments, 'each is given back once')
  t.ok([...account.charges.values()].every(({ amount_refunded: given }) => given === 100))
  t.same([paid.size, new Set(paid.values()).size, refunded.size], [payments, payments, payments])
  t.equal(account.customers.size, 1)
  const list = async () => {
    const rows: PaymentView[] = []
    for (let next: string | undefined = '/payments?limit=100'; next !== undefined; ) {
      const answer: Response = await fetch(server.base + next, { headers })
      rows.push(...((await answer.json()) as PaymentView[]))
      next = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1]
    }
    return rows
  }
  t.equal((await list()).length, payments, 'and each has one row')
  for (const event of account.events) {
    if (event.type !== 'charge.refunded') continue
    const { body, headers } = signed(event)
    await fetch(`${server.base}/connectors/stripe/webhook`, { method: 'POST', headers, body })
  }
  const shown = await until(list, (rows) => rows.every(({ amountRefunded }) => amountRefunded === 100))
  t.ok(shown.every(({ status }) => status === 'partially-refunded'))
  await server.end('SIGTERM')
})
