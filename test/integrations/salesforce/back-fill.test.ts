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

const fill = async (
  { connection }: Pick<Joined, 'connection'>,
  users: readonly UserRecord[],
  signal = never,
  run = 'a run',
) => connection.backFill?.users(users, signal, run)

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

/** One that is cut off while its job is under way. */
async function cutOff(joined: Joined, users: readonly UserRecord[], slowness = 3) {
  joined.crm.jobs.slowness = slowness
  const abort = new AbortController()
  const filling = fill(joined, users, abort.signal)
  await until(
    () => joined.crm.jobs.all[0]?.polls,
    (polls) => polls === 1,
  )
  abort.abort()
  await filling.catch(() => undefined)
}

test('an attempt that is cut off is taken up by its job, in any process', async (t) => {
  for (const settings of [{}, both]) {
    const joined = await join(t, settings)
    const users = await page(joined, 2)
    const error = { errorCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', message: 'No 2' }
    joined.crm.org.rules = [({ LastName }) => (LastName === 'User 2' ? error : undefined)]
    await cutOff(joined, users)
    const next = await connect(t, joined.app, joined.crm, settings)
    const failed = [{ id: users[1]?.id, error: /No 2/ }]
    t.match(await fill({ connection: next }, users), { failed })
    t.match(joined.crm.jobs.all, [{ state: 'JobComplete' }])
    t.equal(joined.crm.jobs.all.length, 1)
    t.match(joined.crm.org.contacts, [{ LastName: 'User 1' }])
    joined.crm.org.rules = []
    t.same(await fill(joined, users), { failed: [] }, 'it is forgotten once the page is done')
    t.equal(joined.crm.org.contacts.length, 2)
  }
})

test('whoever changes or goes before a job is taken up is not set back by it', async (t) => {
  for (const settings of [{}, both]) {
    const given = { ...settings, SALESFORCE_ON_DELETE: 'delete' }
    const joined = await join(t, given)
    const users = await page(joined, 3)
    const [first, second] = users.map(({ id }) => id) as [number, number]
    await cutOff(joined, users)
    await joined.change(first, { name: 'Newest' })
    t.match(await joined.send(first), { as: 'delivered', error: undefined })
    await joined.remove(second)
    t.match(await joined.send(second, 'user.deleted'), { as: 'delivered' })
    const next = await connect(t, joined.app, joined.crm, given)
    const now = await new CollectionRecords(joined.app.storage).behind(0, 3)
    t.same(await fill({ connection: next }, now), { failed: [] })
    t.match([joined.crm.org.contact(first), await joined.user(first)], [{ LastName: 'Newest' }, { name: 'Newest' }])
    t.equal(joined.crm.org.contact(second), undefined)
  }
})

test('a job that nobody takes up sets no user back', async (t) => {
  const joined = await join(t, both)
  const users = await page(joined, 1)
  const [id] = users.map((user) => user.id) as [number]
  await cutOff(joined, users)
  await joined.change(id, { name: 'Newest' })
  t.match(await joined.send(id), { as: 'delivered', error: undefined })
  const [job] = joined.crm.jobs.all
  for (let polls = 0; polls < 3; polls += 1)
    joined.crm.jobs.answer({ method: 'GET', path: `/jobs/ingest/${job?.id}`, body: '' })
  t.match(joined.crm.org.contact(id), { LastName: 'User 1' }, 'it comes behind the change')
  t.match(await joined.send(id), { as: 'delivered', error: undefined })
  t.match([joined.crm.org.contact(id), await joined.user(id)], [{ LastName: 'Newest' }, { name: 'Newest' }])
})

test('a job of another run is ended before another begins', async (t) => {
  const joined = await join(t)
  const users = await page(joined, 2)
  await cutOff(joined, users, 1000)
  joined.crm.jobs.slowness = 1
  t.same(await fill(joined, users, never, 'another run'), { failed: [] })
  t.match(joined.crm.jobs.all, [{ state: 'Aborted' }, { state: 'JobComplete' }])
})

test('a job that Salesforce has forgotten, or that was never given its rows, is made anew', async (t) => {
  for (const how of ['forgotten', 'open']) {
    const joined = await join(t)
    const users = await page(joined, 2)
    joined.crm.fail(({ method }) => (how === 'open' && method === 'PUT' ? { status: 503 } : undefined))
    if (how === 'open') await t.rejects(() => fill(joined, users))
    else await cutOff(joined, users)
    joined.crm.fail()
    if (how === 'forgotten') joined.crm.jobs.all.length = 0
    t.same(await fill(joined, users), { failed: [] })
    t.match(joined.crm.jobs.all.at(-1), { state: 'JobComplete' })
    t.equal(joined.crm.org.contacts.length, 2)
  }
})

test('of two processes that make a page at once, one waits for the other', async (t) => {
  const joined = await join(t)
  const users = await page(joined, 2)
  const other = await connect(t, joined.app, joined.crm)
  joined.crm.jobs.slowness = 5
  let second: Promise<unknown> = Promise.resolve()
  let posts = 0
  joined.crm.fail(({ method, path }) => {
    if (method !== 'POST' || !path.endsWith('/ingest') || posts++ > 0) return undefined
    second = fill({ connection: other }, users)
    return {
      after: until(
        () => joined.crm.jobs.all[1]?.polls,
        (polls) => polls === 1,
      ),
    }
  })
  await t.rejects(fill(joined, users), { message: 'another process makes this page' })
  t.same(await second, { failed: [] })
  t.match(joined.crm.jobs.all, [{ state: 'Aborted' }, { state: 'JobComplete' }])
})

test('results that do not name their users are no results', async (t) => {
  const joined = await join(t)
  const users = await page(joined, 1)
  joined.crm.fail(({ path }) => {
    if (path.endsWith('/successfulResults'))
      for (const job of joined.crm.jobs.all) for (const row of job.done) row[2] = ''
    return undefined
  })
  await t.rejects(fill(joined, users), { message: /do not name their users/ })
})

test('a name that empties a field in a job is brought without one', async (t) => {
  for (const settings of [{}, both]) {
    const joined = await join(t, settings)
    const id = await joined.create({ name: '#N/A', email: 'any@example.com' })
    const users = await new CollectionRecords(joined.app.storage).behind(0, 1)
    t.same(await fill(joined, users), { failed: [] })
    t.match(joined.crm.org.contact(id), { LastName: '#N/A' })
  }
})

test('who is brought one by one waits at the limit too, and goes on with the job', async (t) => {
  const joined = await join(t)
  const users = await page(joined, 3)
  const locked = { errorCode: 'UNABLE_TO_LOCK_ROW', message: 'unable to obtain exclusive access to this record' }
  joined.crm.org.rules = [() => locked]
  joined.crm.fail(({ path }) => {
    if (path.endsWith('/unprocessedrecords')) joined.crm.org.rules = []
    if (path.startsWith('/sobjects')) joined.crm.org.used = 95_000
    return undefined
  })
  await t.rejects(fill(joined, users), { message: /daily limit is near/ })
  t.equal(joined.crm.asked().filter((each) => each.startsWith('PATCH /sobjects')).length, 1)
  joined.crm.fail()
  joined.crm.org.used = 0
  const next = await connect(t, joined.app, joined.crm)
  t.same(await fill({ connection: next }, users), { failed: [] })
  t.equal(joined.crm.jobs.all.length, 1)
  t.equal(joined.crm.org.contacts.length, 3)
})

test('near the limit no page is made', async (t) => {
  const joined = await join(t)
  const users = await page(joined, 1)
  joined.crm.org.used = 95_000
  await fill(joined, users)
  await t.rejects(async () => fill(joined, users), { message: /daily limit is near/ })
})
