import { test } from 'tap'
import { join } from './setup.ts'

const fatima = { name: 'Fatima', email: 'fatima@example.com' }

test('a user becomes a contact by external id, and follows its changes', async (t) => {
  const { crm, create, change, send } = await join(t)
  const id = await create(fatima)
  t.equal((await send(id, 'user.created')).as, 'delivered')
  t.match(crm.org.contact(id), { LastName: 'Fatima', Email: 'fatima@example.com' })
  await change(id, { name: 'Fatima Zahra' })
  t.equal((await send(id)).as, 'delivered')
  t.match(crm.org.contact(id), { LastName: 'Fatima Zahra' })
  t.equal(crm.org.contacts.length, 1)
  t.equal(crm.tokens, 1, 'one token serves both')
})
