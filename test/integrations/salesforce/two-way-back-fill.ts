/** Back-fills of users and contacts that both are there, over every engine. */

import { type Test, test } from 'tap'
import { CollectionRecords } from '../../../src/connectors/user-records.ts'
import { never } from './setup.ts'
import { starts } from './two-way-setup.ts'

export function backFills(engine: string, database: (t: Test) => Promise<Record<string, string>>): void {
  const { start } = starts(database)

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
