/** How many methods of payment a user may try. */

import { test } from 'tap'
import { atOnce, type NewDatabase, setup } from './setup.ts'

export function attempts(engine: string, database: NewDatabase): void {
  test(`${engine}: who tries many methods of payment in vain has to wait`, async (t) => {
    const { addUser, pay, account, call } = await setup(t, await database(t))
    const [userId, other] = [await addUser(), await addUser()]
    const decline = () => pay(userId, { paymentMethod: 'pm_card_chargeDeclined' })
    for (let id = 1; id <= 10; id += 1) {
      t.equal((await decline()).statusCode, 409)
      await call('POST', `/payments/${id}/cancel`)
    }
    const refused = await decline()
    t.match(refused.json(), { status: 429, code: 'rate-limited', detail: /declined/ })
    t.equal(refused.headers['retry-after'], '3600')
    t.equal((await pay(userId)).statusCode, 201, 'one that is not paid at once')
    const paid = await Promise.all(Array.from({ length: 15 }, () => pay(other, atOnce)))
    t.same([...new Set(paid.map(({ statusCode }) => statusCode))], [201], 'what is paid is not counted')
    t.equal(account.charges.size, 15)
  })

  test(`${engine}: no more than twenty payments of a user are under way`, async (t) => {
    const { addUser, pay, counterpart } = await setup(t, await database(t))
    const userId = await addUser()
    await pay(userId)
    counterpart.isDown = true
    const answers = await Promise.all(Array.from({ length: 25 }, () => pay(userId, atOnce)))
    const count = (status: number) => answers.filter(({ statusCode }) => statusCode === status).length
    t.same([count(503), count(429)], [20, 5])
    counterpart.isDown = false
    t.equal((await pay(await addUser(), atOnce)).statusCode, 201)
  })
}
