/** Three-way: what a user is, what its contact is, and what they last agreed on. */

import type { Contact } from './contacts.ts'
import type { Link } from './links.ts'
import { isSame, type MappedField, type Values } from './mapping.ts'
import type { Side } from './settings.ts'

export interface Sides {
  /** As its contact is to be. */
  user: Values
  contact: Pick<Contact, 'values' | 'isOurs'> | undefined
  link: Pick<Link, 'agreed' | 'sent'>
}

export interface Rules {
  /** Whose value stays where both have changed it. */
  winner: Side
  /** Properties of the user that can be set; the others go one way. */
  settable: ReadonlySet<string>
}

export interface Merge {
  /** Fields that the contact is to get. */
  toContact: Record<string, unknown>
  /** Properties that the user is to get. */
  toUser: Record<string, unknown>
  /** Both have, once this is done. */
  agreed: Record<string, unknown>
  /** Fields that both sides have changed, or that differed when they first met. */
  conflicts: string[]
}

export function merge(fields: readonly MappedField[], sides: Sides, { winner, settable }: Rules): Merge {
  const merged: Merge = { toContact: {}, toUser: {}, agreed: {}, conflicts: [] }
  for (const { property, field } of fields) {
    const change = changeOf(field, sides)
    const isTheirs = change.isTheirs && settable.has(property)
    if (change.differs && change.isOurs && isTheirs) merged.conflicts.push(field)
    if (change.differs && isTheirs && (winner === 'crm' || !change.isOurs)) {
      merged.toUser[property] = sides.contact?.values[field]
      merged.agreed[field] = sides.contact?.values[field]
    } else {
      if (change.differs && change.isOurs) merged.toContact[field] = sides.user[field]
      // What nobody has changed is left as Salesforce writes it.
      merged.agreed[field] = change.isOurs ? sides.user[field] : sides.link.agreed[field]
    }
  }
  return merged
}

/** Without what the user may not be: on that nothing is agreed, and the sides go on to differ. */
export function without(
  { toUser, agreed, ...merged }: Merge,
  fields: readonly MappedField[],
  base: Values,
  refused: ReadonlySet<string>,
): Merge {
  const left = fields.filter(({ property }) => property in toUser && refused.has(property))
  const properties = new Set(left.map(({ property }) => property))
  return {
    ...merged,
    toUser: Object.fromEntries(Object.entries(toUser).filter(([property]) => !properties.has(property))),
    agreed: { ...agreed, ...Object.fromEntries(left.map(({ field }) => [field, base[field]])) },
  }
}

/** Whether the sides differ in a field, and who has changed it. */
function changeOf(field: string, { user, contact, link }: Sides) {
  const ours = user[field]
  const theirs = contact?.values[field]
  // A contact that is gone agrees on nothing.
  const base = contact && link.agreed[field]
  const differs = !isSame(ours, theirs)
  // Sent from here, and come behind what is newer.
  const isLate = contact?.isOurs === true && (link.sent[field] ?? []).some((sent) => isSame(sent, theirs))
  const isTheirs = !isLate && !isSame(theirs, base)
  // Of a field that was never agreed on, a user who has nothing says nothing.
  const isMeeting = contact !== undefined && base === undefined
  const isOurs = isMeeting ? !isSame(ours, null) : base === undefined || !isSame(ours, base)
  return { differs, isTheirs, isOurs: isOurs || (isLate && differs) }
}
