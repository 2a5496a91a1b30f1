import { randomBytes } from 'node:crypto'
import { test } from 'tap'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import { temporaryFolder } from '../helper.ts'
import { raw } from '../storage/setup.ts'
import { day, holdClock, minute, startProcess } from './session-setup.ts'

const forgedKid = () => randomBytes(32).toString('base64url')
const kidsOf = (keys: { keySet(): { keys: { kid: string }[] } }) => keys.keySet().keys.map(({ kid }) => kid)

test('the first start makes a key that signs and the one after it, and publishes their public members alone', async (t) => {
  const { keys } = await startProcess(t, openSqlite(temporaryFolder(t)))
  const set = keys.keySet().keys
  t.equal(set.length, 2)
  for (const key of set) {
    t.same(Object.keys(key).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x'])
    t.match(key, { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', x: /^[\w-]{43}$/, kid: /^[\w-]{43}$/ })
  }
  t.equal((await keys.signer()).kid, set[0]?.kid)
})

test('processes that start together over one database agree on the keys', async (t) => {
  const folder = temporaryFolder(t)
  // The tables are there; the keys are not.
  const { engine } = await startProcess(t, openSqlite(folder))
  await engine.write([[raw('delete from signing_keys'), {}]])
  const started = await Promise.all([1, 2, 3].map(() => startProcess(t, openSqlite(folder))))
  await Promise.all(started.map(({ keys }) => keys.maintain()))
  const [first, ...others] = await Promise.all(
    started.map(async ({ keys }) => ({ set: keys.keySet(), kid: (await keys.signer()).kid })),
  )
  t.equal(first?.set.keys.length, 2)
  for (const other of others) t.same(other, first)
})

test('a key is published a whole turn before it signs, and until its last token has expired', async (t) => {
  const advance = holdClock(t)
  const { keys, rows } = await startProcess(t, openSqlite(temporaryFolder(t)))
  const [first = '', second = ''] = kidsOf(keys)
  advance(90 * day - 1)
  await keys.maintain()
  t.equal((await keys.signer()).kid, first)
  advance(1)
  await keys.maintain()
  t.equal((await keys.signer()).kid, second, 'the second signs when the first has had its days')
  t.same(kidsOf(keys).slice(0, 2), [first, second])
  t.equal(kidsOf(keys).length, 3, 'the third is published')
  advance(60 * minute)
  await keys.maintain()
  t.ok(kidsOf(keys).includes(first), 'a token that the first signed at last may live for an hour')
  t.ok(await keys.find(first))
  advance(6 * minute)
  await keys.maintain()
  t.equal(kidsOf(keys)[0], second)
  t.equal(kidsOf(keys).length, 2)
  t.equal(await keys.find(first), undefined)
  t.equal((await rows('select number from signing_keys')).length, 2, 'nothing of it is kept')
})

test('a server that was away for longer than a turn signs with a new key', async (t) => {
  const advance = holdClock(t)
  const { keys } = await startProcess(t, openSqlite(temporaryFolder(t)))
  const old = kidsOf(keys)
  advance(400 * day)
  const { kid } = await keys.signer()
  t.notOk(old.includes(kid))
  t.equal(kidsOf(keys).length, 2)
  t.equal(kidsOf(keys)[0], kid)
})

test('an unknown key id is looked for in the database, at most once a second', async (t) => {
  const advance = holdClock(t)
  const folder = temporaryFolder(t)
  const { keys, engine } = await startProcess(t, openSqlite(folder))
  await engine.write([[raw('delete from signing_keys'), {}]])
  const other = await startProcess(t, openSqlite(folder))
  t.equal(await keys.find(forgedKid()), undefined)
  const [kid = '', next = ''] = kidsOf(other.keys)
  t.ok(await keys.find(kid), 'the look-up for the forged one has found the new ones too')

  await engine.write([[raw('delete from signing_keys'), {}]])
  await other.keys.maintain()
  const [newest = ''] = kidsOf(other.keys)
  t.equal(await keys.find(newest), undefined, 'forged ids of this second have used up its look-up')
  t.ok(await keys.find(next), 'what is known is still found')
  advance(1000)
  t.ok(await keys.find(newest))
  t.equal(await keys.find(next), undefined, 'and what is gone is not')
})

test('an id that is no thumbprint is not looked for', async (t) => {
  holdClock(t)
  const folder = temporaryFolder(t)
  const { keys, engine } = await startProcess(t, openSqlite(folder))
  for (const kid of ['', '../../etc/passwd', "' or 1=1 --", 'a'.repeat(44), '__proto__']) {
    t.equal(await keys.find(kid), undefined, kid)
  }
  await engine.write([[raw('delete from signing_keys'), {}]])
  const other = await startProcess(t, openSqlite(folder))
  t.ok(await keys.find(kidsOf(other.keys)[0] ?? ''), 'the look-up of this second is still to be had')
})

test('private keys are sealed at rest, and open with the secret that replaced theirs only if that is listed too', async (t) => {
  const folder = temporaryFolder(t)
  const [old, young] = ['an old secret of 32 letters or more', 'a new secret of 32 letters or more']
  const { keys, rows } = await startProcess(t, openSqlite(folder), old)
  const [row = {}] = await rows('select * from signing_keys')
  t.same(Object.keys(row), ['number', 'sealed', 'signs_from', 'signs_until'])
  t.notMatch(Buffer.from(String(row.sealed), 'base64url').toString('latin1'), /Ed25519|"d"/)

  const both = await startProcess(t, openSqlite(folder), `${young},${old}`)
  t.same(both.keys.keySet(), keys.keySet())
  t.same(both.warnings, [])

  const without = await startProcess(t, openSqlite(folder), young)
  t.same(
    without.warnings,
    [1, 2].map((number) => `signing key ${number} is left out: SECRET does not open it`),
  )
  t.equal(kidsOf(without.keys).length, 2)
  t.notOk(
    kidsOf(without.keys).some((kid) => kidsOf(keys).includes(kid)),
    'it makes its own',
  )
})

test('a key that was written past SECRET is not trusted', async (t) => {
  const { keys, engine, warnings } = await startProcess(t, openSqlite(temporaryFolder(t)))
  const jwk = JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: forgedKid(), d: forgedKid() })
  for (const [number, sealed] of [jwk, Buffer.from(jwk).toString('base64url')].entries()) {
    const values = `(${number + 10}, '${sealed}', '2020-01-01', '2099-01-01')`
    await engine.write([
      [raw(`insert into signing_keys (number, sealed, signs_from, signs_until) values ${values}`), {}],
    ])
  }
  await keys.maintain()
  t.equal(keys.keySet().keys.length, 2)
  t.equal(warnings.length, 2)
})
