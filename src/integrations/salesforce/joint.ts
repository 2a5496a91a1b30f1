/** Salesforce as the server sees it: what events, WebHooks and back-fills ask for, and what comes of it. */

import type {
  BackFilled,
  Connection,
  ConnectorEvent,
  Inbound,
  Received,
  UserRecord,
  UserRecords,
} from '../../connectors/connector.ts'
import type { Outcome } from '../../deliveries/delivery.ts'
import type { BackFill } from './back-fill.ts'
import { type Change, changesOf, userIdOf } from './changes.ts'
import type { Limits } from './limits.ts'
import type { Sync } from './one-way.ts'
import { outcomeOf } from './refusal.ts'
import type { SalesforceSettings } from './settings.ts'

export interface JointParts {
  settings: SalesforceSettings
  users: UserRecords
  limits: Limits
  sync: Sync
  backFill: BackFill
  close: () => Promise<void>
}

/** What one job of Bulk API 2.0 takes without being split. */
const pageSize = 10_000

export class Joint implements Connection {
  readonly #parts: JointParts
  readonly backFill = {
    size: pageSize,
    users: (users: readonly UserRecord[], signal: AbortSignal, run: string): Promise<BackFilled> =>
      this.#fill(users, signal, run),
  }

  /** Only where there is a way back. */
  readonly receive?: (inbound: Inbound) => readonly Received[]

  constructor(parts: JointParts) {
    this.#parts = parts
    const { secret } = parts.settings
    if (secret !== undefined) this.receive = (inbound) => changesOf(inbound, secret)
  }

  ready(): void {
    this.#parts.settings.mapping.check(this.#parts.users.properties)
  }

  send({ subject }: ConnectorEvent, signal: AbortSignal): Promise<Outcome> {
    return this.#attempt(() => this.#parts.sync.bring(Number(subject.slice(subject.lastIndexOf('/') + 1)), signal))
  }

  handle({ data }: Received, signal: AbortSignal): Promise<Outcome> {
    return this.#attempt(async () => {
      const change = data as Change
      const userId = userIdOf(change)
      if (userId === undefined) return undefined
      return this.#parts.sync.bring(userId, signal, { told: { id: change.id, since: change.systemModstamp } })
    })
  }

  close(): Promise<void> {
    return this.#parts.close()
  }

  /** Nothing is asked while the limit is near. */
  async #attempt(work: () => Promise<string | undefined>): Promise<Outcome> {
    const { limits } = this.#parts
    if (limits.wait > 0) return { as: 'retry', after: limits.wait, error: limits.reason }
    try {
      return { as: 'delivered', error: await work() }
    } catch (error) {
      const outcome = outcomeOf(error)
      if (outcome.as !== 'retry') return outcome
      return { ...outcome, after: Math.max(outcome.after ?? 0, limits.wait) || undefined }
    }
  }

  async #fill(users: readonly UserRecord[], signal: AbortSignal, run: string): Promise<BackFilled> {
    const { limits, backFill } = this.#parts
    if (limits.wait > 0) throw new Error(limits.reason)
    return backFill.fill(users, signal, run)
  }
}
