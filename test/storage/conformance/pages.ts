/** Lists: order, keyset pages, filters, totals. */

import { Type } from '@sinclair/typebox'
import { type Test, test } from 'tap'
import { User } from '../../../routes/users/schema.ts'
import type { Declaration } from '../../../src/schemas/collection.ts'
import { fold, normaliseEmail } from '../../../src/schemas/email.ts'
import type { Collection, Filter } from '../../../src/storage/collection.ts'
import { Store } from '../../../src/storage/store.ts'
import { keepBytes, type NewDatabase, openUsers, parsed, person } from '../setup.ts'

type Users = Awaited<ReturnType<typeof openUsers>>['users']
type Listed = typeof User.static

const orders = ['id', '-id', 'name', '-name', 'email', '-email'] as const

/** Names that languages, code units and bytes each put into another order. */
const names = [
  'Ali',
  'ali',
  'ALI',
  'Zoë',
  'zebra',
  'Ärger',
  'a-b',
  'a b',
  'ab',
  'éa',
  '\uffee',
  '𝒜',
  '王',
  'محمد',
  '_',
  '~',
]

export function pages(engine: string, create: NewDatabase): void {
  test(`${engine}: two hundred rows added at once are each seen once, in every order`, async (t) => {
    const { users } = await openUsers(t, create)
    const expected = await fill(users, 200)
    for (const sort of orders) {
      const seen = await walk(users, { sort, limit: 7 })
      t.same(ids(seen), ids(sorted(expected, sort)), sort)
    }
  })

  test(`${engine}: a page by cursor equals the same part of the whole list`, async (t) => {
    const { users } = await openUsers(t, create)
    await fill(users, 60)
    for (const sort of orders) {
      const whole = parsed((await users.page(User, { limit: 100, sort })).items)
      t.equal(whole.length, 60)
      let cursor: string | undefined
      for (let offset = 0; offset < 60; offset += 20) {
        const page = await users.page(User, { limit: 20, sort, cursor })
        t.same(parsed(page.items), whole.slice(offset, offset + 20), `${sort} from ${offset}`)
        t.equal(page.next === undefined, offset === 40, 'the last page has no next, even when it is full')
        cursor = page.next
      }
    }
  })

  test(`${engine}: rows that come and go do not shift the pages behind a cursor`, async (t) => {
    const { users } = await openUsers(t, create)
    const added = await fill(users, 30)
    const whole = sorted(added, 'name')
    const first = await users.page(User, { limit: 10, sort: 'name' })
    const [gone, last] = [whole[3] as Listed, whole[9] as Listed]
    await users.remove(gone.id)
    await users.remove(last.id)
    await users.insert(User, { name: ' comes first', email: 'early@example.com' })
    const second = await users.page(User, { limit: 10, sort: 'name', cursor: first.next })
    t.same(ids(parsed(second.items)), ids(whole.slice(10, 20)))
  })

  test(`${engine}: a filter by name takes what begins so, whatever its case and composition`, async (t) => {
    const { users } = await openUsers(t, create)
    const given = ['Zoë', 'ZOË Q', 'zoe\u0308', 'Zoe', 'Zo', 'Azoë', 'zoë%', 'zoë_', 'Zoë 🚀', 'ZOÉ']
    for (const [index, name] of given.entries()) await users.insert(User, person(index, name))
    const found = async (name: string) => {
      const rows = parsed((await users.page(User, { limit: 100, filter: { name } })).items)
      t.equal(await users.count({ name }), rows.length, `total of ${name}`)
      return rows.map((row) => row.name)
    }
    t.same(await found('zoë'), ['Zoë', 'ZOË Q', 'zoe\u0308', 'zoë%', 'zoë_', 'Zoë 🚀'])
    t.same(await found('ZOE\u0308'), ['Zoë', 'ZOË Q', 'zoe\u0308', 'zoë%', 'zoë_', 'Zoë 🚀'])
    t.same(await found('zoë%'), ['zoë%'])
    t.same(await found('zoë_'), ['zoë_'])
    t.same(await found('zoë 🚀'), ['Zoë 🚀'])
    t.same(await found('nobody'), [])
  })

  test(`${engine}: a filter by address takes the one user, whatever its case and composition`, async (t) => {
    const { users } = await openUsers(t, create)
    await users.insert(User, { name: 'Zoë', email: 'Zoë@Example.com' })
    await users.insert(User, person(1))
    for (const email of ['zoe\u0308@example.com', 'ZOË@EXAMPLE.COM']) {
      t.same(parsed((await users.page(User, { limit: 5, filter: { email } })).items), [
        { id: 1, name: 'Zoë', email: 'Zoë@Example.com' },
      ])
      t.equal(await users.count({ email }), 1)
    }
    t.equal(await users.count({ email: 'zoë@example.co' }), 0, 'equal, not beginning')
    t.equal(await users.count({ email: 'person-1@example.com', name: 'zoë' }), 0, 'filters add up')
    t.equal(await users.count({ email: undefined, name: 'zoë' }), 1, 'an absent value is no filter')
    t.equal(await users.count(), 2)
  })

  test(`${engine}: a filter by ids takes those that are there, once each, in every order and with other filters`, async (t) => {
    const { users } = await openUsers(t, create)
    const all = await fill(users, 30)
    const id = [29, 3, 3, 17, 4000, Number.MAX_SAFE_INTEGER]
    const among = all.filter((row) => id.includes(row.id))
    for (const sort of orders) {
      t.same(ids(await walk(users, { sort, limit: 2, filter: { id } })), ids(sorted(among, sort)), sort)
    }
    t.equal(await users.count({ id }), 3)
    t.same(parsed((await users.page(User, { limit: 9, filter: { id: [31] } })).items), [])
    const [one] = among as [Listed]
    const { items } = await users.page(User, { limit: 9, filter: { id, email: one.email } })
    t.same(ids(parsed(items)), [one.id])
  })

  test(`${engine}: a filtered walk sees every match once, in every order`, async (t) => {
    const { users } = await openUsers(t, create)
    const all = await fill(users, 120)
    for (const sort of orders) {
      for (const name of ['a', 'ali', 'Z']) {
        const matching = all.filter((row) => fold(row.name).startsWith(fold(name)))
        const seen = await walk(users, { sort, limit: 5, filter: { name } })
        t.same(ids(seen), ids(sorted(matching, sort)), `${sort}, ${name}`)
      }
    }
  })

  test(`${engine}: a cursor of another order, and what is no cursor, are refused`, async (t) => {
    const { users } = await openUsers(t, create)
    await fill(users, 10)
    const problem = { code: 'validation-failed', errors: [{ in: 'query', pointer: '/cursor' }] }
    for (const made of orders) {
      const { next } = await users.page(User, { limit: 2, sort: made })
      t.type(next, 'string')
      for (const sort of orders) {
        const page = async () => users.page(User, { limit: 2, sort, cursor: next })
        if (sort === made) t.equal(parsed((await page()).items).length, 2)
        else await t.rejects(page, problem, `${made} for ${sort}`)
      }
    }
    for (const [sort, garbage] of garbageCursors()) {
      await t.rejects(async () => users.page(User, { limit: 2, sort, cursor: garbage }), problem, garbage)
    }
  })

  test(`${engine}: an order by a property without comparison key has pages too`, async (t) => {
    const { books } = await openBooks(t, create)
    const given = [
      { title: 'b', pages: 300, rating: 4.5 },
      { title: 'a', pages: 20, rating: 4.5 },
      { title: 'B', pages: 300, rating: 0.25 },
      { title: 'a', pages: 5, rating: -1 },
      { title: 'é', pages: 20, rating: 0.1 + 0.2 },
    ]
    for (const book of given) await books.insert(Book, book)
    for (const property of ['title', 'pages', 'rating', 'createdAt'] as const) {
      for (const sort of [property, `-${property}`]) {
        const whole = parsed((await books.page(Book, { limit: 10, sort })).items)
        t.equal(whole.length, 5)
        t.same(await walkOf(books, Book, { sort, limit: 2 }), whole, sort)
      }
    }
    const byTitle = parsed((await books.page(Book, { limit: 10, sort: 'title' })).items)
    t.same(ids(byTitle), [3, 2, 4, 1, 5], 'bytewise, then by id')
    const numbers = await books.page(Book, { limit: 1, sort: 'pages' })
    const forged = Buffer.from(JSON.stringify(['pages', 'many', 1])).toString('base64url')
    t.type(numbers.next, 'string')
    await t.rejects(async () => books.page(Book, { limit: 1, sort: 'pages', cursor: forged }), {
      code: 'validation-failed',
    })
  })
}

