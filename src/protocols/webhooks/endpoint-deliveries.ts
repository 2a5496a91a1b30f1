/** The deliveries of endpoints as their owners see them: what was attempted, what was given up, and once more from the log. */

import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Principal } from '../../contract/principal.ts'
import type { Deliveries } from '../../deliveries/deliveries.ts'
import type { DeliveryState } from '../../deliveries/delivery.ts'
import type { AttemptRow, DeliveryRow } from '../../deliveries/delivery-sql.ts'
import { Problem } from '../../errors.ts'
import type { EventLog, LoggedEvent } from '../../events/log.ts'
import { deleteInPortions } from '../../storage/portions.ts'
import { orConflict, type Storage } from '../../storage/storage.ts'
import type { EndpointRow } from './endpoint-sql.ts'
import { type EndpointTargets, targetOf } from './endpoint-targets.ts'
import { type Endpoints, refuseWider } from './endpoints.ts'
import { endpointTested } from './events.ts'

/** Events that one replay sends again, at most. */
const mostReplayed = 10_000
/** Events that one replay looks at for those, at most. */
const mostLookedAt = 50_000
const readAtOnce = 1000
const droppedAtOnce = 1000

/** A delivery as the endpoint's owner sees it. */
export interface EndpointDelivery {
  id: number
  eventId: string
  type: string
  state: DeliveryState
  attempts: number
  /** Of the last attempt. */
  status: number | null
  error: string | null
  /** When the next attempt is due. */
  nextAt: string | null
  createdAt: string
  settledAt: string | null
}

export interface EndpointDeliveryDetail extends EndpointDelivery {
  history: AttemptRow[]
}

export interface DeliveryQuery {
  limit: number
  cursor?: string | undefined
  state?: DeliveryState | undefined
}

/** From one event or moment to another, both with it. */
export interface EventRange {
  from?: string | undefined
  to?: string | undefined
  since?: string | undefined
  until?: string | undefined
}

export interface EndpointDeliverySettings {
  engine: Storage
  endpoints: Endpoints
  targets: EndpointTargets
  deliveries: Deliveries
  log: EventLog
  source: () => string
}

export class EndpointDeliveries {
  readonly #settings: EndpointDeliverySettings

  constructor(settings: EndpointDeliverySettings) {
    this.#settings = settings
  }

  /** Sends an event that tells nothing. @throws {Problem} `not-found`; `forbidden`; `conflict` for a disabled endpoint. */
  async test(id: number, principal: Principal): Promise<EndpointDelivery> {
    const { engine, deliveries, source } = this.#settings
    await this.#writable(id, principal)
    const eventId = randomUUID()
    const text = JSON.stringify({
      specversion: '1.0',
      id: eventId,
      source: source(),
      type: endpointTested.type,
      subject: `/webhooks/${id}`,
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      data: { id },
    })
    const target = targetOf(id)
    await engine.write([deliveries.insertion(target, { eventId, type: endpointTested.type, owner: null, text })])
    const row = await engine.first<DeliveryRow>(deliveries.sql.ofEvent, { target, eventId })
    deliveries.wake([target])
    return shown(row as DeliveryRow)
  }

