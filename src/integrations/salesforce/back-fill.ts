/** Users who were there before the connector was, brought over by the page. */

import type { BackFilled, UserRecord } from '../../connectors/connector.ts'
import type { Jobs, PageOfRun } from './jobs.ts'
import type { Limits } from './limits.ts'
import type { Seen, Sync } from './one-way.ts'
import { outcomeOf } from './refusal.ts'
import type { Attempt, Session } from './session.ts'

export interface Page extends PageOfRun {
  readonly users: readonly UserRecord[]
  readonly attempt: Attempt
}

/** What has become of a page. */
export interface Filled {
  /** Why users will never be taken, by their id. */
  readonly failed: Map<number, string>
  /** Who is to be brought one by one, as events bring them, and both sides as they were seen. */
  readonly left: ReadonlyMap<number, Seen | undefined>
}

/** How the users of a page are brought over together. */
export interface Pages {
  fill(page: Page): Promise<Filled>
}

export interface BackFillParts {
  session: Session
  limits: Limits
  sync: Sync
  pages: Pages
  jobs: Jobs
}

/** For one request, in ms: a page is uploaded in one. */
const requestTimeout = 60_000

export class BackFill {
  readonly #parts: BackFillParts

  constructor(parts: BackFillParts) {
    this.#parts = parts
  }

  /** A page that is filled twice changes nothing. */
  async fill(users: readonly UserRecord[], signal: AbortSignal, run: string): Promise<BackFilled> {
    const { session, pages, jobs } = this.#parts
    const [first, last] = [users[0]?.id ?? 0, users.at(-1)?.id ?? 0]
    const attempt = await session.connect(signal, requestTimeout)
    const { connection } = attempt
    const { failed, left } = await pages.fill({ users, first, last, run, attempt, connection, signal })
    for (const [id, seen] of left) {
      const error = await this.#bring(id, signal, seen)
      if (error !== undefined) failed.set(id, error)
    }
    await jobs.forget(run)
    return { failed: [...failed].map(([id, error]) => ({ id, error })) }
  }

  /** Why it will never be taken. @throws {Error} for what passes, or is mended: the page is made again. */
  async #bring(userId: number, signal: AbortSignal, seen: Seen | undefined): Promise<string | undefined> {
    const { limits, sync } = this.#parts
    signal.throwIfAborted()
    if (limits.wait > 0) throw new Error(limits.reason)
    try {
      await sync.bring(userId, signal, { seen })
      return undefined
    } catch (error) {
      if (outcomeOf(error).as !== 'dead') throw error
      return (error as Error).message
    }
  }
}