const moment = Type.String()
const BookInput = Type.Object({ title: Type.String(), pages: Type.Integer(), rating: Type.Number() })
const Book = Type.Object({ id: Type.Integer(), ...BookInput.properties, createdAt: moment })

const bookCollection: Declaration<typeof BookInput> = {
  name: 'books',
  label: 'Book',
  input: BookInput,
  migrations: [
    {
      id: 'books-1-create',
      up: ({ createCollection, text, integer, real }) => [
        createCollection('books').addColumn('title', text).addColumn('pages', integer).addColumn('rating', real),
      ],
    },
  ],
}

async function openBooks(t: Test, create: NewDatabase) {
  const store = new Store((await create(t)).open(), keepBytes)
  t.teardown(() => store.close())
  const books = store.collection(bookCollection)
  await store.migrate(false)
  return { store, books }
}

/** Adds rows, all at once; names repeat. */
async function fill(users: Users, count: number): Promise<Listed[]> {
  const all = Array.from({ length: count }, (_, index) =>
    users.insert(User, person((index * 7919) % 1000, names[index % names.length])),
  )
  return (await Promise.all(all)).map(({ json }) => parsed(json))
}

function walk(users: Users, query: { sort: string; limit: number; filter?: Filter }): Promise<Listed[]> {
  return walkOf(users as unknown as Collection<typeof BookInput>, User, query) as Promise<Listed[]>
}

