/** What the way back does not take over, over every engine. */

import { Type } from '@sinclair/typebox'
import { type Test, test } from 'tap'
import { Links } from '../../../src/integrations/salesforce/links.ts'
import { Users } from '../../../src/integrations/salesforce/users.ts'
import { never } from './setup.ts'
import { account, fatima, starts, tell } from './two-way-setup.ts'

export function refusals(engine: string, database: (t: Test) => Promise<Record<string, string>>): void {
  const { start, agreed } = starts(database)

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
}
