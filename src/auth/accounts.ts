/** Accounts: which users may sign in, and what they may do. */

import { type Eventually, whenever } from '../contract/eventually.ts'
import { adminScope, type Principal } from '../contract/principal.ts'
import { Problem } from '../errors.ts'
import type { Migration } from '../schemas/collection.ts'
import type { NoticeKind } from '../schemas/notice.ts'
import { type Command, orConflict } from '../storage/storage.ts'
import { Abandoned, abandonedMigrations } from './account-abandoned.ts'
import { allowanceMigrations } from './account-allowances.ts'
import { AccountGuard } from './account-guard.ts'
import { type AccountParts, type Caller, isVerified, targetOf } from './account-parts.ts'
import { Recovery, type SessionEnd } from './account-recovery.ts'
import { SignIns } from './account-sign-in.ts'
import { SignUps } from './account-sign-up.ts'
import { accountMigrations, type Person, type Role } from './account-sql.ts'
import type { Afterwards } from './afterwards.ts'
import { refuseFleeting } from './fleeting.ts'
import type { Speaker } from './notices.ts'
import type { Passwords } from './passwords.ts'
import { throttleMigrations } from './throttle.ts'

export const migrations: readonly Migration[] = [
  ...accountMigrations,
  ...throttleMigrations,
  ...allowanceMigrations,
  ...abandonedMigrations,
]

export interface AccountSettings {
  /** What a member may do. */
  memberScopes: readonly string[]
  /** Whether anybody may make an account. */
  signUp: boolean
}

/** What may be changed of an account. */
export interface AccountInput {
  role: Role
  disabled: boolean
}

/** An account as administrators see it. */
export interface Account extends AccountInput {
  id: number
  emailVerified: boolean
  createdAt: string
  updatedAt: string
}

/** A user as it sees itself. */
export interface Profile {
  id: number
  name: string
  email: string
  emailVerified: boolean
  role: Role
}

export class Accounts {
  readonly signUps: SignUps
  readonly signIns: SignIns
  readonly recovery: Recovery
  readonly guard: AccountGuard
  readonly abandoned: Abandoned
  readonly #parts: AccountParts
  readonly #memberScopes: readonly string[]

  constructor(parts: AccountParts, { memberScopes, signUp }: AccountSettings) {
    this.#parts = parts
    this.#memberScopes = memberScopes
    this.signUps = new SignUps(parts, signUp)
    this.signIns = new SignIns(parts, (role) => this.#scopesOfRole(role))
    this.recovery = new Recovery(parts)
    this.guard = new AccountGuard(parts)
    this.abandoned = new Abandoned(parts)
  }

  /** The scopes that a user has now; nothing without an account, or with a disabled one. */
  scopesOf(userId: number): Eventually<readonly string[] | undefined> {
    const { engine, sql } = this.#parts
    const row = engine.first<Pick<Person, 'disabledAt'> & { role: Role }>(sql.access, { userId })
    return whenever(row, (account) =>
      account === undefined || account.disabledAt !== null ? undefined : this.#scopesOfRole(account.role),
    )
  }

  /** The user as it sees itself; nothing without an account. */
  profile(userId: number): Eventually<Profile | undefined> {
    return whenever(this.#parts.byId(userId), (person) => {
      if (person === undefined || person.role === null) return undefined
      const { userId: id, name, email, role } = person
      return { id, name, email, emailVerified: isVerified(person), role }
    })
  }

  /** @throws {Problem} `not-found` */
  async get(userId: number): Promise<Account> {
    return shown(await this.#account(userId))
  }

  /** A message to a user about what is done with the account, as commands of the write that does it. */
  async notice(kind: NoticeKind, userId: number, caller: Speaker): Promise<Command[]> {
    const person = await this.#parts.byId(userId)
    if (person === undefined) return []
    const { notices } = this.#parts
    return notices.commands(notices.compose({ kind, recipient: person.email, name: person.name }, caller))
  }

  /** For a write that rests on the account as it was read: it meets one row while that holds, and nobody changes it meanwhile. */
  unchanged({ id: userId, updatedAt }: Pick<Account, 'id' | 'updatedAt'>): Command {
    return [this.#parts.sql.hold, { userId, updatedAt }, 1]
  }

  /**
   * Sets role and lock. Where that changes what the user may do, its sessions end, and tokens of messages are void. What
   * else acts for the user is narrowed by itself.
   *
   * @throws {Problem} `forbidden` for a credential that does not last; `not-found`; `conflict` for an administrator
   * without a verified address, or a change at the same moment.
   */
  async update(
    userId: number,
    input: AccountInput,
    sessions: SessionEnd,
    caller: Caller & { principal: Principal },
  ): Promise<Account> {
    refuseFleeting(caller.principal)
    const before = await this.#account(userId)
    const { role, disabled } = input
    if (role === 'admin' && before.role !== 'admin' && !isVerified(before)) {
      throw new Problem('conflict', 'Only a user with a verified address can be an administrator')
    }
    const now = new Date().toISOString()
    const disabledAt = disabled ? (before.disabledAt ?? now) : null
    const events = this.#events(before, input, caller)
    if (events.length === 0) return shown(before)
    const was = { wasRole: before.role, wasDisabledAt: before.disabledAt ?? '' }
    const update: Command = [this.#parts.sql.update, { userId, role, disabledAt, now, ...was }, 1]
    const ends = [this.#parts.tokens.forgetAllOf(userId), ...sessions.revocation(userId)]
    await this.#parts.engine
      .write([update, ...events, ...ends])
      .catch(orConflict('The account was changed at the same moment'))
    sessions.forgetVerified(userId)
    return shown({ ...before, role, disabledAt, updatedAt: now })
  }

  /** Deletes what no longer counts: failures, uses, tokens and notices. */
  async forget(): Promise<void> {
    const { engine, throttle, allowances, tokens, notices } = this.#parts
    await engine.write([throttle, allowances, tokens, notices].map((part) => part.forget()))
  }

  get passwords(): Passwords {
    return this.#parts.passwords
  }

  /** What goes on after its answer. */
  get afterwards(): Afterwards {
    return this.#parts.afterwards
  }

  #scopesOfRole(role: Role): readonly string[] {
    return role === 'admin' ? [adminScope] : this.#memberScopes
  }

  async #account(userId: number): Promise<Person & { role: Role }> {
    const person = await this.#parts.byId(userId)
    if (person === undefined || person.role === null) throw new Problem('not-found', 'Account not found')
    return { ...person, role: person.role }
  }

  /** An entry for each thing that changes. */
  #events(before: Person, { role, disabled }: AccountInput, caller: Caller): Command[] {
    const about = { outcome: 'success', principal: caller.principal, target: targetOf(before) } as const
    const entry = (type: string, detail?: string) => this.#parts.audit.command({ ...about, type, detail }, caller)
    const events: Command[] = []
    if (role !== before.role) events.push(entry('account.role-changed', `${before.role} to ${role}`))
    if (disabled !== (before.disabledAt !== null)) events.push(entry(disabled ? 'account.disabled' : 'account.enabled'))
    return events
  }
}

function shown(person: Person & { role: Role }): Account {
  const { userId: id, role, disabledAt, createdAt, updatedAt } = person
  const disabled = disabledAt !== null
  return {
    id,
    role,
    disabled,
    emailVerified: isVerified(person),
    createdAt: createdAt ?? '',
    updatedAt: updatedAt ?? '',
  }
}
