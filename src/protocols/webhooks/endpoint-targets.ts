/** Endpoints as targets of deliveries: which events they follow, and what comes of an attempt. */

import type { Eventually } from '../../contract/eventually.ts'
import { adminScope, holds, type Principal } from '../../contract/principal.ts'
import type { Delivery, Follower, FollowerSource, Outcome, TargetKind } from '../../deliveries/delivery.ts'
import { Problem } from '../../errors.ts'
import type { Events } from '../../events/events.ts'
import type { LoggedEvent } from '../../events/log.ts'
import type { OutboundClient } from '../../outbound/client.ts'
import { emission, emitted } from '../../storage/outbox.ts'
import { type Statement, type Storage, UnexpectedRows } from '../../storage/storage.ts'
import type { EndpointKeys } from './endpoint-keys.ts'
import type { EndpointRights } from './endpoint-rights.ts'
import {
  type DisabledReason,
  type EndpointRow,
  type EndpointSql,
  endpointTable,
  filterOf,
  ownerOfEndpoint,
} from './endpoint-sql.ts'
import { endpointDisabled, endpointTested } from './events.ts'
import { attempt } from './sender.ts'

export interface EndpointTargetSettings {
  engine: Storage
  sql: EndpointSql
  keys: EndpointKeys
  rights: EndpointRights
  events: Events
  client: OutboundClient
  /** For how long an endpoint must have failed, when a delivery is given up, to be disabled; in ms. */
  patience: number
}

const kind = 'endpoint'
/** An endpoint that never answers holds its slots: its deliveries may never come to their last attempt. Times of the patience. */
const overdue = 1.5
/** In ms: one success among the failures of a short schedule may still be on its way to be noted. */
const leastOverdue = 3_600_000

export function targetOf(id: number): string {
  return `${kind}/${id}`
}

export class EndpointTargets implements TargetKind, FollowerSource {
  readonly kind = kind
  readonly #settings: EndpointTargetSettings
  readonly #told: Statement

  constructor(settings: EndpointTargetSettings) {
    this.#settings = settings
    const { dialect } = settings.engine
    this.#told = emission(dialect, endpointTable, '/webhooks', endpointDisabled, 'given', ownerOfEndpoint)
  }

  async followers(): Promise<Follower[]> {
    const followers: Follower[] = []
    for (const row of await this.#rows()) {
      followers.push({ target: targetOf(row.id), after: row.after, selects: await this.selects(row) })
    }
    return followers
  }

  async open(targets: readonly string[]): Promise<string[]> {
    if (targets.length === 0) return []
    const disabled = new Set(
      (await this.#settings.engine.all<{ id: number }>(this.#settings.sql.disabled, {})).map(({ id }) => targetOf(id)),
    )
    return targets.filter((target) => !disabled.has(target))
  }

  /** Which events an endpoint gets. One whose creator is gone follows on and gets none: what it may not see now, it never gets. */
  async selects(row: EndpointRow): Promise<(event: LoggedEvent) => boolean> {
    const principal = await this.#settings.rights.of(row)
    if (principal === undefined) return none
    try {
      return this.#settings.events.selects(principal, filterOf(row.types.split(' ')))
    } catch (error) {
      // Its creator may see none of the types any more, or there are none of them.
      if (error instanceof Problem) return none
      throw error
    }
  }

  async send(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    const { engine, sql, rights, client, keys } = this.#settings
    const id = Number(delivery.target.slice(kind.length + 1))
    const row = await engine.first<EndpointRow>(sql.get, { id })
    if (row === undefined) return { as: 'dead', error: 'The endpoint was deleted' }
    if (row.disabledAt !== null) return { as: 'held' }
    if (!this.#maySee(await rights.of(row), delivery)) {
      return { as: 'dead', error: 'Who made the endpoint may no longer see the event' }
    }
    const outcome = await attempt(client, keys, row, delivery, signal)
    // What could not be noted is noted by the next attempt: this one has ended as it has.
    if (!signal.aborted) await this.#note(row, delivery, outcome).catch(() => {})
    return outcome
  }

  #rows(): Eventually<EndpointRow[]> {
    return this.#settings.engine.all<EndpointRow>(this.#settings.sql.open, {})
  }

  #maySee(principal: Principal | undefined, { type, owner }: Delivery): boolean {
    if (principal === undefined) return false
    if (owner !== null && owner !== principal.userId && !holds(principal, adminScope)) return false
    const scope = this.#settings.events.types.get(type)?.scope
    return type === endpointTested.type || (scope !== undefined && holds(principal, scope))
  }

  /** What an attempt says of the endpoint itself. */
  async #note({ id, failingSince }: EndpointRow, { isLast }: Delivery, outcome: Outcome): Promise<void> {
    const { engine, sql, patience } = this.#settings
    if (outcome.as === 'delivered' && failingSince !== null) await engine.write([[sql.recovered, { id }]])
    if (outcome.as === 'dead') await this.#disable(id, 'gone')
    if (outcome.as !== 'retry') return
    if (failingSince === null) await engine.write([[sql.failing, { id, now: new Date().toISOString() }]])
    else if (Date.now() - Date.parse(failingSince) >= (isLast ? patience : Math.max(patience * overdue, leastOverdue)))
      await this.#disable(id, 'failing')
  }

  /** And tells of it, once. */
  async #disable(id: number, reason: DisabledReason): Promise<void> {
    const { engine, sql } = this.#settings
    const told = emitted(new Date().toISOString())
    try {
      await engine.write([
        [sql.disable, { id, reason, now: told.now }, 1],
        [this.#told, { id, ...told }],
      ])
    } catch (error) {
      if (!(error instanceof UnexpectedRows)) throw error
    }
  }
}

function none(): boolean {
  return false
}
