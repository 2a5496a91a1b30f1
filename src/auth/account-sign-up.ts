/** Making an account and verifying its address. Nobody learns from it whether an address is known. */

import { Type } from '@sinclair/typebox'
import { Problem } from '../errors.ts'
import { normaliseEmail } from '../schemas/email.ts'
import { type Command, UnexpectedRows } from '../storage/storage.ts'
import { type AccountParts, type Caller, masked, targetOf } from './account-parts.ts'
import type { Person } from './account-sql.ts'
import type { TokenRow } from './account-tokens.ts'
import type { Notice, NoticeLimit } from './notices.ts'
import { refuseWeak } from './password-rules.ts'
import { networkOf } from './throttle.ts'

/** From one caller within an hour. */
const signUpsAnHour = 30

const Created = Type.Object({ id: Type.Integer() })

export interface SignUpInput {
  name: string
  email: string
  password: string
}

/** The token of a message, and the password that was chosen when it was asked for. */
export interface EmailProof {
  token: string
  password: string
}

/** What a sign-up has come to, before it is written. */
interface Prepared {
  input: SignUpInput
  emailKey: string
  passwordHash: string
  limit: NoticeLimit & { counts: Command[] }
  caller: Caller
}

export class SignUps {
  readonly #parts: AccountParts
  readonly #offered: boolean

  constructor(parts: AccountParts, offered: boolean) {
    this.#parts = parts
    this.#offered = offered
  }

  /**
   * Makes a user and an account in one write, and writes to its address. An address that is known gets a message only;
   * a user without an account, or whose account was never verified, can take it by that message, with this password.
   *
   * @throws {Problem} `forbidden` where signing up is not offered; `validation-failed` for a weak password; `rate-limited`.
   */
  async signUp(input: SignUpInput, caller: Caller): Promise<void> {
    if (!this.#offered) throw new Problem('forbidden', 'Signing up is not offered here')
    const { allowances, passwords } = this.#parts
    refuseWeak(input.password, input, 'password')
    await allowances.spend(allowances.subject('sign-up', networkOf(caller.ip)), signUpsAnHour)
    const emailKey = normaliseEmail(input.email)
    const passwordHash = await passwords.hash(input.password, caller)
    const limit = this.#parts.limit('verify-email', emailKey, caller)
    const prepared = { input, emailKey, passwordHash, limit, caller }
    const known = await this.#parts.byAddress(emailKey)
    if (known) return this.#write(this.#known(prepared, known))
    // Of two sign-ups at once, the second meets the user that the first has made.
    if (await this.#createUser(prepared)) return
    const made = await this.#parts.byAddress(emailKey)
    if (made) await this.#write(this.#known(prepared, made))
  }

  /**
   * Takes the address that a token was sent to as verified, for who knows the password that the token was asked for
   * with: the owner of an address cannot complete what a stranger has begun with it. A new account is welcomed.
   *
   * @throws {Problem} `validation-failed` for a token that is unknown, used, expired, or of an address that has changed,
   * and for another password, which leaves the token good; `rate-limited` while address or caller is locked.
   */
  async verifyEmail({ token: text, password }: EmailProof, caller: Caller): Promise<void> {
    const { tokens, engine, audit, sql } = this.#parts
    const token = await tokens.find('verify-email', text)
    if (token === undefined) throw invalidToken()
    await this.#check(token, password, caller)
    const { userId, emailKey, passwordHash } = token
    const now = new Date().toISOString()
    const target = targetOf(token)
    const person = await this.#parts.byId(userId)
    const welcome = person?.emailVerifiedAt === null ? this.#welcome(person, caller) : undefined
    const commands: Command[] = [
      ...tokens.use(token),
      [sql.verify, { userId, emailKey, passwordHash, now }, 1],
      audit.command({ type: 'email.verified', outcome: 'success', principal: { id: target }, target }, caller),
      ...(welcome === undefined ? [] : this.#parts.notices.commands(welcome)),
    ]
    await engine.write(commands).catch(refuseToken)
    if (welcome) await this.#parts.notices.announce(welcome)
  }

  #welcome({ email, name }: Person, caller: Caller): Notice {
    return this.#parts.notices.compose({ kind: 'welcome', recipient: email, name }, caller)
  }

  /** Whether the password is the token's. Failures count as those of signing in do. */
  async #check(token: TokenRow, password: string, caller: Caller): Promise<void> {
    const { engine, audit, throttle, passwords } = this.#parts
    const attempt = { emailKey: token.emailKey, ip: caller.ip }
    await throttle.check(attempt)
    await passwords.inTurn(caller, async (turn) => {
      await throttle.check(attempt)
      if (await turn.verify(token.passwordHash, password)) return
      const { principal } = caller
      const about = { outcome: 'failure', principal, target: targetOf(token) } as const
      const event = audit.command({ ...about, type: 'email.verified', detail: 'wrong password' }, caller)
      await engine.write([...throttle.failure(attempt), event])
      throw invalidToken()
    })
  }

  /** Whether the user could be made; not when the address has been taken meanwhile. */
  async #createUser({ input, emailKey, passwordHash, limit, caller }: Prepared): Promise<boolean> {
    const { users, notices } = this.#parts
    const { name, email } = input
    const person = { name, email, emailKey }
    const { notice, commands } = this.#parts.tokenNotice('verify-email', person, limit, caller, passwordHash)
    const all = [
      this.#create(emailKey, passwordHash, true),
      ...limit.counts,
      ...commands,
      this.#event(input, 'success', 'new user', caller),
    ]
    try {
      await users.insert(Created, { name, email }, undefined, all)
    } catch (error) {
      if (error instanceof Problem && error.code === 'conflict') return false
      throw error
    }
    await notices.announce(notice)
    return true
  }

