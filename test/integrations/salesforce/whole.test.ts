import { test } from 'tap'
import { secret } from './setup.ts'
import { signed } from './two-way-setup.ts'
import { until, whole } from './whole.ts'

test('what happens reaches Salesforce, and an outage loses nothing that its operator does not see', async (t) => {
  const { crm, addUser, change, status } = await whole(t)
  await crm.stop()
  const ids = [await addUser('One'), await addUser('Two')]
  const down = await until(status, ({ out }) => out.waiting === 2 && out.lastError)
  t.match(down, {
    on: true,
    title: 'Salesforce',
    out: { waiting: 2, dead: 0, lastError: 'The connection was refused' },
  })
  await change(ids[0] ?? 0, { name: 'Newest' })
  await crm.start()
  await until(status, ({ out }) => out.waiting === 0)
  t.match(
    ids.map((id) => crm.org.contact(id)),
    [{ LastName: 'Newest' }, { LastName: 'Two' }],
  )
  t.equal(crm.org.contacts.length, 2)
})

test('what Salesforce will never take is a dead letter with its words, replayed once that is mended', async (t) => {
  const { crm, addUser, status, deliveries, post } = await whole(t)
  const message = "You're creating a duplicate record."
  crm.org.rules = [() => ({ errorCode: 'DUPLICATES_DETECTED', message })]
  const id = await addUser('Twin')
  await until(status, ({ out }) => out.dead === 1)
  const [letter] = await deliveries('?state=dead')
  t.match(letter, { status: 400, error: `Salesforce answered 400: DUPLICATES_DETECTED: ${message}` })
  crm.org.rules = []
  await post(`/connectors/salesforce/deliveries/${letter?.id}/replay`)
  await until(status, ({ out }) => out.dead === 0 && out.waiting === 0)
  t.match(crm.org.contact(id), { LastName: 'Twin' })
})

test('a WebHook changes the user, and a conflict is with its delivery', async (t) => {
  const { app, crm, addUser, change, status, deliveries, get } = await whole(t, { SALESFORCE_WEBHOOK_SECRET: secret })
  const id = await addUser('Three')
  await until(
    () => crm.org.contact(id),
    (contact) => contact,
  )
  const tell = () => {
    const { Id, SystemModstamp: systemModstamp } = crm.org.contact(id) ?? {}
    const { headers, body } = signed(JSON.stringify({ id: Id, externalId: String(id), systemModstamp }))
    const sent = { ...headers, 'content-type': 'application/json' }
    return app.inject({ method: 'POST', url: '/connectors/salesforce/webhook', headers: sent as never, payload: body })
  }
  crm.org.edit(id, { LastName: 'Changed there' })
  t.equal((await tell()).statusCode, 202)
  await until(
    () => get<{ name: string }>(`/users/${id}`),
    ({ name }) => name === 'Changed there',
  )
  await until(
    () => deliveries('?direction=out'),
    (all) => all.length === 2 && all.every(({ state }) => state === 'delivered'),
  )
  t.equal(crm.org.writes, 1, 'nothing is sent back')
  crm.fail(() => ({ status: 503 }))
  await change(id, { name: 'Ours' })
  await until(status, ({ out }) => out.lastError)
  crm.org.edit(id, { LastName: 'Theirs' })
  crm.fail()
  await until(status, ({ out }) => out.waiting === 0)
  t.match(crm.org.contact(id), { LastName: 'Ours' })
  t.equal(crm.org.writes, 2)
  const [latest] = await deliveries('?direction=out')
  t.match(latest, {
    state: 'delivered',
    error: "Conflict: both sides have changed LastName; the server's value has stayed",
  })
  t.equal((await app.inject({ method: 'POST', url: '/connectors/salesforce/webhook', payload: {} })).statusCode, 401)
})
