/** One-time codes: what a finished login gives to the browser, and a session is started with. */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Command, Storage } from '../../storage/storage.ts'
import type { Secrets } from '../secrets.ts'
import { browserPurpose } from './attempts.ts'
import { type CodeBinding, type CodeRow, type LoginSql, macArguments } from './login-sql.ts'
import type { ProviderUser } from './provider.ts'

const purpose = 'login code'
/** How long a code is good for, in seconds. */
export const codeLifetime = 60

/** What whoever exchanges a code presents. */
export interface Presented {
  code: string
  /** What the challenge of the login was made from. */
  verifier?: string | undefined
  /** What the browser's cookie holds. */
  browser: string | undefined
}

export class LoginCodes {
  readonly #engine: Storage
  readonly #secrets: Secrets
  readonly #sql: LoginSql

  constructor(engine: Storage, secrets: Secrets, sql: LoginSql) {
    this.#engine = engine
    this.#secrets = secrets
    this.#sql = sql
  }

  /** A new code, and the command that keeps it for an identity: it must meet one. */
  create(
    { issuer, subject }: Pick<ProviderUser, 'issuer' | 'subject'>,
    { browserMac, challenge }: CodeBinding,
  ): { code: string; keep: Command } {
    const code = randomBytes(32).toString('base64url')
    const mac = this.#secrets.mac(purpose, code)
    const expiresAt = new Date(Date.now() + codeLifetime * 1000).toISOString()
    return { code, keep: [this.#sql.addCode, { mac, browserMac, challenge, expiresAt, issuer, subject }, 1] }
  }

  /** The code, good or not; nothing when it is unknown or used. */
  async find({ code }: Pick<Presented, 'code'>): Promise<CodeRow | undefined> {
    return this.#engine.first<CodeRow>(this.#sql.findCode, macArguments(this.#secrets.macs(purpose, code)))
  }

  /** Whether the code is good, and presented by whoever began the login. */
  fits({ challenge, browserMac, expiresAt }: CodeRow, { verifier, browser }: Presented): boolean {
    if (expiresAt <= new Date().toISOString()) return false
    // A verifier without a challenge: somebody has taken the challenge out (RFC 9700 section 4.8.2).
    if ((challenge === null) !== (verifier === undefined)) return false
    if (challenge !== null && verifier !== undefined && !isMadeFrom(challenge, verifier)) return false
    if (browserMac === null) return true
    return browser !== undefined && this.#secrets.hasMac(browserPurpose, browser, browserMac)
  }

  /** Of two that use a code, one fails. */
  use({ mac }: Pick<CodeRow, 'mac'>): Command {
    return [this.#sql.useCode, { mac }, 1]
  }

  /** Ends a code that was presented by somebody else. */
  async burn({ mac }: Pick<CodeRow, 'mac'>): Promise<void> {
    await this.#engine.write([[this.#sql.useCode, { mac }]])
  }
}

/** Whether the challenge is S256 of the verifier (RFC 7636 section 4.6). */
function isMadeFrom(challenge: string, verifier: string): boolean {
  const made = createHash('sha256').update(verifier).digest('base64url')
  return made.length === challenge.length && timingSafeEqual(Buffer.from(made), Buffer.from(challenge))
}
