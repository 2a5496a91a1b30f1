/** Which connectors follow events, in whatever process they are on. */

import type { Follower, FollowerSource } from '../deliveries/delivery.ts'
import type { EventLog } from '../events/log.ts'
import { runInPortions } from '../storage/portions.ts'
import type { Storage } from '../storage/storage.ts'
import type { Connector } from './connector.ts'
import type { ConnectorSql, FollowingRow } from './connector-sql.ts'
import { directions, targetOf } from './connector-target.ts'

/**
 * How long events are kept for a connector that no process has on, in ms: a deployment, or a mistake in the settings,
 * loses none.
 */
const remembered = 86_400_000
/** Deliveries given up in one write. */
const givenUpAtOnce = 1000

export class Following implements FollowerSource {
  readonly #engine: Storage
  readonly #sql: ConnectorSql
  readonly #log: EventLog
  /** Those that are on here; nothing before it is known. */
  #own: ReadonlySet<string> | undefined

  constructor(engine: Storage, sql: ConnectorSql, log: EventLog) {
    this.#engine = engine
    this.#sql = sql
    this.#log = log
  }

  /** Says which are on here: each follows from now on, or goes on where it was. Gives the names of those that are new. */
  async begin(on: readonly Pick<Connector, 'name' | 'types'>[]): Promise<string[]> {
    const before = new Set((await this.#rows()).map(({ name }) => name))
    const { newest: after } = await this.#log.bounds()
    const now = new Date().toISOString()
    await this.#engine.write(
      on.map(({ name, types }) => [this.#sql.follow, { name, after, types: types.join(' '), now }]),
    )
    this.#own = new Set(on.map(({ name }) => name))
    return [...this.#own].filter((name) => !before.has(name))
  }

  /**
   * Says again which are on here, and gives up what waits for those that have been on nowhere for a day. Nothing before
   * {@link begin}: after a longer pause, who has them on may be about to start.
   */
  async renew(): Promise<void> {
    if (this.#own === undefined) return
    const now = new Date().toISOString()
    await this.#engine.write([...this.#own].map((name) => [this.#sql.seen, { name, now }]))
    for (const row of await this.#rows()) if (!this.#isFollowing(row)) await this.#giveUp(row.name)
  }

  /** Also those that this process does not know: whoever reads the log writes for all. */
  async followers(): Promise<Follower[]> {
    const rows = (await this.#rows()).filter((row) => this.#isFollowing(row))
    return rows.map(({ name, after, types }) => {
      return { target: targetOf(name, 'out'), after, selects: selectorOf(types.split(' ')) }
    })
  }

  /** Since when it follows; null for one that never was on. */
  async since(name: string): Promise<string | null> {
    return (await this.#rows()).find((row) => row.name === name)?.since ?? null
  }

  async #rows(): Promise<FollowingRow[]> {
    return this.#engine.all<FollowingRow>(this.#sql.following, {})
  }

  /** Of one that is on here, a clock that has moved says nothing. */
  #isFollowing({ name, seenAt }: FollowingRow): boolean {
    return this.#own?.has(name) || Date.parse(seenAt) >= Date.now() - remembered
  }

  async #giveUp(name: string): Promise<void> {
    for (const direction of directions) {
      const args = { target: targetOf(name, direction), now: new Date().toISOString() }
      await runInPortions(this.#engine, this.#sql.giveUp, givenUpAtOnce, () => args)
    }
  }
}

/** By types, or beginnings of types with `.*` behind them. */
export function selectorOf(types: readonly string[]): Follower['selects'] {
  return ({ type }) => types.some((each) => (each.endsWith('.*') ? type.startsWith(each.slice(0, -1)) : type === each))
}