async function walkOf(
  collection: Collection<typeof BookInput>,
  view: typeof Book | typeof User,
  query: { sort: string; limit: number; filter?: Filter },
): Promise<{ id: number }[]> {
  const seen: { id: number }[] = []
  let cursor: string | undefined
  do {
    const page = await collection.page(view, { ...query, cursor })
    seen.push(...parsed(page.items))
    cursor = page.next
  } while (cursor !== undefined)
  return seen
}

/** The order that the storage promises: bytes of the comparison key, then the id. */
function sorted(rows: readonly Listed[], sort: string): Listed[] {
  const sign = sort.startsWith('-') ? -1 : 1
  const bytes = (row: Listed) => Buffer.from(sort.endsWith('name') ? fold(row.name) : normaliseEmail(row.email))
  return [...rows].sort(
    (a, b) => sign * ((sort.endsWith('id') ? 0 : Buffer.compare(bytes(a), bytes(b))) || a.id - b.id),
  )
}

function ids(rows: readonly { id: number }[]): number[] {
  return rows.map(({ id }) => id)
}

function garbageCursors(): [sort: string, cursor: string][] {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return [
    ['id', 'garbage'],
    ['id', ''],
    ['id', '_-_'],
    ['id', encode(null)],
    ['id', encode({})],
    ['id', encode([])],
    ['id', encode(['id'])],
    ['id', encode(['id', '1', 1])],
    ['id', encode(['id', 1.5, 1])],
    ['id', encode(['id', 1e300, 1])],
    ['id', encode(['id', 1, null])],
    ['name', encode(['name', 1, 1])],
    ['name', encode(['name', null, 1])],
    ['name', encode(['name', ['a'], 1])],
    ['name', encode(['name', 'a', '1'])],
    ['name', encode(['name', 'a\0b', 1])],
  ]
}
