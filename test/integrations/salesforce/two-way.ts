/** What the way back must do over every engine. */

import { createHmac } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { type Test, test } from 'tap'
import { CollectionRecords } from '../../../src/connectors/user-records.ts'
import type { Outcome } from '../../../src/deliveries/delivery.ts'
import { Links } from '../../../src/integrations/salesforce/links.ts'
import { Users } from '../../../src/integrations/salesforce/users.ts'
import { connect, eventOf, type Joined, join, never, secret } from './setup.ts'
import { until } from './whole.ts'

const fatima = { name: 'Fatima', email: 'fatima@example.com' }
const both = { SALESFORCE_WEBHOOK_SECRET: secret }

/** A message as the trigger of the README signs it. */
export function signed(body: string, { key = secret, at = Math.floor(Date.now() / 1000) } = {}) {
  const mac = createHmac('sha256', key).update(`${at}.${body}`).digest('hex')
  return { headers: { 'x-salesforce-signature': `t=${at},v1=${mac}` }, body: Buffer.from(body) }
}

/** Makes a user somebody who may sign in. */
async function account(app: FastifyInstance, userId: number, role: string): Promise<void> {
  const { kysely } = app.storage.engine.dialect
  const given = { user_id: userId, role, created_at: '', updated_at: '' }
  const { sql, parameters } = kysely.insertInto('accounts').values(given).compile()
  const constants = parameters.map((constant) => ({ constant }))
  await app.storage.engine.write([[{ name: `an account of ${userId}`, sql, parameters: constants }, {}]])
}

/** Tells of the contact of a user as it is now, and handles that. */
async function tell({ crm, connection }: Joined, userId: number): Promise<Outcome | undefined> {
  const { Id: id, SystemModstamp: systemModstamp } = crm.org.contact(userId) ?? {}
  const [received] =
    (await connection.receive?.(
      signed(
        JSON.stringify([{ id, systemModstamp, externalId: String(userId), fields: { LastName: 'not looked at' } }]),
      ),
    )) ?? []
  return received && connection.handle?.(received, never)
}

