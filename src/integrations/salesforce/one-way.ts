/** Brings contacts to what users are, whatever they were. */

import type { UserRecords } from '../../connectors/connector.ts'
import { settled } from '../../connectors/settle.ts'
import type { Contact, Contacts } from './contacts.ts'
import type { Link } from './links.ts'
import type { Session } from './session.ts'
import type { SalesforceSettings } from './settings.ts'

/** What Salesforce told of a contact. */
export interface Told {
  /** Of the contact. */
  id: string
  /** Its time stamp: nothing is to be done where a later one was seen. */
  since?: string | undefined
}

/** Both sides as they were read, the link first. */
export interface Seen {
  readonly link: Link
  readonly contact: Contact | undefined
}

/** Why somebody is brought: told by Salesforce, or seen to differ; else by an event. */
export interface Reason {
  readonly told?: Told | undefined
  readonly seen?: Seen | undefined
}

/** Brings both sides to what they are to be. */
export interface Sync {
  /** Of one user; gives what people should know of it. */
  bring(userId: number, signal: AbortSignal, reason?: Reason): Promise<string | undefined>
}

export interface OneWayParts {
  settings: SalesforceSettings
  session: Session
  contacts: Contacts
  users: UserRecords
}

export class OneWay implements Sync {
  readonly #parts: OneWayParts

  constructor(parts: OneWayParts) {
    this.#parts = parts
  }

  async bring(userId: number, signal: AbortSignal): Promise<undefined> {
    const { settings, session, contacts, users } = this.#parts
    const read = async () => {
      const user = await users.get(userId)
      return user && settings.mapping.valuesOf(user)
    }
    await settled(read, async (values) => {
      if (values === undefined && settings.onDelete === 'keep') return
      const attempt = await session.connect(signal)
      if (values) await contacts.upsert(attempt, userId, values)
      else await contacts.remove(attempt, userId)
    })
  }
}
