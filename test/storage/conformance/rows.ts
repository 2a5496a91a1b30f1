/** One row at a time: reads, uniqueness, versions. */

import { test } from 'tap'
import { User, UserDetail } from '../../../routes/users/schema.ts'
import { countOf, type NewDatabase, openUsers, parsed, person, textOf } from '../setup.ts'

const texts = {
  scripts: 'محمد · Ольга · 王小明 · さくら · Ελένη · שרה · สมชาย · अमित · Zoë · Ngũgĩ',
  emoji: '👩🏽‍🚀🇸🇦🏴󠁧󠁢󠁷󠁬󠁳󠁿 𝒜𝔅 \u{10FFFD}',
  'quotes and backslashes': `'"\`\\'' "" \\\\ \\u0041 \\n $1 $$ ? :name %s {"a":1} [] </script>`,
  'control characters': Array.from({ length: 31 }, (_, index) => String.fromCharCode(index + 1)).join('x'),
  'unusual spaces': 'a\u007f\u0085\u00a0\u2028\u2029\ufeff\ufffd b',
  'both compositions': 'e\u0301 é A\u030A Å Å',
}

export function rows(engine: string, create: NewDatabase): void {
  test(`${engine}: a row that is not there is a not-found problem`, async (t) => {
    const { users } = await openUsers(t, create)
    const missing = { code: 'not-found', message: 'User not found' }
    await t.rejects(async () => users.get(User, 1), missing)
    await t.rejects(async () => users.get(User, Number.MAX_SAFE_INTEGER), missing)
    await t.rejects(users.update(User, 1, { name: 'A' }), missing)
    await t.rejects(users.update(User, 1, {}), missing)
    await t.rejects(users.update(User, 1, { name: 'A' }, [1]), missing)
    await t.rejects(users.update(User, 1, { name: 'A' }, [1, 2]), missing)
    await t.rejects(users.remove(1), missing)
    await t.rejects(users.remove(1, [1]), missing)
  })

  test(`${engine}: text comes back as it went in`, async (t) => {
    const { users } = await openUsers(t, create)
    for (const [index, [what, name]] of Object.entries(texts).entries()) {
      const { email } = person(index)
      const created = await users.insert(UserDetail, { name, email })
      t.match(parsed(created.json), { id: created.id, name, email }, `${what}: as created`)
      const read = await users.get(UserDetail, created.id)
      t.match(parsed(read.json), { name, email }, `${what}: as read`)
      t.same(parsed(created.json), parsed(read.json), `${what}: the reply to the insert, which is not read back`)
      const { items } = await users.page(User, { limit: 1, filter: { email } })
      t.same(parsed(items), [{ id: created.id, name, email }], `${what}: as listed`)
    }
  })

  test(`${engine}: a row is rendered as compact JSON in the order of its view`, async (t) => {
    const { users } = await openUsers(t, create)
    const { id } = await users.insert(User, { name: 'Mohamed', email: 'mohamed@example.com' })
    const text = `{"id":${id},"name":"Mohamed","email":"mohamed@example.com"}`
    t.equal(textOf((await users.get(User, id)).json), text)
    t.equal(textOf((await users.page(User, { limit: 5 })).items), `[${text}]`)
  })

  test(`${engine}: an e-mail address is unique, whatever its case and composition`, async (t) => {
    const { engine: storage, users } = await openUsers(t, create)
    await users.insert(User, { name: 'A', email: 'Zoe\u0308.Ñandú@Bücher.example' })
    const same = ['zoë.ñandú@bücher.example', 'ZOË.N\u0303andu\u0301@BÜCHER.EXAMPLE', 'zoë.ñandú@xn--bcher-kva.example']
    for (const email of same) {
      await t.rejects(
        users.insert(User, { name: 'B', email }),
        {
          code: 'conflict',
          message: 'User with this email exists already',
          errors: [{ in: 'body', pointer: '/email', detail: 'is already in use' }],
        },
        email,
      )
    }
    t.equal(await countOf(storage, 'users'), 1)
    await users.insert(User, { name: 'A', email: 'zoe.nandu@bücher.example' })
    t.equal(await countOf(storage, 'users'), 2, 'another address is another user')
  })

  test(`${engine}: a change to a taken e-mail address is a conflict and changes nothing`, async (t) => {
    const { users } = await openUsers(t, create)
    await users.insert(User, person(1))
    const { id } = await users.insert(User, person(2))
    const taken = { code: 'conflict', errors: [{ pointer: '/email' }] }
    await t.rejects(users.update(User, id, { name: 'C', email: 'PERSON-1@example.com' }), taken)
    await t.rejects(users.update(User, id, { email: 'person-1@example.com' }, [1]), taken)
    const row = await users.get(User, id)
    t.same([row.version, parsed(row.json)], [1, { id, ...person(2) }])
  })

  test(`${engine}: of fifty that want one e-mail address at once, one gets it`, async (t) => {
    const { engine: storage, users } = await openUsers(t, create)
    const all = Array.from({ length: 50 }, (_, number) => users.insert(User, { ...person(1), name: `Rival ${number}` }))
    const outcomes = await Promise.allSettled(all)
    const lost = outcomes.filter(({ status }) => status === 'rejected')
    t.equal(outcomes.length - lost.length, 1)
    for (const each of lost) t.match(each, { reason: { code: 'conflict' } })
    t.equal(await countOf(storage, 'users'), 1)
  })

  test(`${engine}: a change raises the version and the time, and keeps the rest`, async (t) => {
    const { users } = await openUsers(t, create)
    const created = await users.insert(UserDetail, person(1))
    await new Promise((resolve) => setTimeout(resolve, 3))
    const changed = await users.update(UserDetail, created.id, { name: 'New' })
    const before = parsed(created.json)
    const after = parsed(changed.json)
    t.same([created.version, changed.version], [1, 2])
    t.same(after, { ...before, name: 'New', updatedAt: after.updatedAt })
    t.ok(after.updatedAt > before.updatedAt)
    t.equal(new Date(after.createdAt).toISOString(), after.createdAt)
    t.same(parsed((await users.get(UserDetail, created.id)).json), after)
  })

  test(`${engine}: a change or removal of a stale version is refused`, async (t) => {
    const { users } = await openUsers(t, create)
    const { id } = await users.insert(User, person(1))
    await users.update(User, id, { name: 'Second' }, [1])
    const stale = { code: 'precondition-failed' }
    await t.rejects(users.update(User, id, { name: 'Third' }, [1]), stale)
    await t.rejects(users.update(User, id, { name: 'Third' }, [1, 3, 99]), stale)
    await t.rejects(users.update(User, id, { name: 'Third' }, []), stale)
    await t.rejects(users.update(User, id, {}, [1]), stale)
    await t.rejects(users.remove(id, [1]), stale)
    await t.rejects(users.remove(id, [1, 3]), stale)
    const row = await users.get(User, id)
    t.same([row.version, parsed(row.json).name], [2, 'Second'])
  })

  test(`${engine}: any of several accepted versions lets a change through`, async (t) => {
    const { users } = await openUsers(t, create)
    const { id } = await users.insert(User, person(1))
    t.equal((await users.update(User, id, { name: 'B' }, [7, 1, 8])).version, 2)
    t.equal((await users.update(User, id, { name: 'C' }, [1, 2])).version, 3)
    await users.remove(id, [2, 3])
    await t.rejects(async () => users.get(User, id), { code: 'not-found' })
  })

  test(`${engine}: of twenty changes that name the same version, one passes`, async (t) => {
    const { users } = await openUsers(t, create)
    const { id } = await users.insert(User, person(1))
    const all = Array.from({ length: 20 }, (_, index) => users.update(User, id, { name: `Change ${index}` }, [1]))
    const outcomes = await Promise.allSettled(all)
    const lost = outcomes.filter(({ status }) => status === 'rejected')
    t.equal(lost.length, 19)
    for (const each of lost) t.match(each, { reason: { code: 'precondition-failed' } })
    t.equal((await users.get(User, id)).version, 2)
  })

  test(`${engine}: a change of nothing returns the row and keeps its version`, async (t) => {
    const { users } = await openUsers(t, create)
    const created = await users.insert(UserDetail, person(1))
    for (const versions of ['any', [1], [4, 1]] as const) {
      const same = await users.update(UserDetail, created.id, {}, versions)
      t.same([same.version, parsed(same.json)], [1, parsed(created.json)])
    }
  })

  test(`${engine}: a removed row is gone, once`, async (t) => {
    const { engine: storage, users } = await openUsers(t, create)
    const { id } = await users.insert(User, person(1))
    const other = await users.insert(User, person(2))
    await users.remove(id)
    await t.rejects(users.remove(id), { code: 'not-found' })
    await users.remove(other.id, [1])
    t.equal(await countOf(storage, 'users'), 0)
    t.equal((await users.insert(User, person(1))).version, 1, 'its address is free again')
  })

  test(`${engine}: the id of a removed row is never given again`, async (t) => {
    const { users } = await openUsers(t, create)
    const ids: number[] = []
    for (let round = 0; round < 3; round++) {
      const { id } = await users.insert(User, person(1))
      ids.push(id)
      await users.remove(id)
    }
    t.same(
      ids,
      [...new Set(ids)].sort((a, b) => a - b),
    )
  })

  test(`${engine}: values are data, whatever SQL they spell`, async (t) => {
    const { engine: storage, users } = await openUsers(t, create)
    await users.insert(User, person(0))
    const attempts = [
      `x'); drop table users; --`,
      `' or '1'='1`,
      `"; delete from users; --`,
      `\\'; select 1; --`,
      '%',
      '_',
    ]
    for (const [index, attempt] of attempts.entries()) {
      const { id } = await users.insert(User, { name: attempt, email: person(index + 1).email })
      t.same(parsed((await users.get(User, id)).json).name, attempt)
      const byName = await users.page(User, { limit: 10, filter: { name: attempt } })
      t.same(
        parsed(byName.items).map((each) => each.id),
        [id],
        attempt,
      )
      t.same(parsed((await users.page(User, { limit: 10, filter: { email: attempt } })).items), [])
      t.equal(await users.count({ email: attempt }), 0)
    }
    t.equal(await countOf(storage, 'users'), attempts.length + 1)
  })
}
