/** Setting another password: with a token that the address got, or with the present password. */

import type { Principal } from '../contract/principal.ts'
import { Problem } from '../errors.ts'
import { normaliseEmail } from '../schemas/email.ts'
import { type Command, orConflict } from '../storage/storage.ts'
import { type AccountParts, type Caller, masked, mayRecover, targetOf } from './account-parts.ts'
import { invalidToken, refuseToken } from './account-sign-up.ts'
import type { Person } from './account-sql.ts'
import type { Origin } from './audit.ts'
import type { Notice } from './notices.ts'
import { refuseWeak } from './password-rules.ts'
import { normalise } from './passwords.ts'
import type { Sessions } from './sessions.ts'
import { networkOf } from './throttle.ts'

/** From one caller within an hour. */
const requestsAnHour = 30

export interface PasswordReset {
  token: string
  password: string
}

export interface PasswordChange {
  currentPassword: string
  newPassword: string
}

/** How the sessions of a user end, in the write of a change and after it. */
export type SessionEnd = Pick<Sessions, 'revocation' | 'revocations' | 'forgetVerified'>

export class Recovery {
  readonly #parts: AccountParts

  constructor(parts: AccountParts) {
    this.#parts = parts
  }

  /**
   * Sends a token to an address that a user has: it sets the password, and makes an account for a user without one.
   * An unknown address gets nothing. The caller is answered before anything is looked up: no time tells them apart.
   *
   * @throws {Problem} `rate-limited` by caller.
   */
  async requestReset(email: string, caller: Caller): Promise<void> {
    const { allowances, afterwards } = this.#parts
    await allowances.spend(allowances.subject('reset', networkOf(caller.ip)), requestsAnHour)
    const { id, ip, principal, headers } = caller
    afterwards.run(() => this.#sendReset(email, { id, ip, principal, headers }))
  }

  async #sendReset(email: string, caller: Caller): Promise<void> {
    const { engine, notices, audit } = this.#parts
    const emailKey = normaliseEmail(email)
    const person = await this.#parts.byAddress(emailKey)
    const { counts, ...limit } = this.#parts.limit('reset-password', emailKey, caller)
    const reachable = person !== undefined && mayRecover(person)
    const sending = reachable ? this.#parts.tokenNotice('reset-password', person, limit, caller) : undefined
    const outcome = reachable ? 'success' : 'failure'
    const event = {
      type: 'password.reset-requested',
      outcome,
      principal: caller.principal,
      target: person && targetOf(person),
      detail: masked(email),
    } as const
    const commands = sending?.commands ?? [notices.none('reset-password')]
    await engine.write([...counts, ...commands, audit.command(event, caller)])
    if (sending) await notices.announce(sending.notice)
  }

  /**
   * Sets the password with a token, takes the address as verified, lifts its lock, ends all sessions of the user, and
   * unlinks its identities: whose address is verified is linked again by a login.
   *
   * @throws {Problem} `validation-failed` for a token that is not good, or a weak password.
   */
  async reset({ token: text, password }: PasswordReset, sessions: SessionEnd, caller: Caller): Promise<void> {
    const { tokens, passwords, engine, sql, throttle, notices } = this.#parts
    const token = await tokens.find('reset-password', text)
    const person = token && (await this.#parts.byId(token.userId))
    if (token === undefined || person === undefined) throw invalidToken()
    refuseWeak(password, person, 'password')
    const { userId, emailKey } = token
    const passwordHash = await passwords.hash(password, caller)
    const { notice, commands } = this.#changed(person, 'password.reset', { id: targetOf(person) }, caller)
    const now = new Date().toISOString()
    const adopt: Command = [sql.adopt, { userId, emailKey, passwordHash, now }, 1]
    const unlink: Command = [sql.forgetIdentities, { userId }]
    const change = [adopt, unlink, throttle.clear({ emailKey }), ...commands, ...sessions.revocations(userId)]
    await engine.write([...tokens.use(token), ...change]).catch(refuseToken)
    sessions.forgetVerified(userId)
    await notices.announce(notice)
  }

  /**
   * Sets the password of the user who has signed in, and ends the other sessions.
   *
   * @throws {Problem} `validation-failed` for a wrong present password, a weak new one or the same again; `forbidden` for who is no
   * user; `rate-limited` while locked; `conflict` when it was changed at the same moment.
   */
  async change(change: PasswordChange, sessions: SessionEnd, caller: Origin & { principal: Principal }): Promise<void> {
    const { engine, sql, tokens, passwords, notices } = this.#parts
    const { principal } = caller
    const person = await this.#own(principal)
    refuseWeak(change.newPassword, person, 'newPassword')
    if (normalise(change.newPassword) === normalise(change.currentPassword)) throw samePassword()
    await this.#check(person, change.currentPassword, caller)
    const passwordHash = await passwords.hash(change.newPassword, caller)
    const { userId, passwordHash: replaced } = person
    const { notice, commands } = this.#changed(person, 'password.changed', principal, caller)
    const replace: Command = [sql.replaceHash, { userId, passwordHash, replaced, now: new Date().toISOString() }, 1]
    const revocations = sessions.revocations(userId, principal.sessionId)
    await engine
      .write([replace, tokens.forgetAllOf(userId), ...commands, ...revocations])
      .catch(orConflict('The password was changed at the same moment'))
    sessions.forgetVerified(userId, principal.sessionId)
    await notices.announce(notice)
  }

  async #own({ kind, userId }: Principal): Promise<Person> {
    const person = kind === 'user' && userId !== undefined ? await this.#parts.byId(userId) : undefined
    if (person === undefined) throw new Problem('forbidden', 'Only a user who has signed in can do this')
    return person
  }

  /** Whoever has a user's session may not try out passwords with it: failures count as those of signing in do. */
  async #check(person: Person, password: string, caller: Caller): Promise<void> {
    const { engine, audit, throttle, passwords } = this.#parts
    const attempt = { emailKey: person.emailKey, ip: caller.ip }
    await throttle.check(attempt)
    await passwords.inTurn(caller, async (turn) => {
      await throttle.check(attempt)
      if (await turn.verify(person.passwordHash, password)) return
      const { principal } = caller
      const target = targetOf(person)
      const event = {
        type: 'password.changed',
        outcome: 'failure',
        principal,
        target,
        detail: 'wrong password',
      } as const
      await engine.write([...throttle.failure(attempt), audit.command(event, caller)])
      throw wrongPassword()
    })
  }

  /** What every change of a password leaves behind: an entry, and a message to its owner. */
  #changed(
    person: Person,
    type: string,
    principal: Pick<Principal, 'id'>,
    caller: Caller,
  ): { notice: Notice; commands: Command[] } {
    const { audit, notices } = this.#parts
    const notice = notices.compose({ kind: 'password-changed', recipient: person.email, name: person.name }, caller)
    const event = audit.command({ type, outcome: 'success', principal, target: targetOf(person) }, caller)
    return { notice, commands: [...notices.commands(notice), event] }
  }
}

function wrongPassword(): Problem {
  return new Problem('validation-failed', 'The present password is wrong', {
    errors: [{ in: 'body', pointer: '/currentPassword', detail: 'must be the present password' }],
  })
}

function samePassword(): Problem {
  return new Problem('validation-failed', 'The new password is the present one', {
    errors: [{ in: 'body', pointer: '/newPassword', detail: 'must be another password than the present one' }],
  })
}
