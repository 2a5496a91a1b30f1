import { test } from 'tap'
import type { UserRecord } from '../../../src/connectors/connector.ts'
import { CollectionRecords } from '../../../src/connectors/user-records.ts'
import { connect, type Joined, join, never, secret } from './setup.ts'
import { until, whole } from './whole.ts'

const both = { SALESFORCE_WEBHOOK_SECRET: secret }

/** Users, and the page that they are. */
async function page({ app, create }: Joined, count: number): Promise<UserRecord[]> {
  for (let index = 1; index <= count; index += 1)
    await create({ name: `User ${index}`, email: `user-${index}@example.com` })
  return new CollectionRecords(app.storage).behind(0, count)
}

const fill = async ({ connection }: Pick<Joined, 'connection'>, users: readonly UserRecord[], signal = never) =>
  connection.backFill?.users(users, signal)

test('a back-fill brings over who was there, with progress, and says whom Salesforce does not take', async (t) => {
  const { crm, addUser, status, post } = await whole(t)
  // Events do not come through.
  crm.fail(({ path }) => (path.startsWith('/sobjects') ? { status: 503 } : undefined))
  const ids = [await addUser('One'), await addUser('Two'), await addUser('Three')]
  const errors = { errorCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', message: 'No "Two", please', fields: ['LastName'] }
  crm.org.rules = [({ LastName }) => (LastName === 'Two' ? errors : undefined)]
  t.equal((await post('/connectors/salesforce/back-fill')).statusCode, 202)
  const { backFill } = await until(status, ({ backFill }) => backFill?.state === 'done')
  const error = 'FIELD_CUSTOM_VALIDATION_EXCEPTION:No "Two", please:LastName'
  t.match(backFill, { total: 3, done: 2, failed: 1, error: null, failures: [{ id: ids[1], error }] })
  t.match([crm.org.contact(ids[0] ?? 0), crm.org.contact(ids[2] ?? 0)], [{ LastName: 'One' }, { LastName: 'Three' }])
  t.equal(crm.jobs.all.length, 1)
})

test('text of any kind arrives as it is', async (t) => {
  const joined = await join(t)
  const name = 'a, "b"; c|d\te`f^g\nفاطمة 🎉'
  const id = await joined.create({ name, email: 'any@example.com' })
  t.match(
    await fill(joined, await page(joined, 0).then(() => new CollectionRecords(joined.app.storage).behind(0, 1))),
    {
      failed: [],
    },
  )
  t.equal(joined.crm.org.contact(id)?.LastName, name)
})

test('a page that is filled twice changes nothing', async (t) => {
  const joined = await join(t)
  const users = await page(joined, 3)
  await fill(joined, users)
  const before = JSON.stringify(joined.crm.org.contacts.map(({ SystemModstamp: _, ...rest }) => rest))
  await fill(joined, users)
  t.equal(JSON.stringify(joined.crm.org.contacts.map(({ SystemModstamp: _, ...rest }) => rest)), before)
  t.equal(joined.crm.org.contacts.length, 3)
})

test('who changes or goes while the job is under way is not overtaken by it', async (t) => {
  for (const settings of [{}, both]) {
    const joined = await join(t, { ...settings, SALESFORCE_ON_DELETE: 'delete' })
    const users = await page(joined, 3)
    const [first, second] = users.map(({ id }) => id) as [number, number]
    joined.crm.jobs.slowness = 3
    const filling = fill(joined, users)
    await until(
      () => joined.crm.jobs.all[0]?.polls,
      (polls) => polls === 1,
    )
    await joined.change(first, { name: 'Newest' })
    t.match(await joined.send(first), { as: 'delivered' })
    await joined.remove(second)
    t.match(await joined.send(second, 'user.deleted'), { as: 'delivered' })
    t.same(await filling, { failed: [] })
    t.match(joined.crm.org.contact(first), { LastName: 'Newest' })
    t.match(await joined.user(first), { name: 'Newest' })
    t.equal(joined.crm.org.contact(second), undefined)
  }
})

test('rows that another has written to at the same time are brought one by one', async (t) => {
  const joined = await join(t)
  const users = await page(joined, 2)
  let failures = 1
  const locked = { errorCode: 'UNABLE_TO_LOCK_ROW', message: 'unable to obtain exclusive access to this record' }
  joined.crm.org.rules = [() => (failures-- > 0 ? locked : undefined)]
  t.same(await fill(joined, users), { failed: [] })
  t.equal(joined.crm.org.contacts.length, 2)
})

test('rows that Salesforce did not come to are told', async (t) => {
  const joined = await join(t)
  const users = await page(joined, 3)
  joined.crm.jobs.leaves = 1
  t.same(await fill(joined, users), { failed: [{ id: users[2]?.id, error: 'Salesforce has not come to this row' }] })
})

test('a job that fails as a whole says why, and the next attempt makes another', async (t) => {
  const joined = await join(t, { SALESFORCE_FIELDS: 'name:LastName email:Unknown__c' })
  const users = await page(joined, 1)
  for (const jobs of [1, 2]) {
    await t.rejects(() => fill(joined, users), {
      message: /ended as Failed: InvalidBatch : .*Unknown__c/,
    })
    t.equal(joined.crm.jobs.all.length, jobs)
  }
})

test('an attempt that is cut off is taken up by its job, where the process lives', async (t) => {
  const joined = await join(t)
  const users = await page(joined, 2)
  joined.crm.jobs.slowness = 3
  const abort = new AbortController()
  const filling = fill(joined, users, abort.signal)
  await until(
    () => joined.crm.jobs.all[0]?.polls,
    (polls) => polls === 1,
  )
  abort.abort()
  await t.rejects(() => filling)
  t.same(await fill(joined, users), { failed: [] })
  t.match(joined.crm.jobs.all, [{ state: 'JobComplete' }])
  t.equal(joined.crm.org.contacts.length, 2)
})

test('a job of a process that has died is ended before another begins', async (t) => {
  const joined = await join(t)
  const users = await page(joined, 2)
  joined.crm.jobs.slowness = 1000
  const abort = new AbortController()
  const filling = fill(joined, users, abort.signal)
  await until(
    () => joined.crm.jobs.all[0]?.polls,
    (polls) => polls === 1,
  )
  abort.abort()
  await t.rejects(() => filling)
  joined.crm.jobs.slowness = 1
  const next = await connect(t, joined.app, joined.crm)
  t.same(await fill({ connection: next }, users), { failed: [] })
  t.match(joined.crm.jobs.all, [{ state: 'Aborted' }, { state: 'JobComplete' }])
})

test('near the limit no page is made', async (t) => {
  const joined = await join(t)
  const users = await page(joined, 1)
  joined.crm.org.used = 95_000
  await fill(joined, users)
  await t.rejects(async () => fill(joined, users), { message: /daily limit is near/ })
})
