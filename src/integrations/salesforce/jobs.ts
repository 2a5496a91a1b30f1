/** Jobs of back-fills: whoever makes a page again, in any process, takes up the one that was begun for it. */

import type { Connection } from 'jsforce/lib/connection.js'
import { type Storage, UniqueViolation } from '../../storage/storage.ts'
import { abandon, beginUpsert, endOfUpsert, JobFailed, type Results, type Rows, wasBegun } from './bulk.ts'
import type { JobRow, LinkSql } from './link-sql.ts'
import { Refusal } from './refusal.ts'
import type { SalesforceSettings } from './settings.ts'

/** Which page of which run, and one attempt's way to Salesforce. */
export interface PageOfRun {
  readonly run: string
  /** Ids of its users: those of the next page are behind the last. */
  readonly first: number
  readonly last: number
  readonly connection: Connection
  readonly signal: AbortSignal
}

export class Jobs {
  readonly #settings: SalesforceSettings
  readonly #engine: Storage
  readonly #sql: LinkSql

  constructor(settings: SalesforceSettings, engine: Storage, sql: LinkSql) {
    this.#settings = settings
    this.#engine = engine
    this.#sql = sql
  }

  /** What became of the job of an earlier attempt at this page; nothing where none was begun. Ends all others. */
  async earlier(page: PageOfRun): Promise<Results | undefined> {
    let own: string | undefined
    for (const { id, run, last } of await this.#engine.all<JobRow>(this.#sql.jobs, {})) {
      if (run === page.run && Number(last) >= page.first && (await this.#wasBegun(page, id))) own = id
      else await this.#abandon(page, id)
    }
    return own === undefined ? undefined : this.#end(page, own)
  }

  /** @throws {JobFailed} */
  async upsert(page: PageOfRun, rows: Rows): Promise<Results> {
    const { connection } = page
    const onOpen = (id: string) => this.#keep(page, id)
    const id = await beginUpsert(connection, this.#settings, rows, onOpen)
    return this.#end(page, id)
  }

  /** That a page is done. */
  async forget(run: string): Promise<void> {
    await this.#engine.write([[this.#sql.jobsEnd, { run }]])
  }

  async #keep({ run, last, connection, signal }: PageOfRun, id: string): Promise<void> {
    try {
      await this.#engine.write([[this.#sql.jobBegins, { id, run, last }]])
    } catch (error) {
      if (!(error instanceof UniqueViolation)) throw error
      await abandon(connection, id, signal)
      throw new Error('another process makes this page', { cause: error })
    }
  }

  async #end({ connection, signal }: PageOfRun, id: string): Promise<Results> {
    try {
      return await endOfUpsert(connection, this.#settings, id, signal)
    } catch (error) {
      // Another attempt begins another one.
      if (error instanceof JobFailed) await this.#engine.write([[this.#sql.jobEnds, { id }]])
      throw error
    }
  }

  async #wasBegun({ connection }: PageOfRun, id: string): Promise<boolean> {
    return wasBegun(connection, id).catch((error: unknown) => {
      if (isLost(error)) return false
      throw error
    })
  }

  /** It would write what is old by now. */
  async #abandon({ connection, signal }: PageOfRun, id: string): Promise<void> {
    await abandon(connection, id, signal).catch((error: unknown) => {
      if (!isLost(error)) throw error
    })
    await this.#engine.write([[this.#sql.jobEnds, { id }]])
  }
}

/** Salesforce forgets jobs that have ended, after some days. */
function isLost(error: unknown): boolean {
  return error instanceof Refusal && error.status === 404
}
