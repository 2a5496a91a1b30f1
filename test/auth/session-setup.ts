/** What the tests of tokens and sessions share: everything behind a session, over a database of their own. */

import { mock } from 'node:test'
import type { Test } from 'tap'
import { userCollection } from '../../routes/users/collection.ts'
import { AccessTokens } from '../../src/auth/access-tokens.ts'
import { Audit } from '../../src/auth/audit.ts'
import { Secrets } from '../../src/auth/secrets.ts'
import { sessionMigrations } from '../../src/auth/session-sql.ts'
import { type Client, Sessions } from '../../src/auth/sessions.ts'
import { SigningKeys, signingKeyMigrations } from '../../src/auth/signing-keys.ts'
import type { Row, Storage } from '../../src/storage/storage.ts'
import { Store } from '../../src/storage/store.ts'
import { raw } from '../storage/setup.ts'

export const issuer = 'https://api.example.com'
export const day = 86_400_000
export const minute = 60_000

export const client: Client = { id: 'request-1', ip: '192.0.2.1', headers: { 'user-agent': 'curl/8' } }

/** Holds the clocks from now on; gives how to move them: both, or the one on the wall alone. */
export function holdClock(t: Test): (milliseconds: number, wallOnly?: boolean) => void {
  mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-11-25T12:00:00.500Z') })
  let elapsed = performance.now()
  const steady = mock.method(performance, 'now', () => elapsed)
  t.teardown(() => {
    mock.timers.reset()
    steady.mock.restore()
  })
  return (milliseconds, wallOnly = false) => {
    mock.timers.setTime(Date.now() + milliseconds)
    if (!wallOnly) elapsed += milliseconds
  }
}

export interface Process {
  engine: Storage
  keys: SigningKeys
  tokens: AccessTokens
  sessions: Sessions
  audit: Audit
  /** Scopes by user id, as accounts would give them. */
  scopes: Map<number, readonly string[]>
  warnings: string[]
  rows: (sql: string) => Promise<Row[]>
}

/** One process over a database, with the two example users. */
export async function startProcess(
  t: Test,
  engine: Storage,
  secret = 'a secret of 32 letters or more...',
): Promise<Process> {
  const store = new Store(engine, 0)
  const secrets = new Secrets(secret.split(','))
  const audit = new Audit(store)
  store.collection(userCollection)
  store.declare(signingKeyMigrations)
  store.declare(sessionMigrations)
  await store.migrate(true)
  const warnings: string[] = []
  const keys = new SigningKeys(engine, secrets, { days: 90, warn: (message) => warnings.push(message) })
  t.teardown(async () => {
    keys.stop()
    await store.close()
  })
  await keys.start()
  const tokens = new AccessTokens(keys, { issuer, minutes: 10 })
  const scopes = new Map<number, readonly string[]>([1, 2].map((id) => [id, ['users:read', 'keys:read']]))
  const sessions = new Sessions({
    engine,
    secrets,
    audit,
    tokens,
    scopesOf: (id) => scopes.get(id),
    notice: async () => [],
    days: 30,
  })
  const rows = async (sql: string) => engine.all(raw(sql), {})
  return { engine, keys, tokens, sessions, audit, scopes, warnings, rows }
}