  /** The newest first. @throws {Problem} `not-found` */
  async page(
    id: number,
    { limit, cursor, state }: DeliveryQuery,
    principal: Principal,
  ): Promise<{ items: EndpointDelivery[]; next: string | undefined }> {
    const { engine, endpoints, deliveries } = this.#settings
    await endpoints.visible(id, principal)
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor)
    const args = { target: targetOf(id), before, limit: limit + 1 }
    const rows = await engine.all<DeliveryRow>(deliveries.sql.pages[state ?? 'any'], args)
    const items = rows.slice(0, limit).map(shown)
    return { items, next: rows.length > limit ? String(items.at(-1)?.id) : undefined }
  }

  /** With each attempt. @throws {Problem} `not-found` */
  async get(id: number, deliveryId: number, principal: Principal): Promise<EndpointDeliveryDetail> {
    const { engine, endpoints, deliveries } = this.#settings
    await endpoints.visible(id, principal)
    const row = await this.#existing(id, deliveryId)
    const history = await engine.all<AttemptRow>(deliveries.sql.attempts, { id: deliveryId })
    return { ...shown(row), history }
  }

  /**
   * Attempts a delivery now, and from the beginning of the schedule, whether it has succeeded, was given up or waits.
   *
   * @throws {Problem} `not-found`; `forbidden`; `conflict` for a disabled endpoint, and while an attempt is under way.
   */
  async replay(id: number, deliveryId: number, principal: Principal): Promise<EndpointDelivery> {
    const { engine, deliveries } = this.#settings
    await this.#writable(id, principal)
    await this.#existing(id, deliveryId)
    await engine
      .write([[deliveries.sql.replayOne, { id: deliveryId, due: Date.now() }, 1]])
      .catch(orConflict('An attempt is under way'))
    deliveries.wake([targetOf(id)])
    return shown(await this.#existing(id, deliveryId))
  }

  /**
   * Sends events of the log again, or for the first time: those that the endpoint selects and may get. Gives how many,
   * and the sequence to go on from when there are more.
   *
   * @throws {Problem} `not-found`; `forbidden`; `conflict` for a disabled endpoint; `gone` for events that are not kept.
   */
  async replayEvents(
    id: number,
    range: EventRange,
    principal: Principal,
  ): Promise<{ events: number; next: string | null }> {
    const { engine, deliveries, log, targets } = this.#settings
    const row = await this.#writable(id, principal)
    const selects = await targets.selects(row)
    const target = targetOf(id)
    let seen = await this.#start(range)
    const isPast = pastOf(range)
    let events = 0
    let looked = 0
    for (let more = true; more; ) {
      // An engine may answer at once: a range in which nothing is wanted would keep the event loop.
      await nextTurn()
      const read = await log.read(seen, readAtOnce)
      const end = read.findIndex(isPast)
      const inside = end === -1 ? read : read.slice(0, end)
      more = end === -1 && read.length === readAtOnce
      const wanted = inside.filter(selects)
      const commands = wanted.map((event) => deliveries.replay(target, event))
      if (commands.length > 0) await engine.write(commands)
      events += commands.length
      looked += inside.length
      seen = inside.at(-1)?.sequence ?? seen
      if (more && (events >= mostReplayed || looked >= mostLookedAt)) break
      if (!more) return this.#replayed(target, events, null)
    }
    return this.#replayed(target, events, String(seen + 1))
  }

  /** Forgets the deliveries of an endpoint that is gone. */
  async drop(id: number): Promise<void> {
    const { engine, deliveries } = this.#settings
    await deleteInPortions(engine, deliveries.sql.drop, droppedAtOnce, () => ({ target: targetOf(id) }))
  }

  #replayed(target: string, events: number, next: string | null): { events: number; next: string | null } {
    if (events > 0) this.#settings.deliveries.wake([target])
    return { events, next }
  }

  /** The sequence behind which a range begins. */
  async #start({ from, since }: EventRange): Promise<number> {
    const { log } = this.#settings
    const { oldest, newest } = await log.bounds()
    const first = from === undefined ? oldest : Number(from) - 1
    if (first < oldest) throw new Problem('gone', 'Events of this range are no longer kept')
    return since === undefined ? first : Math.max(first, await this.#before(Date.parse(since), oldest, newest))
  }

  /** The last sequence before a moment, halving the log: moments grow with the sequence, to some milliseconds. */
  async #before(moment: number, oldest: number, newest: number): Promise<number> {
    let [low, high] = [oldest, newest]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [event] = await this.#settings.log.read(middle, 1)
      if (event !== undefined && Date.parse(event.time) < moment) low = middle + 1
      else high = middle
    }
    return low
  }

  async #writable(id: number, principal: Principal): Promise<EndpointRow> {
    const row = await this.#settings.endpoints.visible(id, principal)
    refuseWider(principal, row)
    if (row.disabledAt !== null) throw new Problem('conflict', 'The endpoint is disabled')
    return row
  }

  async #existing(id: number, deliveryId: number): Promise<DeliveryRow> {
    const { engine, deliveries } = this.#settings
    const row = await engine.first<DeliveryRow>(deliveries.sql.get, { id: deliveryId })
    if (row === undefined || row.target !== targetOf(id)) throw new Problem('not-found', 'Delivery not found')
    return row
  }
}

/** Whether an event is behind the end of a range. */
function pastOf({ to, until }: EventRange): (event: LoggedEvent) => boolean {
  const last = to === undefined ? Number.POSITIVE_INFINITY : Number(to)
  const end = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until)
  return ({ sequence, time }) => sequence > last || Date.parse(time) > end
}

function shown({ id, state, due, eventId, type, attempts, status, error, createdAt, settledAt }: DeliveryRow) {
  const nextAt = state === 'waiting' ? new Date(due).toISOString() : null
  return { id, eventId, type, state, attempts, status, error, nextAt, createdAt, settledAt }
}
