/** Which user a provider's user is here. An identity is (issuer, subject); an address only says whom to link it to. */

import { randomBytes } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { Problem } from '../../errors.ts'
import { isEmail, normaliseEmail } from '../../schemas/email.ts'
import type { NoticeKind } from '../../schemas/notice.ts'
import { type Command, UnexpectedRows, UniqueViolation } from '../../storage/storage.ts'
import type { Store } from '../../storage/store.ts'
import { type Caller, isVerified, masked, mayRecover } from '../account-parts.ts'
import type { Person } from '../account-sql.ts'
import { AccountTokens } from '../account-tokens.ts'
import type { Audit } from '../audit.ts'
import type { Notices } from '../notices.ts'
import type { Secrets } from '../secrets.ts'
import type { Sessions } from '../sessions.ts'
import { type Identity, IdentitySql, type Known } from './identity-sql.ts'
import { disabled, type Linker, type Linkers } from './linkers.ts'
import type { Provider, ProviderUser } from './provider.ts'
import { refused } from './refusal.ts'

const Created = Type.Object({ id: Type.Integer() })
const longestName = 200
const longestEmail = 254
/** Lower-cased it is a `k`: an address with it would be taken for another one. */
const kelvin = '\u212a'
const unusable = 'This account cannot be used'
const hasUnlinked = 'This login was unlinked from its account: sign in another way, and link it again from there'
const ofAnother = 'This login belongs to another account'
const linkFromThere = 'There is an account with this address: sign in to it, and link this login from there'
/** What changes between a look and a write is looked at again. */
const tries = 3

export interface IdentitiesOptions {
  store: Store
  secrets: Secrets
  audit: Audit
  notices: Pick<Notices, 'compose' | 'commands' | 'announce'>
  /** Whose users can sign in. */
  issuers: readonly string[]
  sessions: Pick<Sessions, 'revocations' | 'forgetVerified'>
  linkers: Linkers
  /** Whether anybody may make an account. */
  signUp: boolean
}

/** A provider's user who is not known here yet, with an address that can be trusted. */
interface Newcomer {
  provider: Provider
  user: ProviderUser
  email: string
  emailKey: string
  caller: Caller
  /** The id of the identity that is to be. */
  id: string
  /** What belongs to the same write, behind the identity. */
  further: readonly Command[]
}

export class Identities {
  readonly #options: IdentitiesOptions
  readonly #sql: IdentitySql
  readonly #tokens: AccountTokens

  constructor(options: IdentitiesOptions) {
    this.#options = options
    const { engine } = options.store
    this.#sql = new IdentitySql(engine.dialect, options.issuers)
    this.#tokens = new AccountTokens(engine, options.secrets)
  }

  /**
   * Finds the user, or links the identity to one: to the account that has verified the address, to one that has not
   * after whatever its maker left has been taken out of it, or to a new one; where a user links it, to that user.
   * Writes `further` along with that.
   *
   * @throws {LoginRefusal} for a disabled account, an address that is not verified, an identity that its user has
   * unlinked, or that is another's, an administrator's address, where signing up is not offered, and for a link that has
   * outlived what it was begun with.
   */
  async enter(
    provider: Provider,
    user: ProviderUser,
    caller: Caller,
    further: readonly Command[],
    linker?: Linker,
  ): Promise<void> {
    for (let left = tries; ; left--) {
      try {
        return await this.#enter(provider, user, caller, further, linker)
      } catch (error) {
        if (!isRace(error)) throw error
        if (left === 1) throw new Problem('unavailable', 'The account is being changed: try again', { cause: error })
      }
    }
  }

