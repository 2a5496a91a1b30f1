/** Logins that have begun: kept here until the browser is back, bound to that browser, each good for one return. */

import type { Command, Storage } from '../../storage/storage.ts'
import type { Secrets } from '../secrets.ts'
import type { Linker } from './linkers.ts'
import { type AttemptRow, type LoginSql, macArguments } from './login-sql.ts'
import type { Handshake } from './provider.ts'
import { type LoginRefusal, refused } from './refusal.ts'

const statePurpose = 'login state'
const sealPurpose = 'login attempt'
export const browserPurpose = 'login browser'
/** How long a login may take, in ms. */
const lifetime = 600_000

/** What a login was begun with. */
export interface Beginning {
  provider: string
  /** What the browser's cookie holds. */
  browser: string
  /** Where it returns to; already checked. */
  redirect?: string | undefined
  /** S256 of what the exchange must present (RFC 7636). */
  challenge?: string | undefined
  /** Who links a further identity. */
  linker?: Linker | undefined
}

/** A login whose browser is back. */
export interface Attempt {
  handshake: Handshake
  browserMac: string
  redirect: string | undefined
  challenge: string | null
  linker: Linker | undefined
}

export class Attempts {
  readonly #engine: Storage
  readonly #secrets: Secrets
  readonly #sql: LoginSql

  constructor(engine: Storage, secrets: Secrets, sql: LoginSql) {
    this.#engine = engine
    this.#secrets = secrets
    this.#sql = sql
  }

  begin({ provider, browser, redirect, challenge, linker }: Beginning, { state, ...rest }: Handshake): Command {
    const args = {
      stateMac: this.#secrets.mac(statePurpose, state),
      provider,
      sealed: this.#secrets.seal(sealPurpose, JSON.stringify(rest)),
      browserMac: this.#secrets.mac(browserPurpose, browser),
      redirect: redirect ?? null,
      challenge: challenge ?? null,
      userId: linker?.userId ?? null,
      sessionId: linker?.sessionId ?? null,
      passwordMac: linker?.passwordMac ?? null,
      expiresAt: new Date(Date.now() + lifetime).toISOString(),
    }
    return [this.#sql.begin, args]
  }

  /**
   * The attempt with this state, used up whatever comes of it.
   *
   * @throws {LoginRefusal} when there is none, or it is of another provider (mix-up, RFC 9700 section 4.4), of another
   * browser, or too old.
   */
  async take(state: string | undefined, provider: string, browser: string | undefined): Promise<Attempt> {
    if (state === undefined) throw notBegun('no state')
    const macs = macArguments(this.#secrets.macs(statePurpose, state))
    const [rows = []] = await this.#engine.write([[this.#sql.take, macs]])
    const row = rows[0] as AttemptRow | undefined
    if (row === undefined) throw notBegun('unknown state')
    if (row.provider !== provider) throw notBegun('state of another provider')
    if (browser === undefined || !this.#secrets.hasMac(browserPurpose, browser, row.browserMac)) {
      throw notBegun('state of another browser')
    }
    if (row.expiresAt <= new Date().toISOString()) throw notBegun('expired state')
    const rest = JSON.parse(this.#secrets.open(sealPurpose, row.sealed)) as Omit<Handshake, 'state'>
    const { browserMac, redirect, challenge } = row
    const linker = linkerOf(row)
    return { handshake: { state, ...rest }, browserMac, redirect: redirect ?? undefined, challenge, linker }
  }
}

function linkerOf({ userId, sessionId, passwordMac }: AttemptRow): Linker | undefined {
  if (userId === null) return undefined
  if (sessionId === null || passwordMac === null) throw notBegun('link without a session')
  return { userId, sessionId, passwordMac }
}

/** One answer for all of them. */
function notBegun(reason: string): LoginRefusal {
  return refused(reason, 'This login was not begun in this browser, is finished, or took too long: begin again')
}
