/** What the way back must do over every engine. */

import { type Test, test } from 'tap'
import { Links } from '../../../src/integrations/salesforce/links.ts'
import { connect, eventOf, never } from './setup.ts'
import { both, starts, tell } from './two-way-setup.ts'
import { until } from './whole.ts'

export function twoWay(engine: string, database: (t: Test) => Promise<Record<string, string>>): void {
  const { agreed } = starts(database)

  test(`${engine}: what is changed in Salesforce comes to the user, and is not sent back`, async (t) => {
    const { joined, id, crm, user, send, writes } = await agreed(t)
    crm.org.edit(id, { LastName: 'Zahra', Email: 'Zahra@Example.com' })
    const before = writes()
    t.match(await tell(joined, id), { as: 'delivered', error: undefined })
    t.match(await user(id), { name: 'Zahra', email: 'zahra@example.com' })
    t.match(await send(id), { as: 'delivered' }, 'the event of that change')
    t.equal(writes(), before)
  })

  test(`${engine}: what the server has written is not taken for a change`, async (t) => {
    const { joined, id, user, change, send, writes } = await agreed(t)
    await change(id, { name: ' Spaced ', email: 'UPPER@example.com' })
    await send(id)
    const before = [await user(id), writes()]
    t.match(await tell(joined, id), { as: 'delivered', error: undefined })
    t.match(await send(id), { as: 'delivered' })
    t.same([await user(id), writes()], before)
  })

  test(`${engine}: changes of different fields are joined`, async (t) => {
    const { joined, id, crm, user, change, send } = await agreed(t)
    await change(id, { name: 'Ours' })
    crm.org.edit(id, { Email: 'theirs@example.com' })
    t.match(await send(id), { as: 'delivered', error: undefined })
    t.match(await user(id), { name: 'Ours', email: 'theirs@example.com' })
    t.match(crm.org.contact(id), { LastName: 'Ours', Email: 'theirs@example.com' })
    t.match(await tell(joined, id), { as: 'delivered', error: undefined })
  })

  for (const winner of ['server', 'crm'] as const) {
    for (const first of ['event', 'WebHook'] as const) {
      test(`${engine}: a conflict is reported once, and ${winner} stays, the ${first} first`, async (t) => {
        const { joined, id, crm, user, change, send, logs } = await agreed(t, { SALESFORCE_CONFLICTS: winner })
        await change(id, { name: 'Ours' })
        crm.org.edit(id, { LastName: 'Theirs' })
        const ways = [() => send(id), () => tell(joined, id)]
        if (first === 'WebHook') ways.reverse()
        const whose = winner === 'server' ? "the server's" : "Salesforce's"
        const error = `Conflict: both sides have changed LastName; ${whose} value has stayed`
        t.match(await ways[0]?.(), { as: 'delivered', error })
        t.match(await ways[1]?.(), { as: 'delivered', error: undefined })
        const name = winner === 'server' ? 'Ours' : 'Theirs'
        t.match([await user(id), crm.org.contact(id)], [{ name }, { LastName: name }])
        t.match(
          logs().filter(({ msg }) => String(msg).includes('both changed')),
          [{ user: id, fields: 'LastName' }],
        )
        t.notMatch(JSON.stringify(logs()), /Ours|Theirs/)
      })
    }
  }

  test(`${engine}: the same change on both sides is no conflict`, async (t) => {
    const { id, crm, change, send, writes } = await agreed(t)
    await change(id, { name: 'Same' })
    crm.org.edit(id, { LastName: 'Same' })
    const before = writes()
    t.match(await send(id), { as: 'delivered', error: undefined })
    t.equal(writes(), before)
  })

  test(`${engine}: an answer that is lost is no conflict, nor is what comes behind it`, async (t) => {
    const { joined, id, crm, user, change, send } = await agreed(t)
    await change(id, { name: 'Second' })
    crm.fail(({ method }) => (method === 'PATCH' ? 'acts and drops' : undefined))
    t.match(await send(id), { as: 'retry' })
    crm.fail()
    await change(id, { name: 'Third' })
    t.match(await tell(joined, id), { as: 'delivered', error: undefined })
    t.match([await user(id), crm.org.contact(id)], [{ name: 'Third' }, { LastName: 'Third' }])
  })

  test(`${engine}: what was sent earlier and arrives later does not come back`, async (t) => {
    const { joined, id, crm, user, change, send } = await agreed(t)
    await change(id, { name: 'Second' })
    crm.fail(({ method }) => (method === 'PATCH' ? 'never answers' : undefined))
    const abort = new AbortController()
    const slow = joined.connection.send(eventOf(id, 'user.updated'), abort.signal)
    const late = await until(
      () => crm.calls.find(({ method, body }) => method === 'PATCH' && body.includes('Second')),
      (call) => call,
    )
    abort.abort()
    t.match(await slow, { as: 'retry' })
    crm.fail()
    await change(id, { name: 'Third' })
    t.match(await send(id), { as: 'delivered' })
    t.ok(late && crm.org.answer(late))
    t.match(crm.org.contact(id), { LastName: 'Second' })
    t.match(await send(id), { as: 'delivered', error: undefined }, 'the attempt after the one that was cut off')
    t.match([await user(id), crm.org.contact(id)], [{ name: 'Third' }, { LastName: 'Third' }])
  })

  test(`${engine}: what changes while it is sent is sent too`, async (t) => {
    const { id, crm, change, send } = await agreed(t)
    await change(id, { name: 'Second' })
    let writes = 0
    crm.fail(({ method }) =>
      method === 'PATCH' && writes++ === 0 ? { after: change(id, { name: 'Third' }) } : undefined,
    )
    t.match(await send(id), { as: 'delivered', error: undefined })
    t.match(crm.org.contact(id), { LastName: 'Third' })
  })

  test(`${engine}: a user that changes while its contact is read is not overwritten`, async (t) => {
    const { joined, id, crm, user, change } = await agreed(t)
    crm.org.edit(id, { LastName: 'Theirs' })
    let reads = 0
    crm.fail(({ method }) => (method === 'GET' && reads++ === 0 ? { after: change(id, { name: 'Ours' }) } : undefined))
    t.match(await tell(joined, id), { as: 'delivered', error: /both sides have changed LastName/ })
    t.match([await user(id), crm.org.contact(id)], [{ name: 'Ours' }, { LastName: 'Ours' }])
  })

  test(`${engine}: a contact that changes between being read and written is read again`, async (t) => {
    const { id, crm, user, change, send } = await agreed(t)
    await change(id, { name: 'Ours' })
    let reads = 0
    crm.fail(({ method }) => {
      if (method === 'PATCH' && reads++ === 0)
        crm.org.edit(
          id,
          { LastName: 'Theirs', Email: 'theirs@example.com' },
          `${new Date(Date.now() + 2000).toISOString().slice(0, 19)}Z`,
        )
      return undefined
    })
    t.match(await send(id), { as: 'delivered', error: /both sides have changed LastName;/ })
    t.match(
      [await user(id), crm.org.contact(id)],
      [{ name: 'Ours', email: 'theirs@example.com' }, { LastName: 'Ours' }],
    )
  })

  test(`${engine}: two processes at once come to the newest`, async (t) => {
    const { app, id, crm, user, change, send } = await agreed(t)
    const other = await connect(t, app, crm, both)
    await change(id, { name: 'Second' })
    crm.fail(({ method, body }) => (method === 'PATCH' && body.includes('Second') ? 'acts late' : undefined))
    const calls = crm.asked().length
    const first = send(id)
    await until(
      () => crm.asked().slice(calls),
      (asked) => asked.some((each) => each.startsWith('PATCH')),
    )
    await change(id, { name: 'Third' })
    const second = other.send(eventOf(id, 'user.updated'), never)
    t.match(await Promise.all([first, second]), [{ as: 'delivered' }, { as: 'delivered' }])
    t.match([await user(id), crm.org.contact(id)], [{ name: 'Third' }, { LastName: 'Third' }])
  })

  test(`${engine}: a contact that another process writes while it is read is not taken back`, async (t) => {
    const { app, id, crm, user, change, send } = await agreed(t)
    const other = await connect(t, app, crm, both)
    crm.org.edit(id, { LastName: 'Theirs' })
    await send(id)
    await change(id, { name: 'Second' })
    const over = Promise.withResolvers<void>()
    let reads = 0
    crm.fail(({ method }) => (method === 'GET' && reads++ === 0 ? { after: over.promise } : undefined))
    const first = send(id)
    await until(
      () => reads,
      (count) => count === 1,
    )
    t.match(await other.send(eventOf(id, 'user.updated'), never), { as: 'delivered' })
    over.resolve()
    t.match(await first, { as: 'delivered', error: undefined })
    t.match([await user(id), crm.org.contact(id)], [{ name: 'Second' }, { LastName: 'Second' }])
  })

  test(`${engine}: of two that say at once what they send, one is told to look again`, async (t) => {
    const { app, id } = await agreed(t)
    const links = new Links(app.storage.engine)
    const read = await links.get(id)
    t.match(await links.intend(id, read, { LastName: 'One' }), { sent: { LastName: ['Fatima', 'One'] } })
    t.equal(await links.intend(id, read, { LastName: 'Two' }), undefined)
    t.match(await links.get(id), { sent: { LastName: ['Fatima', 'One'] }, version: read.version + 1 })
    const nobody = await links.get(999)
    t.equal(await links.intend(999, nobody, { LastName: 'Three' }), undefined, 'a user that is gone')
  })
}
