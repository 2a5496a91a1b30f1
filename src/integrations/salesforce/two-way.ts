/** Brings a user and its contact to the same, whichever of them has changed. */

import type { Contact, Contacts } from './contacts.ts'
import type { Link, Links } from './links.ts'
import { areSame, type Values } from './mapping.ts'
import { merge, without } from './merge.ts'
import type { Reason, Sync, Told } from './one-way.ts'
import { NotSeen, Refusal, Unwanted } from './refusal.ts'
import type { Report } from './report.ts'
import type { Attempt, Session } from './session.ts'
import type { SalesforceSettings } from './settings.ts'
import type { Users, VersionedUser } from './users.ts'

export interface TwoWayParts {
  settings: SalesforceSettings
  session: Session
  contacts: Contacts
  users: Users
  links: Links
  report: Report
}

interface Pair {
  userId: number
  user: VersionedUser
  contact: Contact | undefined
  link: Link
}

interface Findings {
  /** Fields that both sides have changed. */
  conflicts: Set<string>
  /** Why properties could not be taken over. */
  refused: Map<string, string>
  /** To Salesforce. */
  hasSent: boolean
}

/** A user or contact that changes this often while it is brought over is left to its next event. */
const mostRounds = 5

export class TwoWay implements Sync {
  readonly #parts: TwoWayParts

  constructor(parts: TwoWayParts) {
    this.#parts = parts
  }

  /** Reads both, whatever was said of them: so order does not matter, and what came from there is not sent back. */
  async bring(userId: number, signal: AbortSignal, reason?: Reason): Promise<string | undefined> {
    const { users, session, contacts, links } = this.#parts
    const { told, seen } = reason ?? {}
    const attempt = await session.connect(signal)
    const found: Findings = { conflicts: new Set(), refused: new Map(), hasSent: false }
    for (let round = 0; round < mostRounds; round += 1) {
      // Before both sides: what another writes meanwhile is seen by its version.
      const first = round === 0 ? seen : undefined
      const link = first?.link ?? (await links.get(userId))
      if (wasSeen(told, link)) return undefined
      const user = await users.get(userId)
      if (user === undefined) return this.#gone(attempt, userId, found.hasSent || told === undefined)
      const contact = first ? first.contact : await contacts.get(attempt, userId)
      // The next change of the user makes it again, and not what was told before it went.
      if (contact === undefined && told) return this.#missing(attempt, told)
      if (await this.#agree(attempt, { userId, user, contact, link }, found)) return this.#report(userId, found, reason)
    }
    throw new Error('the user or the contact changes faster than it is brought over')
  }

  /** @throws {Error} where it may be there: to be tried again, and for the operator to see. */
  async #missing(attempt: Attempt, { id }: Told): Promise<string> {
    if (await this.#parts.contacts.isGone(attempt, id)) return 'The contact is not there any more'
    throw new NotSeen('Salesforce shows the contact neither as there nor as deleted: may the server read it?')
  }

  /** Whether nobody has meanwhile changed what this rests on. */
  async #agree(attempt: Attempt, pair: Pair, found: Findings): Promise<boolean> {
    const { settings, users, links } = this.#parts
    const { fields } = settings.mapping
    const { userId, user, contact } = pair
    const { conflicts, refused } = found
    const ours = settings.mapping.valuesOf(user.record)
    let { link } = pair
    const rules = { winner: settings.conflicts, settable: users.settable }
    const merged = merge(fields, { user: ours, contact, link }, rules)
    for (const field of merged.conflicts) conflicts.add(field)
    if (Object.keys(merged.toUser).length > 0)
      for (const [property, reason] of await users.refusals(userId, merged.toUser)) refused.set(property, reason)
    const { toContact, toUser, agreed } = without(merged, fields, link.agreed, new Set(refused.keys()))
    const isSent = !contact || Object.keys(toContact).length > 0
    if (isSent) {
      const intended = await links.intend(userId, link, toContact)
      if (intended === undefined) return false
      link = intended
      found.hasSent = true
      if (!(await this.#send(attempt, userId, toContact, contact))) return false
    }
    // What was refused is looked at again when it is told again.
    const modstamp = refused.size > 0 ? link.modstamp : (contact?.modstamp ?? null)
    const agreement = links.agreement(userId, link, { ...link, agreed, modstamp })
    if (Object.keys(toUser).length > 0) return users.update(userId, user, toUser, agreement, refused)
    if (!isSent && link.modstamp === modstamp && areSame(agreed, link.agreed)) return true
    if (!(await links.write(agreement))) return false
    // What was sent may be old by now, and have come behind what is newer.
    return !isSent || this.#isStill(userId, ours)
  }

  /** Whether the contact was still what was read. */
  async #send(attempt: Attempt, userId: number, values: Values, read: Contact | undefined): Promise<boolean> {
    try {
      await this.#parts.contacts.upsert(attempt, userId, values, read)
      return true
    } catch (error) {
      if (error instanceof Refusal && error.status === 412) return false
      throw error
    }
  }

  async #isStill(userId: number, sent: Values): Promise<boolean> {
    const now = await this.#parts.users.get(userId)
    return now !== undefined && areSame(this.#parts.settings.mapping.valuesOf(now.record), sent)
  }

  /** @throws {Unwanted} for what users may not be, but where an event has only met it. */
  #report(userId: number, { conflicts, refused }: Findings, reason: Reason | undefined): string | undefined {
    const conflict = this.#parts.report.conflict(userId, conflicts)
    if (refused.size === 0) return conflict
    const refusal = `The change in Salesforce was not taken: ${[...new Set(refused.values())].join('; ')}`
    const text = conflict === undefined ? refusal : `${refusal}. ${conflict}`
    if (reason) throw new Unwanted(text)
    return text
  }

  /** What Salesforce says may name somebody who never was: only what happens here, or was made here, is deleted. */
  async #gone(attempt: Attempt, userId: number, isOurs: boolean): Promise<undefined> {
    const { settings, contacts } = this.#parts
    if (settings.onDelete === 'delete' && isOurs) await contacts.remove(attempt, userId)
  }
}

/** Time stamps are of seconds: of two changes in one, the later one may not have been seen. */
function wasSeen(told: Told | undefined, { modstamp }: Link): boolean {
  return told?.since !== undefined && modstamp !== null && Date.parse(told.since) < Date.parse(modstamp)
}