  /** Commands that hold while the account can be used, and say when the identity was. */
  use(id: string, userId: number): Command[] {
    return [
      [this.#sql.hold, { userId }, 1],
      [this.#sql.use, { id, now: new Date().toISOString() }, 1],
    ]
  }

  async list(userId: number): Promise<Identity[]> {
    return this.#options.store.engine.all<Identity>(this.#sql.list, { userId })
  }

  /**
   * Takes an identity from a user, and ends the other sessions: one may have been begun with it.
   *
   * @throws {Problem} `not-found`; `conflict` for the last way to sign in.
   */
  async unlink(id: string, userId: number, sessionId: string | undefined, caller: Caller): Promise<void> {
    const { store, audit, sessions } = this.#options
    const { engine } = store
    const person = await engine.first<Person>(this.#sql.personById, { userId })
    if (person === undefined || (await engine.first(this.#sql.exists, { id, userId })) === undefined) {
      throw new Problem('not-found', 'Identity not found')
    }
    const { principal } = caller
    const event = { type: 'identity.unlinked', outcome: 'success', principal, target: `identity:${id}` } as const
    // Two that are unlinked at once wait for each other here.
    const hold: Command = [this.#sql.hold, { userId }, 1]
    const { notice, keep } = this.#notice('identity-unlinked', person, caller)
    const commands = [audit.command(event, caller), ...keep, ...sessions.revocations(userId, sessionId)]
    const unlinking: Command[] = [
      [this.#sql.keepUnlinked, { id, userId }],
      [this.#sql.unlink, { id, userId }, 1],
    ]
    await engine.write([hold, ...unlinking, ...commands]).catch((error: unknown) => {
      throw error instanceof UnexpectedRows ? lastWay(error) : error
    })
    sessions.forgetVerified(userId, sessionId)
    await this.#options.notices.announce(notice)
  }

  async #enter(
    provider: Provider,
    user: ProviderUser,
    caller: Caller,
    further: readonly Command[],
    linker: Linker | undefined,
  ): Promise<void> {
    const { store, linkers } = this.#options
    const { engine } = store
    const { issuer, subject } = user
    const link = linker && (await linkers.check(linker))
    const known = await engine.first<Known>(this.#sql.find, { issuer, subject })
    if (known !== undefined) {
      if (known.role === null || known.disabledAt !== null) throw disabled(known.userId)
      if (linker !== undefined && linker.userId !== known.userId)
        throw refused('identity of another', ofAnother, linker.userId)
      await engine.write(link === undefined ? further : [link.hold, ...further])
      return
    }
    const id = randomBytes(16).toString('base64url')
    if (link !== undefined)
      return this.#linkTo({ provider, user, caller, id, further, ...anyAddress(user) }, link.person, link.hold)
    const unlinked = await engine.first<{ userId: number }>(this.#sql.unlinked, { issuer, subject })
    if (unlinked !== undefined) throw refused('unlinked by its user', hasUnlinked, unlinked.userId)
    const email = trustedAddress(provider, user)
    const emailKey = normaliseEmail(email)
    const newcomer = { provider, user, email, emailKey, caller, id, further }
    const person = await engine.first<Person>(this.#sql.personByAddress, { emailKey })
    if (person === undefined) await this.#signUp(newcomer)
    else if (person.disabledAt !== null) throw disabled(person.userId)
    else if (isVerified(person) && person.role === 'admin')
      throw refused('address of an administrator', linkFromThere, person.userId)
    else if (isVerified(person)) await this.#link(newcomer, person)
    else await this.#claim(newcomer, person)
  }

  async #signUp(newcomer: Newcomer): Promise<void> {
    const { store, audit, signUp } = this.#options
    if (!signUp) throw refused('signing up is not offered', 'Signing up is not offered here')
    const { email, emailKey, caller, provider, user } = newcomer
    const { principal } = caller
    const detail = `${provider.id}: ${masked(email)}`
    const signedUp = audit.command({ type: 'account.signed-up', outcome: 'success', principal, detail }, caller)
    const account: Command = [this.#sql.createAccount, { emailKey, now: new Date().toISOString() }, 1]
    const name = nameOf(user, email)
    const { notice, keep } = this.#notice('welcome', { email, name }, caller)
    const commands = [account, signedUp, ...this.#linking(newcomer, principal), ...keep, ...newcomer.further]
    await store.named('users').insert(Created, { name, email }, undefined, commands)
    await this.#options.notices.announce(notice)
  }

  async #link(newcomer: Newcomer, person: Person): Promise<void> {
    const { notice, keep } = this.#notice('identity-linked', person, newcomer.caller)
    const linking = this.#linking(newcomer, { id: `user:${person.userId}` })
    await this.#options.store.engine.write([...linking, ...keep, ...newcomer.further])
    await this.#options.notices.announce(notice)
  }

  /** For a user who has signed in and asks for it: whatever the address, and though it was unlinked before. */
  async #linkTo(newcomer: Newcomer, person: Person, hold: Command): Promise<void> {
    const { userId } = person
    const { issuer, subject } = newcomer.user
    const { notice, keep } = this.#notice('identity-linked', person, newcomer.caller)
    const linking = this.#linking(newcomer, { id: `user:${userId}` }, userId)
    const forget: Command = [this.#sql.forgetUnlinked, { issuer, subject }]
    await this.#options.store.engine.write([hold, forget, ...linking, ...keep, ...newcomer.further])
    await this.#options.notices.announce(notice)
  }

  /** A message to the user, and the commands that keep it. */
  #notice(kind: NoticeKind, { email, name }: Pick<Person, 'email' | 'name'>, caller: Caller) {
    const { notices } = this.#options
    const notice = notices.compose({ kind, recipient: email, name }, caller)
    return { notice, keep: notices.commands(notice) }
  }

  /**
   * Somebody who does not read the address may have made the account, and wait for its reader to verify it
   * (pre-hijacking). Nothing of theirs stays: password, tokens, sessions, keys, identities.
   */
  async #claim(newcomer: Newcomer, person: Person): Promise<void> {
    const { store, audit, sessions } = this.#options
    const { userId } = person
    if (!mayRecover(person)) throw refused('address changed, not verified', unusable, userId)
    const { emailKey, caller } = newcomer
    const target = `user:${userId}`
    const principal = { id: target }
    const args = { userId, emailKey, now: new Date().toISOString() }
    const detail = 'by a login: what the account had before is taken out'
    const verified = { type: 'email.verified', outcome: 'success', principal, target, detail } as const
    const { notice, keep } = this.#notice('welcome', person, caller)
    await store.engine.write([
      [this.#sql.claimAccount, args, 1],
      this.#tokens.forgetAllOf(userId),
      [this.#sql.forgetAll, { userId }],
      ...sessions.revocations(userId),
      audit.command(verified, caller),
      ...this.#linking(newcomer, principal),
      ...keep,
      ...newcomer.further,
    ])
    sessions.forgetVerified(userId)
    await this.#options.notices.announce(notice)
  }

  /** To the user whose verified address it is, or to `userId`. */
  #linking(
    { provider, user, email, emailKey, caller, id }: Newcomer,
    principal: { id: string },
    userId?: number,
  ): Command[] {
    const { issuer, subject } = user
    const now = new Date().toISOString()
    const row = { id, provider: provider.id, issuer, subject, email, now }
    const linked = { type: 'identity.linked', outcome: 'success', principal, target: `identity:${id}` } as const
    return [
      userId === undefined ? [this.#sql.link, { ...row, emailKey }, 1] : [this.#sql.linkTo, { ...row, userId }, 1],
      this.#options.audit.command({ ...linked, detail: `${provider.id}: ${masked(email)}` }, caller),
    ]
  }
}

/** What is shown of an identity that is linked whatever its address. */
function anyAddress({ email = '' }: ProviderUser): { email: string; emailKey: string } {
  const shown = email.length <= longestEmail && email.isWellFormed() && isEmail(email) ? email : ''
  return { email: shown, emailKey: normaliseEmail(shown) }
}

/** The address, if the provider says that it is the user's. */
function trustedAddress({ label }: Provider, { email, emailVerified }: ProviderUser): string {
  if (email === undefined || !emailVerified) {
    throw refused('address not verified', `${label} does not say that your address is verified: verify it there first`)
  }
  if (email.length > longestEmail || !email.isWellFormed() || !isEmail(email) || email.includes(kelvin)) {
    throw refused('address malformed', `${label} gives an address that cannot be used here`)
  }
  return email
}

/** The name at the provider, else what is before the `@`. */
function nameOf({ name = '' }: ProviderUser, email: string): string {
  const clean = name
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, ' ')
    .trim()
  return [...(clean || email.slice(0, email.lastIndexOf('@')))].slice(0, longestName).join('')
}

/** Somebody has linked, made, verified or changed the same meanwhile. */
function isRace(error: unknown): boolean {
  if (error instanceof UnexpectedRows || error instanceof UniqueViolation) return true
  return error instanceof Problem && error.code === 'conflict'
}

function lastWay(cause: unknown): Problem {
  const detail = 'This is the last way to sign in: set a password first, or link another identity'
  return new Problem('conflict', detail, { cause })
}
