/**
 * Durable deliveries: each is attempted until its target has it, at least once, by whichever process takes it. What is
 * due of a target is taken for a time (a lease); should the process die, another takes it when that is over. The order
 * is not kept.
 */

import { randomUUID } from 'node:crypto'
import type { LoggedEvent } from '../events/log.ts'
import { runInPortions } from '../storage/portions.ts'
import type { Command, Storage } from '../storage/storage.ts'
import { type Delivery, type Follower, type FollowerSource, kindOf, type Outcome, type TargetKind } from './delivery.ts'
import { type ClaimedRow, DeliverySql } from './delivery-sql.ts'
import type { Schedule } from './schedule.ts'
import { Settlements } from './settlements.ts'
import { Slots } from './slots.ts'
import { within } from './within.ts'

/** The longest time between two looks at what is due, in ms: for what processes that have died would have done. */
const lookEvery = 5000
/** As {@link lookEvery}, where something is due: of its target, the first alone is known, and others may be due a moment later. */
const lookAgain = 500
/** After a failed look, in ms. */
const retryAfter = 1000
/** What a lease lasts beyond the longest attempt, in ms: the attempt is to be settled by then. */
const margin = 5000

/** Deliveries deleted in one write. */
const forgottenAtOnce = 2000
/** For attempts that are cut off to end, in ms. */
const cutOff = 500

export interface DeliverySettings {
  engine: Storage
  schedule: Schedule
  /** The longest that an attempt takes, in ms. */
  timeout: number
  /** Attempts under way at once for one target. */
  concurrency: number
  onError: (error: unknown) => void
}

type Told = Pick<LoggedEvent, 'eventId' | 'type' | 'text' | 'owner'>
type Settled = Outcome['as']

export class Deliveries {
  readonly sql: DeliverySql
  /** Told of each attempt that ended. */
  onSettled: (kind: string, as: Settled) => void = () => {}
  readonly #settings: DeliverySettings
  readonly #kinds = new Map<string, TargetKind>()
  readonly #sources: FollowerSource[] = []
  readonly #settlements: Settlements
  readonly #slots: Slots
  readonly #lease = randomUUID()
  readonly #abort = new AbortController()
  readonly #running = new Set<Promise<void>>()
  /** Targets with more that is due, as far as is known. */
  readonly #hungry = new Set<string>()
  #filling: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #lookAt = Number.POSITIVE_INFINITY
  #started = false
  #stopping: Promise<void> | undefined

  constructor(settings: DeliverySettings) {
    this.#settings = settings
    this.sql = new DeliverySql(settings.engine.dialect)
    this.#settlements = new Settlements(settings.engine, settings.onError)
    this.#slots = new Slots((target) => this.#kindOf(target)?.concurrency ?? settings.concurrency)
  }

  /** The longest that an attempt takes, in ms. */
  get timeout(): number {
    return this.#settings.timeout
  }

  get schedule(): Schedule {
    return this.#settings.schedule
  }

  /** Says who sends to targets of a kind. */
  register(kind: TargetKind): void {
    this.#kinds.set(kind.kind, kind)
  }

  /** Says which targets follow events, of kinds that this process sends to or others do. */
  addFollowers(source: FollowerSource): void {
    this.#sources.push(source)
  }

