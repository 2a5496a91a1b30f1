/** What mail must do over every engine: one message a notice, whoever sends it, and addresses that are not written to. */

import { type Test, test } from 'tap'
import { Suppressions } from '../../../src/integrations/mail/suppressions.ts'
import { build } from '../../helper.ts'
import { openMail, quick, until } from './setup.ts'

const address = 'Fatima@example.com'

export function mail(engine: string, database: (t: Test) => Promise<Record<string, string>>): void {
  test(`${engine}: of two processes one sends, and replays send nothing again`, async (t) => {
    const settings = await database(t)
    const { signUp, smtp, notices, deliveries, replay, app, admin } = await openMail(t, settings)
    const own = { MAIL_FROM: 'Septet <no-reply@septet.example>', SMTP_URL: `smtp://127.0.0.1:${smtp.port}` }
    await build(t, { ...quick, ...own, ...settings })
    smtp.delay = 50
    const count = 10
    for (let number = 1; number <= count; number += 1) await signUp({ email: `f${number}@example.com` })
    const isDone = (all: { state: string }[]) => all.length === count && all.every(({ state }) => state === 'delivered')
    const done = await until(deliveries, isDone)
    t.equal(new Set(smtp.taken.flatMap(({ to }) => to)).size, count)
    t.equal(smtp.taken.length, count)
    t.same(await notices(), [])
    for (const { id } of done) t.equal(await replay(id), 202)
    const range = await app.inject({ method: 'POST', url: '/connectors/mail/replay', headers: admin, payload: {} })
    t.match(range.json(), { events: count })
    await until(deliveries, (all) => isDone(all) && all.every(({ attempts }) => attempts > 1))
    t.equal(smtp.taken.length, count)
  })

  test(`${engine}: addresses that are not written to, a reason each, by the page`, async (t) => {
    const { app, get } = await openMail(t, { ...(await database(t)), WEBHOOK_WAITS: '90000 90000' })
    const suppressions = new Suppressions(app.storage.engine)
    await suppressions.add(address, 'bounce', 'first')
    await suppressions.add('fatima@EXAMPLE.com', 'bounce', 'second')
    await suppressions.add(address, 'unsubscribe', null)
    await suppressions.add('ali@bücher.example', 'complaint', null)
    t.match(await suppressions.of('FATIMA@example.com'), [
      { address: 'fatima@example.com', reason: 'bounce', detail: 'second', updatedAt: /Z$/ },
      { reason: 'unsubscribe', detail: null },
    ])
    const page = async (query: string) => {
      const { headers, json } = await app.inject({
        url: `/mail/suppressions?${query}`,
        headers: { 'x-api-key': app.apiKeys.first ?? '' },
      })
      const [, cursor] = /cursor=(\w+)/.exec(String(headers.link)) ?? []
      return { cursor, items: json<{ id: number; reason: string }[]>() }
    }
    const first = await page('limit=2')
    t.same(
      first.items.map(({ reason }) => reason),
      ['complaint', 'unsubscribe'],
    )
    const second = await page(`limit=2&cursor=${first.cursor}`)
    t.same(
      second.items.map(({ reason }) => reason),
      ['bounce'],
    )
    t.equal(second.cursor, undefined)
    t.match(await get('/mail/suppressions?address=Ali@b%C3%BCcher.example'), [{ address: 'ali@xn--bcher-kva.example' }])
  })
}
