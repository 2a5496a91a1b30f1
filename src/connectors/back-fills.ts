/**
 * Users who were there before a connector was, brought over by the page. Each page is a delivery: it is made again until
 * it has succeeded, and whoever makes it last writes the next one with the progress.
 */

import { randomUUID } from 'node:crypto'
import type { Deliveries } from '../deliveries/deliveries.ts'
import type { Delivery, Outcome } from '../deliveries/delivery.ts'
import { Problem } from '../errors.ts'
import { type Command, type Storage, UnexpectedRows } from '../storage/storage.ts'
import type { BackFilled, Connection } from './connector.ts'
import type { BackFillRow, BackFillState, ConnectorSql } from './connector-sql.ts'
import type { CollectionRecords } from './user-records.ts'

/** Of users that could not be brought over, kept for people to read. */
const mostKept = 20
/** Of why, in characters. */
const longestError = 500

export interface BackFill {
  state: BackFillState
  total: number
  done: number
  failed: number
  /** The last of those that failed. */
  failures: { id: number; error: string }[]
  /** Why the next page has not been made. */
  error: string | null
  startedAt: string
  endedAt: string | null
}

export interface BackFillSettings {
  engine: Storage
  sql: ConnectorSql
  deliveries: Deliveries
  users: CollectionRecords
}

const nothingYet = { position: 0, done: 0, failed: 0, failures: '[]' }

export class BackFills {
  readonly #settings: BackFillSettings

  constructor(settings: BackFillSettings) {
    this.#settings = settings
  }

  async get(name: string): Promise<BackFill | undefined> {
    const row = await this.#row(name)
    if (row === undefined) return undefined
    const { state, total, done, failed, failures, error, startedAt, endedAt } = row
    return { state, total, done, failed, failures: JSON.parse(failures), error, startedAt, endedAt }
  }

  /** Begins with the first user; after a run that has failed, where that was. @throws {Problem} `conflict` while one is running. */
  async start(name: string): Promise<BackFill> {
    const { engine, sql, deliveries, users } = this.#settings
    const target = targetOf(name)
    const run = randomUUID()
    const before = await this.#row(name)
    const { position, done, failed, failures } = before?.state === 'failed' ? before : nothingYet
    const args = { name, target, run, position, done, failed, failures, now: new Date().toISOString() }
    const start: Command = [sql.start, { ...args, total: await users.count() }, 1]
    await engine.write([start, this.#page(name, run, position)]).catch((error: unknown) => {
      if (error instanceof UnexpectedRows) throw new Problem('conflict', 'A back-fill is running')
      throw error
    })
    deliveries.wake([target])
    return (await this.get(name)) as BackFill
  }

  /** Makes one page. */
  async step(
    name: string,
    delivery: Delivery,
    { size, users }: NonNullable<Connection['backFill']>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { run, behind } = JSON.parse(delivery.body) as { run: string; behind: number }
    const row = await this.#row(name)
    // Made before, by a process that could not say so; or another run has begun.
    if (row?.run !== run || row.state !== 'running' || row.position !== behind) return { as: 'delivered' }
    try {
      const page = await this.#settings.users.behind(behind, size)
      const { failed } = page.length === 0 ? { failed: [] } : await users(page, signal)
      await this.#advance(row, page.at(-1)?.id ?? behind, page.length, failed, page.length < size)
      return { as: 'delivered' }
    } catch (error) {
      // What a stop cuts off says nothing of the page: it is made again, by another process or the next.
      if (!isStop(signal)) await this.#note(row, errorText(error), delivery.isLast)
      throw error
    }
  }

  async #advance(
    { name, run, position, failures }: BackFillRow,
    to: number,
    size: number,
    failed: BackFilled['failed'],
    isLast: boolean,
  ): Promise<void> {
    const { engine, sql, deliveries } = this.#settings
    const kept = [...(JSON.parse(failures) as BackFill['failures']), ...failed].slice(-mostKept)
    const args = {
      name,
      run,
      from: position,
      to,
      done: size - failed.length,
      failed: failed.length,
      failures: JSON.stringify(kept.map(({ id, error }) => ({ id, error: error.slice(0, longestError) }))),
      state: isLast ? 'done' : 'running',
      endedAt: isLast ? new Date().toISOString() : null,
    }
    const next = isLast ? [] : [this.#page(name, run, to)]
    try {
      await engine.write([[sql.advance, args, 1], ...next])
    } catch (error) {
      // Another process has made the page as well, and written the next one.
      if (!(error instanceof UnexpectedRows)) throw error
    }
    if (!isLast) deliveries.wake([targetOf(name)])
  }

  /** Says why a page has failed; after its last attempt the run has. */
  async #note({ name, run, position: from }: BackFillRow, error: string, isLast: boolean): Promise<void> {
    const { engine, sql } = this.#settings
    const state: BackFillState = isLast ? 'failed' : 'running'
    const endedAt = isLast ? new Date().toISOString() : null
    await engine.write([[sql.trouble, { name, run, from, error, state, endedAt }]])
  }

  #page(name: string, run: string, behind: number): Command {
    const text = JSON.stringify({ run, behind })
    const event = { eventId: randomUUID(), type: 'back-fill', owner: null, text }
    return this.#settings.deliveries.insertion(targetOf(name), event)
  }

  #row(name: string) {
    return this.#settings.engine.first<BackFillRow>(this.#settings.sql.backFill, { name })
  }
}

/** Why something failed, for people, and short. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, longestError)
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return `${error.message}${cause}`.slice(0, longestError)
}

function isStop({ aborted, reason }: AbortSignal): boolean {
  return aborted && (reason as Error).name !== 'TimeoutError'
}

function targetOf(name: string): string {
  return `${name}/back-fill`
}
