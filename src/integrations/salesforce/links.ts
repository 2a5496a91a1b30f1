/** What users and their contacts last agreed on: what differs from it since has changed. */

import { type Command, type Storage, UnexpectedRows } from '../../storage/storage.ts'
import { type LinkRow, LinkSql } from './link-sql.ts'
import type { Values } from './mapping.ts'

export interface Link {
  /** Values by field; those that were not mapped then are missing. */
  readonly agreed: Values
  /**
   * By field, the last values that were sent, or on their way when a process ended: one that comes late, behind a newer
   * one, is no change of Salesforce's.
   */
  readonly sent: Readonly<Record<string, readonly unknown[]>>
  /** Of the contact as it was read; nothing where it was not. */
  readonly modstamp: string | null
  /** Raised by each write; 0 where there is none. */
  readonly version: number
}

const none: Link = { agreed: {}, sent: {}, modstamp: null, version: 0 }

/** Values that were sent, kept of each field. */
const mostSent = 4
/** Links written at once: a page of a back-fill has many. */
const atOnce = 500

export class Links {
  readonly sql: LinkSql
  readonly #engine: Storage

  constructor(engine: Storage) {
    this.#engine = engine
    this.sql = new LinkSql(engine.dialect)
  }

  async get(userId: number): Promise<Link> {
    const row = await this.#engine.first<LinkRow>(this.sql.get, { userId })
    return row === undefined ? none : linkOf(row)
  }

  /** Of these users, by their id. */
  async of(userIds: readonly number[]): Promise<Map<number, Link>> {
    const rows = await this.#engine.all<LinkRow>(this.sql.among, { ids: JSON.stringify(userIds) })
    const known = new Map(rows.map((row) => [Number(row.userId), linkOf(row)]))
    return new Map(userIds.map((id) => [id, known.get(id) ?? none]))
  }

  /** Says what is about to be sent; gives the link with it, or nothing where another has taken its place. */
  async intend(userId: number, link: Link, values: Values): Promise<Link | undefined> {
    const intended = intendedOf(link, values)
    return (await this.write(this.agreement(userId, link, intended))) ? intended : undefined
  }

  /** `next` in place of the link that was read; undone where another has taken its place. */
  agreement(userId: number, read: Link, next: Omit<Link, 'version'>): Command {
    return [this.sql.agree, argumentsOf(userId, { ...next, version: read.version }), 1]
  }

  /** Whether the link was still the one that was read. */
  async write(agreement: Command): Promise<boolean> {
    try {
      await this.#engine.write([agreement])
      return true
    } catch (error) {
      if (error instanceof UnexpectedRows) return false
      throw error
    }
  }

  /** {@link intend} for many; gives the links of those whose place nobody has taken. */
  async intendAll(rows: ReadonlyMap<number, readonly [Link, Values]>): Promise<Map<number, Link>> {
    const next = [...rows].map(([id, [link, values]]) => [id, [link, intendedOf(link, values)]] as const)
    const written = await this.agreeAll(new Map(next))
    return new Map(next.filter(([id]) => written.has(id)).map(([id, [, intended]]) => [id, intended]))
  }

  /** Each in place of the link that was read; gives those whose place nobody has taken. */
  async agreeAll(links: ReadonlyMap<number, readonly [read: Link, next: Omit<Link, 'version'>]>): Promise<Set<number>> {
    const commands = [...links].map(([id, [{ version }, next]]): Command => {
      return [this.sql.agree, argumentsOf(id, { ...next, version })]
    })
    const written = new Set<number>()
    while (commands.length > 0) {
      const rows = await this.#engine.write(commands.splice(0, atOnce))
      for (const row of rows.flat()) written.add(Number(row.user_id))
    }
    return written
  }
}

function intendedOf(link: Link, values: Values): Link {
  const sent = { ...link.sent }
  for (const [field, value] of Object.entries(values)) sent[field] = [...(sent[field] ?? []), value].slice(-mostSent)
  return { ...link, sent, version: link.version + 1 }
}

function linkOf({ agreed, sent, modstamp, version }: LinkRow): Link {
  return { agreed: JSON.parse(agreed), sent: JSON.parse(sent), modstamp, version: Number(version) }
}

function argumentsOf(userId: number, { agreed, sent, modstamp, version }: Link) {
  const now = new Date().toISOString()
  return { userId, version, agreed: JSON.stringify(agreed), sent: JSON.stringify(sent), modstamp, now }
}