  async followers(): Promise<Follower[]> {
    return (await Promise.all(this.#sources.map((source) => source.followers()))).flat()
  }

  start(): void {
    this.#started = true
    this.#lookWithin(0)
  }

  /** Says that something is due of these targets, or may be of any. */
  wake(targets?: Iterable<string>): void {
    for (const target of targets ?? []) this.#hungry.add(target)
    if (targets === undefined) this.#lookWithin(0)
    else this.#fill()
  }

  /**
   * Takes nothing any more, and waits for the attempts under way; those that take longer than this (ms) are cut off.
   * What even then does not end is left: its lease runs out.
   */
  stop(patience: number): Promise<void> {
    this.#stopping ??= this.#stop(patience)
    return this.#stopping
  }

  async #stop(patience: number): Promise<void> {
    clearTimeout(this.#timer)
    await this.#filling
    const ended = async () => {
      while (this.#running.size > 0) await Promise.all(this.#running)
    }
    if (await within(patience, ended())) return
    this.#abort.abort()
    await within(cutOff, ended())
  }

  get #stopped(): boolean {
    return this.#stopping !== undefined
  }

  /** A new delivery, as a command: nothing where the target has the event already. Wake its target after the write. */
  insertion(target: string, event: Told): Command {
    return [this.sql.insert, { target, ...toldAs(event, this.#settings.schedule.wait(0)) }]
  }

  /** As {@link insertion}, due at once; what the target has had is sent to it again. */
  replay(target: string, event: Told): Command {
    return [this.sql.replay, { target, ...toldAs(event, 0) }]
  }

  #kindOf(target: string): TargetKind | undefined {
    return this.#kinds.get(kindOf(target))
  }

  /** How many wait, and since when the oldest does, in ms. */
  async backlog(): Promise<{ waiting: number; age: number }> {
    const row = await this.#settings.engine.first<{ waiting: number; oldest: string | null }>(this.sql.backlog, {})
    const age = row?.oldest == null ? 0 : Date.now() - Date.parse(row.oldest)
    return { waiting: Number(row?.waiting ?? 0), age: Math.max(0, age) }
  }

  /** Deletes those of this age (ms) that nothing is to come of any more. */
  async forgetAfter(age: number): Promise<void> {
    const before = new Date(Date.now() - age).toISOString()
    await runInPortions(this.#settings.engine, this.sql.forget, forgottenAtOnce, () => ({ before }))
  }

  #lookWithin(milliseconds: number): void {
    const at = Date.now() + milliseconds
    if (!this.#started || this.#stopped || this.#lookAt <= at) return
    clearTimeout(this.#timer)
    this.#lookAt = at
    this.#timer = setTimeout(() => this.#look(), milliseconds).unref()
  }

  async #look(): Promise<void> {
    try {
      const { engine } = this.#settings
      this.#lookAt = Number.POSITIVE_INFINITY
      const waiting = await engine.all<{ target: string; due: number }>(this.sql.due, {})
      const open = await this.#open(waiting.map(({ target }) => target))
      const now = Date.now()
      let next = now + lookEvery
      for (const { target, due } of waiting) {
        if (!open.has(target)) continue
        if (due <= now) this.#hungry.add(target)
        next = Math.min(next, due <= now ? now + lookAgain : due)
      }
      this.#lookWithin(next - now)
      this.#fill()
    } catch (error) {
      this.#settings.onError(error)
      this.#lookWithin(retryAfter)
    }
  }

  /** Those that may be sent to. */
  async #open(targets: readonly string[]): Promise<Set<string>> {
    const byKind = Map.groupBy(targets, kindOf)
    const open = [...byKind].map(([kind, names]) => this.#kinds.get(kind)?.open(names) ?? [])
    return new Set((await Promise.all(open)).flat())
  }

  #fill(): void {
    if (!this.#started || this.#stopped) return
    this.#filling ??= this.#claimAll().then(
      () => {
        this.#filling = undefined
        // What was said to be due since the last look at what is wanted.
        if (this.#wanted().length > 0) this.#fill()
      },
      (error: unknown) => {
        this.#filling = undefined
        this.#settings.onError(error)
        this.#lookWithin(retryAfter)
      },
    )
  }

  /** Takes as much as there are slots for, of all targets in one write. */
  async #claimAll(): Promise<void> {
    // What else this turn of the event loop frees or adds is taken along.
    await new Promise((resolve) => setImmediate(resolve))
    for (let wanted = this.#wanted(); wanted.length > 0 && !this.#stopped; wanted = this.#wanted()) {
      const now = Date.now()
      for (const { target } of wanted) this.#hungry.delete(target)
      const claims = wanted.map(({ target, limit }): Command => {
        const until = now + (this.#kindOf(target)?.timeoutOf?.(target) ?? this.#settings.timeout) + margin
        return [this.sql.claim, { target, limit, now, until, lease: this.#lease }]
      })
      const claimed = await this.#settings.engine.write(claims)
      for (const [index, { target, limit }] of wanted.entries()) {
        const rows = (claimed[index] ?? []) as unknown as ClaimedRow[]
        if (rows.length === limit) this.#hungry.add(target)
        for (const row of rows) this.#begin(target, row)
      }
    }
  }

  #wanted(): { target: string; limit: number }[] {
    return this.#slots.share([...this.#hungry].filter((target) => this.#kindOf(target)))
  }

  #begin(target: string, row: ClaimedRow): void {
    this.#slots.take(target)
    const running = this.#attempt({ ...row, target, isLast: this.#settings.schedule.isLast(row.tries) }).finally(() =>
      this.#running.delete(running),
    )
    this.#running.add(running)
  }

  async #attempt(delivery: Delivery): Promise<void> {
    const started = Date.now()
    const { target } = delivery
    const outcome = await this.#send(delivery)
    this.#slots.free(target)
    this.#slots.note(target, outcome.as === 'retry')
    if (outcome.as === 'retry' && outcome.after) this.#slots.pause(target, outcome.after)
    // Whoever opens the target again says so.
    if (outcome.as === 'held') this.#hungry.delete(target)
    const wait = this.#waitAfter(delivery, outcome)
    const settling = this.#settlements.write(this.#settlement(delivery, outcome, started, wait))
    // In the same turn, so that what is claimed next and what was settled share a commit.
    if (this.#hungry.size > 0) this.#fill()
    await settling
    if (wait !== undefined) this.#lookWithin(wait)
    this.onSettled(kindOf(target), outcome.as)
  }

  async #send(delivery: Delivery): Promise<Outcome> {
    try {
      const outcome = (await this.#kindOf(delivery.target)?.send(delivery, this.#abort.signal)) ?? { as: 'held' }
      // What was cut off for the stop says nothing of the target.
      return this.#abort.signal.aborted && outcome.as === 'retry' ? { as: 'held' } : outcome
    } catch (error) {
      this.#settings.onError(error)
      return { as: 'retry', error: 'The attempt failed here' }
    }
  }

  /** Until the next attempt, in ms; nothing when there is none. */
  #waitAfter({ tries, isLast }: Delivery, outcome: Outcome): number | undefined {
    if (outcome.as !== 'retry' || isLast) return undefined
    return Math.max(this.#settings.schedule.wait(tries + 1) ?? 0, outcome.after ?? 0)
  }

  #settlement({ id }: Delivery, outcome: Outcome, started: number, wait: number | undefined): Command[] {
    const lease = this.#lease
    const now = Date.now()
    if (outcome.as === 'held') return [[this.sql.release, { id, lease, due: now }]]
    const state = wait !== undefined ? 'waiting' : outcome.as === 'delivered' ? 'delivered' : 'dead'
    const { status = null, error = null, excerpt = null } = outcome
    const settledAt = wait === undefined ? new Date(now).toISOString() : null
    const at = new Date(started).toISOString()
    return [
      [this.sql.settle, { id, lease, state, due: now + (wait ?? 0), status, error, settledAt }],
      [this.sql.record, { id, at, duration: now - started, outcome: outcome.as, status, error, excerpt }],
    ]
  }
}

/** What a delivery keeps of its event, with the wait before its first attempt (ms). */
function toldAs({ eventId, type, text, owner }: Told, wait = 0) {
  const now = Date.now()
  return { eventId, type, owner, body: text, due: now + wait, now: new Date(now).toISOString() }
}
