/** The first key of a new database: an operator needs one before anybody can be given any. */

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { adminScope, type Principal } from '../contract/principal.ts'
import { argument, statement } from '../storage/dialect.ts'
import { type Storage, UniqueViolation } from '../storage/storage.ts'
import type { ApiKeys, NewApiKey } from './api-keys.ts'

export const adminKeyFile = 'admin-key'
/** Until then another process may be about to make the key in a file good, in ms. */
const leftAfter = 60_000

export interface KeyLog {
  warn(bindings: { file: string }, message: string): void
}

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

/**
 * Puts the folder in order after a crash: a key that was made and lost its way to `admin-key` takes that name, what
 * never became good is deleted. Warns when the key in `admin-key` is no longer good. The log names files, never keys.
 */
export async function settleAdminKeys(keys: ApiKeys, folder: string, log: KeyLog): Promise<void> {
  for (const { name, changedAt } of leftKeys(folder)) {
    const file = join(folder, name)
    const key = textOf(file)
    if (key === undefined) continue
    if (await keys.isGood(key)) {
      takeName(folder, file)
      log.warn({ file: name }, `an admin key that a crash left is kept in ${adminKeyFile}`)
    } else if (Date.now() - changedAt > leftAfter) {
      rmSync(file, { force: true })
      log.warn({ file: name }, 'an admin key that never became good is deleted')
    }
  }
  const kept = textOf(join(folder, adminKeyFile))
  if (kept === undefined || (await keys.isGood(kept))) return
  log.warn({ file: adminKeyFile }, 'the admin key in this file is no longer good: npm run admin-key makes another')
}

/** The file is on disk before the key is valid, and takes its place when it is: no valid key is ever lost. */
async function keepKey(folder: string, { id, key }: NewApiKey, write: () => Promise<unknown>): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, `${adminKeyFile}.${id}`)
  writeFileSync(file, `${key}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    await write()
  } catch (error) {
    // After any other error the key may be good: the next start finds out.
    if (error instanceof UniqueViolation) rmSync(file, { force: true })
    throw error
  }
  takeName(folder, file)
}

/** The oldest first: of several good ones the newest has the name in the end. */
function leftKeys(folder: string): { name: string; changedAt: number }[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.startsWith(`${adminKeyFile}.`))
    .flatMap((name) => {
      const changedAt = statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs
      return changedAt === undefined ? [] : [{ name, changedAt }]
    })
    .sort((one, other) => one.changedAt - other.changedAt)
}

/** Another process may have given the name already. */
function takeName(folder: string, file: string): void {
  try {
    renameSync(file, join(folder, adminKeyFile))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** What a file holds; nothing where there is none, or none that this process may read. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (/^(ENOENT|EACCES|EISDIR)$/.test((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
