/** What the operations on accounts share: the storage, who writes to people, and who counts what they do. */

import type { TObject } from '@sinclair/typebox'
import type { Eventually } from '../contract/eventually.ts'
import type { Principal } from '../contract/principal.ts'
import type { NoticeKind } from '../schemas/notice.ts'
import type { Collection } from '../storage/collection.ts'
import type { Command, Storage } from '../storage/storage.ts'
import type { Store } from '../storage/store.ts'
import { Allowances } from './account-allowances.ts'
import { AccountSql, type Person } from './account-sql.ts'
import { AccountTokens, type TokenPurpose } from './account-tokens.ts'
import { Afterwards } from './afterwards.ts'
import type { Audit, Origin } from './audit.ts'
import type { Notice, NoticeLimit, Notices, Speaker } from './notices.ts'
import { Passwords } from './passwords.ts'
import type { Secrets } from './secrets.ts'
import { networkOf, Throttle } from './throttle.ts'

/** Who asks, and from where. */
export type Caller = Origin & Speaker & { principal: Pick<Principal, 'id'> }

/** Messages of one kind to one address within an hour: as one caller may cause them, and all together. */
const noticesAnHour = 3
const noticesOfAllAnHour = 12

export class AccountParts {
  readonly engine: Storage
  readonly sql: AccountSql
  readonly audit: Audit
  readonly notices: Notices
  readonly tokens: AccountTokens
  readonly throttle: Throttle
  readonly allowances: Allowances
  readonly passwords = new Passwords()
  readonly afterwards = new Afterwards()
  readonly #store: Store

  constructor(store: Store, secrets: Secrets, audit: Audit, notices: Notices) {
    const { engine } = store
    this.#store = store
    this.engine = engine
    this.sql = new AccountSql(engine.dialect)
    this.audit = audit
    this.notices = notices
    this.tokens = new AccountTokens(engine, secrets)
    this.throttle = new Throttle(engine, secrets)
    this.allowances = new Allowances(engine, secrets)
  }

  /** The resource whose rows accounts belong to. */
  get users(): Collection<TObject> {
    return this.#store.named('users')
  }

  byAddress(emailKey: string): Eventually<Person | undefined> {
    return this.engine.first<Person>(this.sql.byAddress, { emailKey })
  }

  byId(userId: number): Eventually<Person | undefined> {
    return this.engine.first<Person>(this.sql.byId, { userId })
  }

  /**
   * What limits the notices of a kind to an address, and the commands that count one more. What a caller wants beyond
   * its own share does not count against that of all: one who asks again and again uses up nobody else's.
   */
  limit(kind: NoticeKind, emailKey: string, { ip }: Pick<Caller, 'ip'>): NoticeLimit & { counts: Command[] } {
    const { allowances } = this
    const own = {
      allowance: allowances.subject(`${kind} by caller`, `${emailKey} ${networkOf(ip)}`),
      limit: noticesAnHour,
    }
    const all = allowances.subject(kind, emailKey)
    const counts = [allowances.use(own.allowance), allowances.useWithin(own, all)]
    return { ...own, allowanceOfAll: all, limitOfAll: noticesOfAllAnHour, counts }
  }

  /** A notice with a token, both kept within the limit; `passwordHash` becomes the account's when the token is used. */
  tokenNotice(
    kind: TokenPurpose,
    { name, email, emailKey }: Pick<Person, 'name' | 'email' | 'emailKey'>,
    limit: NoticeLimit,
    caller: Speaker,
    passwordHash?: string,
  ): { notice: Notice; commands: Command[] } {
    const token = this.tokens.create(kind)
    const { text, expiresAt } = token
    const notice = this.notices.compose({ kind, recipient: email, name, token: text, expiresAt }, caller)
    const keep = this.tokens.keep(token, emailKey, notice.id, passwordHash)
    return { notice, commands: [...this.notices.commands(notice, limit), keep] }
  }
}

/** Whether the present address of the user is the one that was verified. */
export function isVerified({ emailKey, verifiedEmailKey }: Pick<Person, 'emailKey' | 'verifiedEmailKey'>): boolean {
  return verifiedEmailKey === emailKey
}

/**
 * Whether whoever reads the user's address may be trusted with the account. Not so once the address was changed after
 * it had been verified: a principal with `users:write` could take any account over.
 */
export function mayRecover(person: Pick<Person, 'disabledAt' | 'emailKey' | 'verifiedEmailKey'>): boolean {
  if (person.disabledAt !== null) return false
  return person.verifiedEmailKey === null || isVerified(person)
}

/** `m…@example.com`: enough to recognise an address that one knows. */
export function masked(email: string): string {
  const [first = ''] = email
  return `${first}…${email.slice(email.lastIndexOf('@'))}`
}

export function targetOf({ userId }: Pick<Person, 'userId'>): string {
  return `user:${userId}`
}
