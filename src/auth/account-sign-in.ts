/** Signing in: one answer and one time for whatever is wrong, and guessing made slow. */

import { unauthenticated } from '../contract/access.ts'
import { normaliseEmail } from '../schemas/email.ts'
import { type Command, UnexpectedRows } from '../storage/storage.ts'
import { type AccountParts, type Caller, isVerified, masked, targetOf } from './account-parts.ts'
import type { Person, Role } from './account-sql.ts'
import type { Notice } from './notices.ts'
import { isOutdated } from './passwords.ts'
import type { Attempt } from './throttle.ts'

export interface SignInInput {
  email: string
  password: string
}

/** Who has signed in, and what they may do. */
export interface SignedIn {
  userId: number
  scopes: readonly string[]
  /** To be written with the session: it holds only while the password is the one that was checked. */
  proof: readonly Command[]
}

type Account = Person & { role: Role; passwordHash: string }

/** What is known after the password was right. */
interface Entry {
  person: Account
  /** How often the address had failed before. */
  failed: number
  /** A hash with the parameters in force, where the stored one has others. */
  renewed: string | undefined
}

export class SignIns {
  readonly #parts: AccountParts
  readonly #scopesOf: (role: Role) => readonly string[]

  constructor(parts: AccountParts, scopesOf: (role: Role) => readonly string[]) {
    this.#parts = parts
    this.#scopesOf = scopesOf
  }

  /**
   * @throws {Problem} `unauthenticated` for an unknown address, a wrong password, an address that is not verified (which
   * then gets its message again) and a disabled account alike; `rate-limited` while locked; `unavailable`.
   */
  async signIn(input: SignInInput, caller: Caller): Promise<SignedIn> {
    const attempt = { emailKey: normaliseEmail(input.email), ip: caller.ip }
    await this.#parts.throttle.check(attempt)
    const entry = await this.#enter(input, attempt, caller)
    const { person, renewed } = entry
    // Somebody else has set a hash meanwhile: the password is checked against that one.
    if (renewed && !(await this.#renew(person, renewed))) return this.signIn(input, caller)
    const { userId, role } = person
    return { userId, scopes: this.#scopesOf(role), proof: this.#proof(entry, attempt, caller) }
  }

  #enter({ email, password }: SignInInput, attempt: Attempt, caller: Caller): Promise<Entry> {
    const { throttle, passwords } = this.#parts
    return passwords.inTurn(caller, async (turn) => {
      // Guesses that have waited together meet the lock that the first of them caused.
      const failed = await throttle.check(attempt)
      const person = await this.#parts.byAddress(attempt.emailKey)
      const right = await turn.verify(person?.passwordHash, password)
      if (!canEnter(person, right)) return this.#refuse(attempt, email, person, right, caller)
      const renewed = isOutdated(person.passwordHash) ? await turn.hash(password) : undefined
      return { person, failed, renewed }
    })
  }

  /** Whether the hash with the parameters in force has taken the place of the one that was read. */
  async #renew({ userId, passwordHash: replaced }: Account, passwordHash: string): Promise<boolean> {
    const hold: Command = [this.#parts.sql.holdHash, { userId, passwordHash, replaced }, 1]
    return this.#parts.engine.write([hold]).then(
      () => true,
      (error: unknown) => {
        if (error instanceof UnexpectedRows) return false
        throw error
      },
    )
  }

  #proof({ person, failed, renewed }: Entry, attempt: Attempt, caller: Caller): Command[] {
    const { audit, throttle, sql } = this.#parts
    const { userId } = person
    const passwordHash = renewed ?? person.passwordHash
    const target = targetOf(person)
    const succeeded = { type: 'sign-in.succeeded', outcome: 'success', principal: { id: target }, target } as const
    return [
      [sql.holdHash, { userId, passwordHash, replaced: passwordHash }, 1],
      audit.command(succeeded, caller),
      ...(failed > 0 ? [throttle.clear(attempt)] : []),
    ]
  }

  /** Counts and records the failure in one write, whatever its reason. */
  async #refuse(
    attempt: Attempt,
    email: string,
    person: Person | undefined,
    right: boolean,
    caller: Caller,
  ): Promise<never> {
    const { engine, audit, throttle, notices } = this.#parts
    const about = { outcome: 'failure', principal: caller.principal, target: person && targetOf(person) } as const
    const detail = `${reasonOf(person, right)}: ${masked(email)}`
    const commands = [...throttle.failure(attempt), audit.command({ ...about, type: 'sign-in.failed', detail }, caller)]
    const again = person && right ? this.#verification(person, caller) : undefined
    const [counted] = await engine.write([...commands, ...(again?.commands ?? [])])
    if (again) await notices.announce(again.notice)
    if (throttle.locks(counted)) await audit.record({ ...about, type: 'sign-in.locked', detail: masked(email) }, caller)
    throw unauthenticated('The address or the password is wrong')
  }

  /** The message that verifies the address, once more; another address than the one that was verified, too. */
  #verification(person: Person, caller: Caller): { notice: Notice; commands: Command[] } | undefined {
    if (isVerified(person) || person.disabledAt !== null) return undefined
    const { counts, ...limit } = this.#parts.limit('verify-email', person.emailKey, caller)
    const { notice, commands } = this.#parts.tokenNotice(
      'verify-email',
      person,
      limit,
      caller,
      person.passwordHash ?? undefined,
    )
    return { notice, commands: [...counts, ...commands] }
  }
}

function canEnter(person: Person | undefined, right: boolean): person is Account {
  return person !== undefined && right && person.role !== null && person.disabledAt === null && isVerified(person)
}

/** For the audit trail alone. */
function reasonOf(person: Person | undefined, right: boolean): string {
  if (person === undefined) return 'unknown address'
  if (person.role === null) return 'user without an account'
  if (!right) return 'wrong password'
  return person.disabledAt === null ? 'address not verified' : 'account disabled'
}