  #known({ input, emailKey, passwordHash, limit, caller }: Prepared, person: Person): [Notice, Command[]] {
    const { email, name } = person
    if (person.emailVerifiedAt === null && person.disabledAt === null) {
      const { notice, commands } = this.#parts.tokenNotice('verify-email', person, limit, caller, passwordHash)
      const event = this.#event(input, 'success', 'user without a verified account', caller, person)
      return [notice, [this.#create(emailKey, passwordHash), ...limit.counts, ...commands, event]]
    }
    const notice = this.#parts.notices.compose({ kind: 'sign-up-attempt', recipient: email, name }, caller)
    const event = this.#event(input, 'failure', 'address has an account', caller, person)
    return [notice, [...limit.counts, ...this.#parts.notices.commands(notice, limit), event]]
  }

  async #write([notice, commands]: [Notice, Command[]]): Promise<void> {
    await this.#parts.engine.write(commands)
    await this.#parts.notices.announce(notice)
  }

  /** `isNew`: whether the user is made along with its account, and may go with it. */
  #create(emailKey: string, passwordHash: string, isNew = false): Command {
    const now = new Date().toISOString()
    return [this.#parts.sql.create, { emailKey, passwordHash, now, signedUpAt: isNew ? now : null }]
  }

  #event(
    { email }: SignUpInput,
    outcome: 'success' | 'failure',
    reason: string,
    caller: Caller,
    person?: Person,
  ): Command {
    const target = person && targetOf(person)
    const detail = `${reason}: ${masked(email)}`
    const { principal } = caller
    return this.#parts.audit.command({ type: 'account.signed-up', outcome, principal, target, detail }, caller)
  }
}

/** One answer for all tokens that are not good. */
export function invalidToken(): Problem {
  return new Problem('validation-failed', 'The token is unknown, used or expired', {
    errors: [{ in: 'body', pointer: '/token', detail: 'must be a token that is still good' }],
  })
}

/** What a write that rests on a token failed for: it has been used meanwhile, or no longer fits its user. */
export function refuseToken(error: unknown): never {
  throw error instanceof UnexpectedRows ? invalidToken() : error
}
