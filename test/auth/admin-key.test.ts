import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { firstAdminKey, newAdminKey } from '../../src/auth/admin-key.ts'
import { newApiKeyText } from '../../src/auth/api-key.ts'
import { type Built, build, temporaryFolder } from '../helper.ts'
import { adminKeyOf } from '../keys.ts'
import { raw } from '../storage/setup.ts'

const again = (t: Test, folder: string, settings = {}) => build(t, { DATA_DIR: folder, ...settings })
const filesOf = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('admin-key'))
const warned = ({ logs }: Built) =>
  logs()
    .filter(({ file }) => String(file).startsWith('admin-key'))
    .map(({ file, msg }) => `${file}: ${msg}`)
const status = async ({ app }: Built, key: string) =>
  (await app.inject({ url: '/keys', headers: { 'x-api-key': key } })).statusCode

/** A folder whose database has its admin key. */
async function started(t: Test) {
  const { app, folder } = await build(t)
  const key = adminKeyOf(folder)
  await app.close()
  return { folder, key, id: key.slice(4, 16) }
}

test('the folder of the key is its user’s only', async (t) => {
  const folder = join(temporaryFolder(t), 'data')
  const built = await again(t, folder)
  t.equal(statSync(folder).mode & 0o777, 0o700)
  t.same(warned(built), [])
})

test('a key that a crash left before it had its name gets it at the next start', async (t) => {
  const { folder, key, id } = await started(t)
  renameSync(join(folder, 'admin-key'), join(folder, `admin-key.${id}`))
  const next = await again(t, folder)
  t.equal(adminKeyOf(folder), key)
  t.same(filesOf(folder), ['admin-key'])
  t.same(warned(next), [`admin-key.${id}: an admin key that a crash left is kept in admin-key`])
  t.notMatch(JSON.stringify(next.logs()), key.slice(17))
  t.equal(await status(next, key), 200)
  t.equal((await next.app.inject({ url: '/keys', headers: { 'x-api-key': key } })).json()[0].id, id)
})

test('a key that never became good is deleted, once no other process can be about to make it so', async (t) => {
  const { folder, key } = await started(t)
  const file = join(folder, 'admin-key.0123456789ab')
  writeFileSync(file, `${newApiKeyText('0123456789ab')}\n`)
  const early = await again(t, folder)
  t.same([existsSync(file), warned(early)], [true, []])
  await early.app.close()
  const hourAgo = Date.now() / 1000 - 3600
  utimesSync(file, hourAgo, hourAgo)
  const late = await again(t, folder)
  t.same(filesOf(folder), ['admin-key'])
  t.same(warned(late), ['admin-key.0123456789ab: an admin key that never became good is deleted'])
  t.equal(adminKeyOf(folder), key)
})

test('a start tells that the key in the file is no longer good, and how to get another', async (t) => {
  const folder = temporaryFolder(t)
  const first = await again(t, folder, { SECRET: 'a secret of more than 32 characters' })
  await first.app.close()
  const changed = await again(t, folder, { SECRET: 'another secret of more than 32 characters' })
  t.same(warned(changed), ['admin-key: the admin key in this file is no longer good: npm run admin-key makes another'])
  const { app } = changed
  const key = await newAdminKey(app.storage.engine, app.apiKeys, folder)
  t.equal(adminKeyOf(folder), key)
  t.equal(await status(changed, key), 200)
})

test('looking at the file at the start is no use of its key', async (t) => {
  const { folder, id } = await started(t)
  const { app } = await again(t, folder)
  await app.apiKeys.writeUses()
  const [row] = await app.storage.engine.all(raw(`select last_used_at from api_keys where id = '${id}'`), {})
  t.equal(row?.last_used_at, null)
})

test('of two processes that make the first key at once one does, and the other leaves no file', async (t) => {
  const { app, folder } = await build(t)
  const { engine } = app.storage
  await engine.write([[raw(`delete from seeds where id = 'admin-key'`), {}]])
  const keys = await Promise.all([1, 2].map(() => firstAdminKey(engine, app.apiKeys, folder)))
  t.same(keys.filter(Boolean), [adminKeyOf(folder)])
  t.same(filesOf(folder), ['admin-key'])
})

test('a key whose writing ended in an error stays in its file, for it may be good', async (t) => {
  const { app, folder } = await build(t)
  const { engine } = app.storage
  const key = adminKeyOf(folder)
  await engine.write([[raw('alter table api_keys rename to elsewhere'), {}]])
  await t.rejects(newAdminKey(engine, app.apiKeys, folder))
  await engine.write([[raw('alter table elsewhere rename to api_keys'), {}]])
  t.equal(filesOf(folder).length, 2)
  t.equal(adminKeyOf(folder), key)
})

test('a file of another database is no warning where this start makes a key', async (t) => {
  const { folder } = await started(t)
  for (const name of readdirSync(folder).filter((name) => name.startsWith('septet.sqlite'))) rmSync(join(folder, name))
  const fresh = await again(t, folder)
  t.same(warned(fresh), [])
  t.equal(adminKeyOf(folder), fresh.app.apiKeys.first)
})
