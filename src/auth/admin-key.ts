/** The first key of a new database: an operator needs one before anybody can be given any. */

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { adminScope, type Principal } from '../contract/principal.ts'
import { argument, statement } from '../storage/dialect.ts'
import { type Storage, UniqueViolation } from '../storage/storage.ts'
import type { ApiKeys, NewApiKey } from './api-keys.ts'

export const adminKeyFile = 'admin-key'

/** The server itself, as the one who makes a key without being asked over the network. */
const server: Principal = { kind: 'api-key', id: 'server', scopes: new Set([adminScope]) }
const start = { id: 'start', ip: '' }

/**
 * Makes the admin key of a database that never had one, and writes it to `admin-key` (mode 0600) in a folder.
 * Gives its text once; nothing when the database has had its first key.
 */
export async function firstAdminKey(engine: Storage, keys: ApiKeys, folder: string): Promise<string | undefined> {
  const { kysely } = engine.dialect
  const id = 'admin-key'
  const done = statement('first key', kysely.selectFrom('seeds').select('id').where('id', '=', argument('id')))
  if ((await engine.first(done, { id })) !== undefined) return undefined
  const record = statement(
    'first key record',
    kysely.insertInto('seeds').values({ id: argument('id'), applied_at: argument('now') }),
  )
  const { commands, created } = keys.creation({ name: 'admin', scopes: [adminScope] }, server, start)
  try {
    await keepKey(folder, created, () => engine.write([[record, { id, now: created.createdAt }], ...commands]))
    return created.key
  } catch (error) {
    // Another process that started at the same time was first.
    if (error instanceof UniqueViolation) return undefined
    throw error
  }
}

/** A further admin key, for an operator who lost the first; replaces the file. */
export async function newAdminKey(engine: Storage, keys: ApiKeys, folder: string): Promise<string> {
  const { commands, created } = keys.creation({ name: 'admin', scopes: [adminScope] }, server, start)
  await keepKey(folder, created, () => engine.write(commands))
  return created.key
}

/** The file is on disk before the key is valid, and takes its place when it is: no valid key is ever lost. */
async function keepKey(folder: string, { id, key }: NewApiKey, write: () => Promise<unknown>): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${adminKeyFile}.${id}`)
  writeFileSync(file, `${key}\n`, { mode: 0o600, flag: 'wx' })
  try {
    await write()
  } catch (error) {
    rmSync(file)
    throw error
  }
  renameSync(file, join(folder, adminKeyFile))
}
