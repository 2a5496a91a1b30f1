import { type Test, test } from 'tap'
import { type Finding, Verified } from '../../src/auth/verified.ts'
import { holdClock } from './session-setup.ts'

const principal = { kind: 'user', id: 'user:1', scopes: new Set<string>() } as const
const found: Finding<string> = { subject: 'one', principal }

/** Credentials whose look-ups, counted, end when they are told to. */
function open(t: Test) {
  const advance = holdClock(t)
  const verified = new Verified<string>()
  const endings: ((finding: Finding<string>) => void)[] = []
  const check = () =>
    verified.check('credential', () => new Promise<Finding<string>>((resolve) => endings.push(resolve)))
  const fresh = () => verified.fresh('credential')
  return { advance, verified, endings, check, fresh }
}

test('what was found is kept for less than a second, whatever happens to the clock on the wall', async (t) => {
  const { advance, verified, fresh } = open(t)
  t.equal(
    verified.check('credential', () => found),
    principal,
    'at once where the storage answers at once',
  )
  advance(-3_600_000, true)
  t.equal(fresh(), principal)
  advance(899)
  t.equal(fresh(), principal)
  advance(1)
  t.equal(fresh(), undefined)
  t.equal(verified.subject('credential'), 'one', 'what it stands for is known still')
})

test('what was found counts from the moment before it was read', async (t) => {
  const { advance, endings, check, fresh } = open(t)
  const slow = check()
  advance(600)
  endings[0]?.(found)
  t.equal(await slow, principal)
  t.equal(fresh(), principal)
  advance(300)
  t.equal(fresh(), undefined)
})

test('what expires is not kept for longer', async (t) => {
  const { advance, verified, fresh } = open(t)
  verified.check('credential', () => ({ ...found, expiresAt: Date.now() + 200 }))
  advance(199)
  t.equal(fresh(), principal)
  advance(1)
  t.equal(fresh(), undefined)
})

test('what was read before a revocation is not kept after it', async (t) => {
  const { verified, endings, check, fresh } = open(t)
  const before = check()
  verified.forget((subject) => subject === 'one')
  const after = check()
  t.equal(endings.length, 2, 'and who comes later does not wait for it')
  endings[0]?.(found)
  t.equal(await before, principal)
  t.equal(fresh(), undefined)
  endings[1]?.(found)
  await after
  t.equal(fresh(), principal)
})

test('many who come at once share one look-up, and also its failure', async (t) => {
  const { verified, advance, endings, check } = open(t)
  const many = Array.from({ length: 100 }, check)
  t.equal(endings.length, 1)
  advance(900)
  const late = check()
  t.equal(endings.length, 2, 'one that takes a second is waited for by nobody else')
  for (const end of endings) end(found)
  t.same(new Set(await Promise.all([...many, late])), new Set([principal]))

  let failures = 0
  const fail = () =>
    verified.check('another', () => {
      failures += 1
      return Promise.reject(new Error('no storage'))
    })
  const failed = await Promise.allSettled([fail(), fail()])
  t.same([failed.map(({ status }) => status), failures], [['rejected', 'rejected'], 1])
  await t.rejects(async () => fail())
  t.equal(failures, 2, 'a failure is not kept')
})
