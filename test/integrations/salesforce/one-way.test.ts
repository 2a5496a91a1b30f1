import { test } from 'tap'
import { join } from './setup.ts'

const fatima = { name: 'Fatima', email: 'fatima@example.com' }

test('a user becomes a contact by external id, and the contact follows', async (t) => {
  const { crm, create, change, send } = await join(t)
  const id = await create(fatima)
  t.match(await send(id, 'user.created'), { as: 'delivered', error: undefined })
  t.match(crm.org.contact(id), { LastName: 'Fatima', Email: 'fatima@example.com' })
  await change(id, { name: 'Fatima Zahra' })
  t.equal((await send(id)).as, 'delivered')
  t.match(crm.org.contact(id), { LastName: 'Fatima Zahra' })
  t.equal(crm.org.contacts.length, 1)
  t.equal(crm.tokens, 1, 'one token serves both')
})

test('duplicates and events that come late change nothing', async (t) => {
  const { crm, create, change, send } = await join(t)
  const id = await create(fatima)
  await change(id, { name: 'Newest' })
  await send(id)
  await send(id, 'user.created')
  await send(id, 'user.created')
  t.match(crm.org.contacts, [{ LastName: 'Newest' }])
})

test('the contact of a user that is deleted stays', async (t) => {
  const { crm, create, remove, send } = await join(t)
  const id = await create(fatima)
  await send(id)
  await remove(id)
  const calls = crm.calls.length
  t.equal((await send(id, 'user.deleted')).as, 'delivered')
  t.equal((await send(id, 'user.updated')).as, 'delivered')
  t.equal(crm.calls.length, calls, 'nothing is asked')
  t.equal(crm.org.contacts.length, 1)
})

test('with SALESFORCE_ON_DELETE=delete it goes too, whichever event comes last', async (t) => {
  const { crm, create, remove, send } = await join(t, { SALESFORCE_ON_DELETE: 'delete' })
  const id = await create(fatima)
  await send(id)
  await remove(id)
  t.equal((await send(id, 'user.deleted')).as, 'delivered')
  t.equal((await send(id, 'user.created')).as, 'delivered')
  t.equal((await send(id, 'user.deleted')).as, 'delivered')
  t.equal(crm.org.contacts.length, 0)
})

test('a user that is deleted while its contact is made leaves none', async (t) => {
  const { crm, create, remove, send } = await join(t, { SALESFORCE_ON_DELETE: 'delete' })
  const id = await create(fatima)
  let writes = 0
  crm.fail(({ method }) => (method === 'PATCH' && writes++ === 0 ? { after: remove(id) } : undefined))
  t.equal((await send(id, 'user.created')).as, 'delivered')
  t.equal(crm.org.contacts.length, 0)
})

test('any property can be any field', async (t) => {
  const { crm, create, send } = await join(t, {
    SALESFORCE_FIELDS: 'name:LastName email:Title createdAt:Septet_Since__c',
  })
  const id = await create(fatima)
  await send(id)
  t.match(crm.org.contact(id), { Title: 'fatima@example.com', Septet_Since__c: /^20/ })
})
