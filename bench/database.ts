/** A database that Septet itself has created, filled by SQL. */

import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { fold, normaliseEmail } from '../src/schemas/email.ts'

export const fileName = 'septet.sqlite'

const given = ['Mohamed', 'Fatima', 'Ali', 'Maryam', 'Ibrahim', 'Anna', 'James', 'Wei', 'Sofia', 'Arjun', 'Chidi']
const family = ['Salah', 'Hassan', 'Smith', 'Garcia', 'Okafor', 'Chen', 'Rossi', 'Novak', 'Sharma', 'Haddad']

/** Makes the database in a new folder: Septet migrates and seeds it, then it is filled up to this many users. */
export function createDatabase(folder: string, users: number): void {
  mkdirSync(folder)
  const { PATH, HOME } = process.env
  const { status, stderr } = spawnSync(process.execPath, ['src/start.js', 'migrate'], {
    env: { PATH, HOME, DATA_DIR: folder },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`the database could not be made: ${stderr}`)
  const database = new Database(join(folder, fileName))
  database.pragma('synchronous = off')
  const insert = database.prepare(
    `insert into users (id, version, created_at, updated_at, name, name_key, email, email_key)
     values (?, 1, ?, ?, ?, ?, ?, ?)`,
  )
  const now = new Date().toISOString()
  const existing = database.prepare('select max(id) from users').pluck().get() as number
  database.transaction(() => {
    for (let id = existing + 1; id <= users; id += 1) {
      const name = `${given[id % given.length]} ${family[id % family.length]}`
      const email = `user-${id}@example.com`
      insert.run(id, now, now, name, fold(name), email, normaliseEmail(email))
    }
  })()
  database.pragma('wal_checkpoint(truncate)')
  database.close()
}

/** The same rows for another server, and the secret that keys in them are made with. */
export function copyDatabase(from: string, to: string): string {
  mkdirSync(to)
  for (const name of [fileName, 'secret', 'admin-key']) copyFileSync(join(from, name), join(to, name))
  return to
}
