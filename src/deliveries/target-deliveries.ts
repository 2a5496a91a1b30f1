/** The deliveries of a target as people see them: what was attempted, what was given up, and once more from the log. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import { Problem } from '../errors.ts'
import type { EventLog, LoggedEvent } from '../events/log.ts'
import { runInPortions } from '../storage/portions.ts'
import { orConflict, type Storage } from '../storage/storage.ts'
import type { Deliveries } from './deliveries.ts'
import type { DeliveryState } from './delivery.ts'
import type { AttemptRow, DeliveryRow } from './delivery-sql.ts'

/** Events that one replay sends again, at most. */
const mostReplayed = 10_000
/** Events that one replay looks at for those, at most. */
const mostLookedAt = 50_000
const readAtOnce = 1000
const droppedAtOnce = 1000

/** A delivery as it is shown. */
export interface ShownDelivery {
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

export interface DeliveryWithHistory extends ShownDelivery {
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

/** How many events a replay sends, and the sequence to go on from when there are more. */
export interface Replayed {
  events: number
  next: string | null
}

export class TargetDeliveries {
  readonly #engine: Storage
  readonly #deliveries: Deliveries
  readonly #log: EventLog

  constructor(engine: Storage, deliveries: Deliveries, log: EventLog) {
    this.#engine = engine
    this.#deliveries = deliveries
    this.#log = log
  }

  /** The newest first. */
  async page(
    target: string,
    { limit, cursor, state }: DeliveryQuery,
  ): Promise<{ items: ShownDelivery[]; next: string | undefined }> {
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor)
    const statement = this.#deliveries.sql.pages[state ?? 'any']
    const rows = await this.#engine.all<DeliveryRow>(statement, { target, before, limit: limit + 1 })
    const items = rows.slice(0, limit).map(shown)
    return { items, next: rows.length > limit ? String(items.at(-1)?.id) : undefined }
  }

  /** One of these targets', with each attempt. @throws {Problem} `not-found` */
  async get(targets: readonly string[], id: number): Promise<DeliveryWithHistory> {
    const row = await this.#existing(targets, id)
    const history = await this.#engine.all<AttemptRow>(this.#deliveries.sql.attempts, { id })
    return { ...shown(row), history }
  }

  /** That of an event, by its id. */
  async ofEvent(target: string, eventId: string): Promise<ShownDelivery | undefined> {
    const row = await this.#engine.first<DeliveryRow>(this.#deliveries.sql.ofEvent, { target, eventId })
    return row && shown(row)
  }

  /**
   * Attempts a delivery now, and from the beginning of the schedule, whether it has succeeded, was given up or waits.
   *
   * @throws {Problem} `not-found` for none of these targets; `conflict` while an attempt is under way.
   */
  async replay(targets: readonly string[], id: number): Promise<ShownDelivery> {
    const { target } = await this.#existing(targets, id)
    await this.#engine
      .write([[this.#deliveries.sql.replayOne, { id, due: Date.now() }, 1]])
      .catch(orConflict('An attempt is under way'))
    this.#deliveries.wake([target])
    return shown(await this.#existing(targets, id))
  }

  /**
   * Sends events of the log again, or for the first time: those that the target selects.
   *
   * @throws {Problem} `gone` for events that are not kept.
   */
  async replayEvents(target: string, range: EventRange, selects: (event: LoggedEvent) => boolean): Promise<Replayed> {
    let seen = await this.#start(range)
    const isPast = pastOf(range)
    let events = 0
    let looked = 0
    for (let more = true; more; ) {
      // An engine may answer at once: a range in which nothing is wanted would keep the event loop.
      await nextTurn()
      const read = await this.#log.read(seen, readAtOnce)
      const end = read.findIndex(isPast)
      const inside = end === -1 ? read : read.slice(0, end)
      more = end === -1 && read.length === readAtOnce
      const commands = inside.filter(selects).map((event) => this.#deliveries.replay(target, event))
      if (commands.length > 0) await this.#engine.write(commands)
      events += commands.length
      looked += inside.length
      seen = inside.at(-1)?.sequence ?? seen
      if (more && (events >= mostReplayed || looked >= mostLookedAt)) break
      if (!more) return this.#replayed(target, events, null)
    }
    return this.#replayed(target, events, String(seen + 1))
  }

  /** Forgets the deliveries of a target that is gone. */
  async drop(target: string): Promise<void> {
    await runInPortions(this.#engine, this.#deliveries.sql.drop, droppedAtOnce, () => ({ target }))
  }

  #replayed(target: string, events: number, next: string | null): Replayed {
    if (events > 0) this.#deliveries.wake([target])
    return { events, next }
  }

  /** The sequence behind which a range begins. */
  async #start({ from, since }: EventRange): Promise<number> {
    const { oldest, newest } = await this.#log.bounds()
    const first = from === undefined ? oldest : Number(from) - 1
    if (first < oldest) throw new Problem('gone', 'Events of this range are no longer kept')
    return since === undefined ? first : Math.max(first, await this.#before(Date.parse(since), oldest, newest))
  }

  /** The last sequence before a moment, halving the log: moments grow with the sequence, to some milliseconds. */
  async #before(moment: number, oldest: number, newest: number): Promise<number> {
    let [low, high] = [oldest, newest]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [event] = await this.#log.read(middle, 1)
      if (event !== undefined && Date.parse(event.time) < moment) low = middle + 1
      else high = middle
    }
    return low
  }

  async #existing(targets: readonly string[], id: number): Promise<DeliveryRow> {
    const row = await this.#engine.first<DeliveryRow>(this.#deliveries.sql.get, { id })
    if (row === undefined || !targets.includes(row.target)) throw new Problem('not-found', 'Delivery not found')
    return row
  }
}

/** Whether an event is behind the end of a range. */
function pastOf({ to, until }: EventRange): (event: LoggedEvent) => boolean {
  const last = to === undefined ? Number.POSITIVE_INFINITY : Number(to)
  const end = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until)
  return ({ sequence, time }) => sequence > last || Date.parse(time) > end
}

function shown({
  id,
  state,
  due,
  eventId,
  type,
  attempts,
  status,
  error,
  createdAt,
  settledAt,
}: DeliveryRow): ShownDelivery {
  const nextAt = state === 'waiting' ? new Date(due).toISOString() : null
  return { id, eventId, type, state, attempts, status, error, nextAt, createdAt, settledAt }
}
