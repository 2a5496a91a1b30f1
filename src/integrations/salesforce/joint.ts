/** Salesforce as the server sees it: what events and back-fills ask for, and what comes of it. */

import type { Connection, ConnectorEvent } from '../../connectors/connector.ts'
import type { Outcome } from '../../deliveries/delivery.ts'
import type { Limits } from './limits.ts'
import type { Sync } from './one-way.ts'
import { outcomeOf } from './refusal.ts'

export interface JointParts {
  limits: Limits
  sync: Sync
  close: () => Promise<void>
}

export class Joint implements Connection {
  readonly #parts: JointParts

  constructor(parts: JointParts) {
    this.#parts = parts
  }

  send({ subject }: ConnectorEvent, signal: AbortSignal): Promise<Outcome> {
    return this.#attempt(() => this.#parts.sync.bring(Number(subject.slice(subject.lastIndexOf('/') + 1)), signal))
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
}