export function twoWay(engine: string, database: (t: Test) => Promise<Record<string, string>>): void {
  const start = async (t: Test, settings: Record<string, string> = {}) =>
    join(t, { ...both, ...settings }, await database(t))

  /** A user with a contact that agrees with it. */
  async function agreed(t: Test, settings: Record<string, string> = {}) {
    const joined = await start(t, settings)
    const id = await joined.create(fatima)
    t.match(await joined.send(id, 'user.created'), { as: 'delivered', error: undefined })
    return { ...joined, joined, id, writes: () => joined.crm.org.writes }
  }

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

  test(`${engine}: what users may not be is not taken, and says why`, async (t) => {
    const { joined, id, crm, user, create } = await agreed(t)
    await create({ name: 'Another', email: 'another@example.com' })
    crm.org.edit(id, { Email: null })
    t.match(await tell(joined, id), {
      as: 'dead',
      error: 'The change in Salesforce was not taken: email must be string',
    })
    crm.org.edit(id, { Email: 'another@example.com' })
    t.match(await tell(joined, id), { as: 'dead', error: /User with this email exists already/ })
    t.match(await user(id), fatima)
  })

  test(`${engine}: what is refused holds up nothing else`, async (t) => {
    const { joined, id, crm, user, create, change, send } = await agreed(t)
    await create({ name: 'Another', email: 'another@example.com' })
    for (const [Email, LastName] of [
      [null, 'First'],
      ['another@example.com', 'Second'],
    ]) {
      crm.org.edit(id, { Email, LastName })
      t.match(await tell(joined, id), { as: 'dead', error: /^The change in Salesforce was not taken: .*email/ })
      t.match(await user(id), { name: LastName, email: 'fatima@example.com' })
    }
    await change(id, { name: 'Ours' })
    t.match(
      await send(id),
      { as: 'delivered', error: /not taken: .*email/ },
      'an event that meets it is not in its way',
    )
    t.match(crm.org.contact(id), { LastName: 'Ours', Email: 'another@example.com' })
    await change(id, { email: 'ours@example.com' })
    t.match(await send(id), { as: 'delivered', error: /both sides have changed Email/ })
    t.match(crm.org.contact(id), { Email: 'ours@example.com' })
  })

  test(`${engine}: a refusal is told with the conflict, and taken when it is mended and replayed`, async (t) => {
    const { joined, id, crm, user, create, change, remove, connection } = await agreed(t)
    const other = await create({ name: 'Another', email: 'another@example.com' })
    crm.org.edit(id, { Email: 'another@example.com', LastName: 'Theirs' })
    await change(id, { name: 'Ours' })
    const error = /email exists already. Conflict: both sides have changed LastName/
    t.match(await tell(joined, id), { as: 'dead', error })
    await remove(other)
    const { Id, SystemModstamp: systemModstamp } = crm.org.contact(id) ?? {}
    const data = { id: Id, externalId: String(id), systemModstamp }
    const replayed = await connection.handle?.({ id: 'x', type: 'contact.changed', data }, never)
    t.match(replayed, { as: 'delivered', error: undefined })
    t.match(await user(id), { name: 'Ours', email: 'another@example.com' })
  })

  test(`${engine}: another address of an account is on record`, async (t) => {
    const { app, joined, id, crm, user } = await agreed(t)
    await account(app, id, 'member')
    crm.org.edit(id, { LastName: 'Theirs' })
    t.match(await tell(joined, id), { as: 'delivered', error: undefined })
    crm.org.edit(id, { Email: 'theirs@example.com' })
    t.match(await tell(joined, id), { as: 'delivered', error: undefined })
    t.match(await user(id), { name: 'Theirs', email: 'theirs@example.com' })
    const { items } = await app.audit.page(
      Type.Object({ type: Type.String(), principal: Type.String(), target: Type.String(), detail: Type.String() }),
      {
        limit: 9,
        filter: { type: 'account.' },
      },
    )
    t.same(JSON.parse(JSON.stringify(items)), [
      {
        type: 'account.address-changed',
        principal: 'connector:salesforce',
        target: `user:${id}`,
        detail: 'f…@example.com to t…@example.com',
      },
    ])
  })

  test(`${engine}: who becomes an administrator while the contact is read is not changed from there`, async (t) => {
    const { app, id, crm, user } = await agreed(t)
    const links = new Links(app.storage.engine)
    const users = new Users(app.storage, links, app.audit)
    const [read, link] = [await users.get(id), await links.get(id)]
    t.same(await users.refusals(id, { name: 'Theirs' }), new Map())
    await account(app, id, 'admin')
    const agreement = links.agreement(id, link, link)
    t.equal(read && (await users.update(id, read, { name: 'Theirs' }, agreement, new Map())), false)
    t.match([await user(id), crm.org.contact(id)], [fatima, { LastName: 'Fatima' }])
  })

  test(`${engine}: an administrator is not changed from there`, async (t) => {
    const { app, joined, id, crm, user, change, send } = await agreed(t)
    await change(id, { name: 'Ours' })
    await account(app, id, 'admin')
    crm.org.edit(id, { Email: 'mine@example.com' })
    t.match(await tell(joined, id), { as: 'dead', error: /is an administrator, who is changed here alone/ })
    t.match(await user(id), { email: fatima.email })
    t.match(crm.org.contact(id), { LastName: 'Ours', Email: 'mine@example.com' }, 'what is changed here goes there')
    t.match(await send(id), { as: 'delivered', error: /is an administrator/ })
  })

  test(`${engine}: a contact that is deleted there is made again by the next change`, async (t) => {
    const { id, crm, user, change, send } = await agreed(t)
    crm.org.contacts.length = 0
    await change(id, { name: 'Again' })
    t.match(await send(id), { as: 'delivered', error: undefined })
    t.match([await user(id), crm.org.contact(id)], [{ name: 'Again' }, { LastName: 'Again' }])
  })

  test(`${engine}: a contact that went after it was told of is not made again for that`, async (t) => {
    const { id, crm, connection } = await agreed(t)
    crm.org.delete(String(id))
    const data = { id: '003000000000001AAA', externalId: String(id) }
    const outcome = await connection.handle?.({ id: 'x', type: 'contact.changed', data }, never)
    t.match(outcome, { as: 'delivered', error: 'The contact is not there any more' })
    t.equal(crm.org.contacts.length, 0)
  })

  test(`${engine}: a contact that cannot be seen any more is asked for again`, async (t) => {
    const { joined, id, crm, user } = await agreed(t)
    crm.org.edit(id, { LastName: 'Theirs' })
    crm.fail(({ path }) =>
      path.startsWith('/sobjects')
        ? { status: 404, errors: [{ errorCode: 'NOT_FOUND', message: 'no such resource' }] }
        : undefined,
    )
    const { Id } = crm.org.contact(id) ?? { Id: '' }
    const hidden = crm.org.contacts.splice(0)
    const data = { id: Id, externalId: String(id) }
    const handle = () => joined.connection.handle?.({ id: 'x', type: 'contact.changed', data }, never)
    t.match(await handle(), { as: 'retry', error: /may the server read it/ })
    crm.org.contacts.push(...hidden)
    crm.fail()
    t.match(await handle(), { as: 'delivered', error: undefined })
    t.match(await user(id), { name: 'Theirs' })
  })

  test(`${engine}: what was told before a later state was seen asks nothing`, async (t) => {
    const { id, crm, connection, send } = await agreed(t)
    crm.org.edit(id, { LastName: 'Newest' })
    await send(id)
    const calls = crm.calls.length
    const data = { id: '003000000000001AAA', externalId: String(id), systemModstamp: '2020-01-01T00:00:00.000+0000' }
    t.match(await connection.handle?.({ id: 'x', type: 'contact.changed', data }, never), { as: 'delivered' })
    t.equal(crm.calls.length, calls)
  })

  test(`${engine}: a user that is gone is not made again`, async (t) => {
    const { joined, id, crm, remove, app } = await agreed(t)
    await remove(id)
    crm.org.edit(id, { LastName: 'Zahra' })
    t.match(await tell(joined, id), { as: 'delivered' })
    t.equal((await app.inject(`/users/${id}`)).statusCode, 404)
  })

  test(`${engine}: a contact with the id of nobody is not deleted for that`, async (t) => {
    const { joined, crm } = await agreed(t, { SALESFORCE_ON_DELETE: 'delete' })
    crm.org.upsert('999', { LastName: 'Mistyped' })
    t.match(await tell(joined, 999), { as: 'delivered' })
    t.match(crm.org.contact(999), { LastName: 'Mistyped' })
  })

  test(`${engine}: sides that differ when they first meet are a conflict`, async (t) => {
    const { crm, create, send } = await start(t)
    const id = await create(fatima)
    crm.org.upsert(String(id), { LastName: 'From there' })
    crm.org.edit(id, { LastName: 'From there' })
    t.match(await send(id), { as: 'delivered', error: /both sides have changed LastName/ })
    t.match(crm.org.contact(id), { LastName: 'Fatima', Email: 'fatima@example.com' })
  })

  async function backFilled(t: Test, settings: Record<string, string> = {}) {
    const joined = await start(t, settings)
    for (const name of ['one', 'two', 'three', 'four']) await joined.create({ name, email: `${name}@example.com` })
    const page = () => new CollectionRecords(joined.app.storage).behind(0, 4)
    const fill = async () => joined.connection.backFill?.users(await page(), never, 'a run')
    const ids = (await page()).map(({ id }) => id) as [number, number, number, number]
    return { joined, crm: joined.crm, fill, ids }
  }

  for (const winner of ['server', 'crm'] as const) {
    test(`${engine}: a back-fill looks at contacts that are there; ${winner} stays where they differ`, async (t) => {
      const { joined, crm, fill, ids } = await backFilled(t, { SALESFORCE_CONFLICTS: winner })
      const [first, second, third] = ids
      crm.org.upsert(String(first), { LastName: 'Theirs' })
      crm.org.edit(first, { LastName: 'Theirs' })
      crm.org.upsert(String(second), { LastName: 'two', Email: 'TWO@example.com' })
      crm.org.upsert(String(third), { LastName: 'three' })
      const writes = crm.org.writes
      t.same(await fill(), { failed: [] })
      const name = winner === 'server' ? 'one' : 'Theirs'
      t.match(
        [crm.org.contact(first), await joined.user(first)],
        [{ LastName: name, Email: 'one@example.com' }, { name }],
      )
      t.match(crm.org.contacts, [
        {},
        { Email: 'two@example.com' },
        { Email: 'three@example.com' },
        { LastName: 'four' },
      ])
      t.equal(crm.org.writes, writes + 3, 'who agrees is not written')
      t.match(
        joined.logs().filter(({ msg }) => String(msg).includes('both changed')),
        [{ user: first, fields: 'LastName' }],
      )
      t.same(await fill(), { failed: [] })
      t.equal(crm.org.writes, writes + 3, 'what was agreed is noted')
      t.equal(crm.jobs.all.length, 1)
    })
  }

  test(`${engine}: a further back-fill brings both sides' changes over, and conflicts stay as the settings say`, async (t) => {
    const { joined, crm, fill, ids } = await backFilled(t, { SALESFORCE_CONFLICTS: 'crm' })
    const [first, second] = ids
    t.same(await fill(), { failed: [] })
    crm.org.edit(first, { LastName: 'Theirs' })
    await joined.change(second, { name: 'Ours' })
    crm.org.edit(second, { LastName: 'Theirs too' })
    const asked = crm.asked().length
    t.same(await fill(), { failed: [] })
    t.equal(crm.jobs.all.length, 1, 'there was nothing for a job')
    t.same(
      new Set(
        crm
          .asked()
          .slice(asked)
          .map((each) => each.slice(0, 10)),
      ),
      new Set(['GET /query']),
      'nobody is read twice',
    )
    for (const [id, name] of [
      [first, 'Theirs'],
      [second, 'Theirs too'],
    ] as const)
      t.match([crm.org.contact(id), await joined.user(id)], [{ LastName: name }, { name }])
  })
}
