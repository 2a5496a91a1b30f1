/** Users who were there before the connector was, brought over by the page. */

import type { Connection } from 'jsforce/lib/connection.js'
import type { BackFilled, UserRecord, UserRecords } from '../../connectors/connector.ts'
import type { Storage } from '../../storage/storage.ts'
import { abandon, beginUpsert, endOfUpsert, JobFailed, type Rows } from './bulk.ts'
import type { Links } from './links.ts'
import { isSame, type Values } from './mapping.ts'
import type { Sync } from './one-way.ts'
import { outcomeOf, Refusal } from './refusal.ts'
import type { Session } from './session.ts'
import type { SalesforceSettings } from './settings.ts'

export interface BackFillParts {
  settings: SalesforceSettings
  session: Session
  users: UserRecords
  sync: Sync
  links: Links
  engine: Storage
}

/** What users and contacts agree on, by the id of the user; nobody where there is no way back. */
type Agreed = ReadonlyMap<number, Values>

/** For one request, in ms: a page is uploaded in one. */
const requestTimeout = 60_000
/** Of rows that another has written to at the same time. */
const met = /^(UNABLE_TO_LOCK_ROW|DUPLICATE_VALUE)/

export class BackFill {
  readonly #parts: BackFillParts
  /** A job that an attempt was cut off from: the next one at this page takes it up again. */
  #running: { page: string; job: string; rows: Rows } | undefined

  constructor(parts: BackFillParts) {
    this.#parts = parts
  }

  /** A page that is filled twice changes nothing. */
  async fill(users: readonly UserRecord[], signal: AbortSignal): Promise<BackFilled> {
    const { settings, session, links } = this.#parts
    const first = users[0]?.id ?? 0
    const page = `${first}-${users.at(-1)?.id}`
    const agreed: Agreed = settings.secret === undefined ? new Map() : await links.agreedOf(users.map(({ id }) => id))
    const rows = this.#running?.page === page ? this.#running.rows : this.#rowsOf(users, agreed)
    const { connection } = await session.connect(signal, requestTimeout)
    const failed = rows.size === 0 ? new Map<number, string>() : await this.#upsert(connection, page, rows, signal)
    if (settings.secret !== undefined) await links.set(this.#agreements(rows, failed, agreed))
    await this.#bringLeft(await this.#leftOf(users, rows, agreed, failed), failed, signal)
    this.#running = undefined
    return { failed: [...failed].map(([id, error]) => ({ id, error })) }
  }

  /** Fields that were never agreed on; what has changed since goes its own way, where the other side is looked at. */
  #rowsOf(users: readonly UserRecord[], agreed: Agreed): Rows {
    const rows = new Map<number, Values>()
    for (const user of users) {
      const known = agreed.get(user.id) ?? {}
      const values = Object.entries(this.#parts.settings.mapping.valuesOf(user)).filter(([field]) => !(field in known))
      if (values.length > 0) rows.set(user.id, Object.fromEntries(values))
    }
    return rows
  }

  async #upsert(connection: Connection, page: string, rows: Rows, signal: AbortSignal): Promise<Map<number, string>> {
    const { settings, links, engine } = this.#parts
    try {
      if (this.#running?.page !== page) {
        await this.#abandonOthers(connection, signal)
        const onOpen = (id: string) => engine.write([[links.sql.jobBegins, { id }]])
        const job = await beginUpsert(connection, settings, rows, onOpen)
        this.#running = { page, job, rows }
      }
      const failed = await endOfUpsert(connection, settings, this.#running.job, signal)
      await engine.write([[links.sql.jobEnds, { id: this.#running.job }]])
      return failed
    } catch (error) {
      // Another attempt begins another one.
      if (error instanceof JobFailed || error instanceof Refusal) this.#running = undefined
      throw error
    }
  }

  /** A job of a process that has died would write what is old by now. */
  async #abandonOthers(connection: Connection, signal: AbortSignal): Promise<void> {
    const { links, engine } = this.#parts
    for (const { id } of await engine.all<{ id: string }>(links.sql.jobs, {})) {
      await abandon(connection, id, signal).catch((error: unknown) => {
        if (!(error instanceof Refusal && error.status === 404)) throw error
      })
      await engine.write([[links.sql.jobEnds, { id }]])
    }
  }

  #agreements(rows: Rows, failed: ReadonlyMap<number, string>, agreed: Agreed): Map<number, Values> {
    const done = [...rows].filter(([userId]) => !failed.has(userId))
    return new Map(done.map(([userId, values]) => [userId, { ...agreed.get(userId), ...values }]))
  }

  /** Who has changed while the job was under way, and may have been overtaken by it; and who differs from what was agreed. */
  async #leftOf(
    users: readonly UserRecord[],
    rows: Rows,
    agreed: Agreed,
    failed: ReadonlyMap<number, string>,
  ): Promise<number[]> {
    const { mapping } = this.#parts.settings
    const first = users[0]?.id ?? 0
    const now = new Map((await this.#parts.users.behind(first - 1, users.length)).map((user) => [user.id, user]))
    const isLeft = ({ id }: UserRecord) => {
      const error = failed.get(id)
      if (error !== undefined) return met.test(error)
      const user = now.get(id)
      const known = { ...agreed.get(id), ...rows.get(id) }
      return (
        user === undefined ||
        Object.entries(mapping.valuesOf(user)).some(([field, value]) => !isSame(value, known[field]))
      )
    }
    return users.filter(isLeft).map(({ id }) => id)
  }

  /** One by one, as events bring them. */
  async #bringLeft(userIds: readonly number[], failed: Map<number, string>, signal: AbortSignal): Promise<void> {
    for (const id of userIds) {
      const error = await this.#bring(id, signal)
      if (error === undefined) failed.delete(id)
      else failed.set(id, error)
    }
  }

  /** Why it will never be taken. @throws {Error} for what passes, or is mended: the page is made again. */
  async #bring(userId: number, signal: AbortSignal): Promise<string | undefined> {
    try {
      await this.#parts.sync.bring(userId, signal)
      return undefined
    } catch (error) {
      if (outcomeOf(error).as !== 'dead') throw error
      return (error as Error).message
    }
  }
}
