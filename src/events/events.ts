/** What has happened, for whoever may see it: by the page, or as it happens. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import { JsonText } from '../contract/json-text.ts'
import { adminScope, holds, missingScopes, type Principal } from '../contract/principal.ts'
import { cursorOf, type Listener, type Stream } from '../contract/stream.ts'
import { Problem } from '../errors.ts'
import type { EventType } from '../schemas/event.ts'
import type { Page } from '../storage/collection.ts'
import type { Feed } from './feed.ts'
import type { EventLog, LoggedEvent } from './log.ts'
import { EventStream } from './stream.ts'

export interface EventFilter {
  /** Types, or with `.*` behind them all that begin so. */
  types?: readonly string[] | undefined
  subject?: string | undefined
}

export interface StreamQuery extends EventFilter {
  /** Sequence of the last event that was seen. */
  cursor?: string | undefined
}

/** From the oldest on, without a cursor. */
export interface EventQuery extends StreamQuery {
  limit: number
}

/** Events that a page looks through, at most, for those that are asked for. */
const mostLookedAt = 10_000
const lookedAtOnce = 1000

export class Events {
  readonly log: EventLog
  readonly feed: Feed
  /**
   * How long nothing happens before who listens is asked again, in ms; the part that says so is a sign of life, shorter
   * than the 60 s of common proxies.
   */
  heartbeat = 15_000
  readonly #types = new Map<string, EventType>()

  constructor(log: EventLog, feed: Feed) {
    this.log = log
    this.feed = feed
  }

  /** Every type that something emits. */
  get types(): ReadonlyMap<string, EventType> {
    return this.#types
  }

  /** @throws {Error} when a type is declared twice. */
  declare(types: Iterable<EventType>): void {
    for (const type of types) {
      if (this.#types.has(type.type)) throw new Error(`the event ${type.type} is declared twice`)
      this.#types.set(type.type, type)
    }
  }

  /**
   * Whether an event is asked for, and the principal may see it.
   *
   * @throws {Problem} `validation-failed` for a type that there is not; `forbidden` when none of the types that it names
   * can be seen.
   */
  selects(principal: Principal, { types, subject }: EventFilter): (event: LoggedEvent) => boolean {
    const named =
      types === undefined ? [...this.#types.values()] : types.flatMap((name, index) => this.#named(name, index))
    const seen = new Set(named.filter(({ scope }) => holds(principal, scope)).map(({ type }) => type))
    if (types !== undefined && seen.size === 0) {
      const missing = missingScopes(principal, new Set(named.map(({ scope }) => scope)))
      throw new Problem('forbidden', `The credential lacks the scope ${missing.join(', ')}`)
    }
    const seesAll = holds(principal, adminScope)
    return (event) =>
      seen.has(event.type) &&
      (subject === undefined || event.subject === subject) &&
      (event.owner === null || seesAll || event.owner === principal.userId)
  }

  /**
   * Events as they happen, from the cursor on; without one, none that happened before.
   *
   * @throws {Problem} as {@link selects} and {@link position}.
   */
  async follow(listener: Listener, { cursor, ...filter }: StreamQuery): Promise<Stream> {
    this.selects(listener.principal, filter)
    const after = cursor === undefined ? this.feed.newest : await this.position(cursor)
    return new EventStream(this, listener, filter, after)
  }

  /** @throws {Problem} as {@link selects} and {@link position}. */
  async page<Value>(principal: Principal, query: EventQuery): Promise<Page<Value>> {
    const selects = this.selects(principal, query)
    const found: LoggedEvent[] = []
    let seen = query.cursor === undefined ? (await this.log.bounds()).oldest : await this.position(query.cursor)
    let more = true
    for (let looked = 0; more && looked < mostLookedAt && found.length < query.limit; looked += lookedAtOnce) {
      // An engine may answer at once: a page that hardly anything is for would keep the event loop.
      if (looked > 0) await nextTurn()
      const events = await this.log.read(seen, lookedAtOnce)
      more = events.length === lookedAtOnce
      for (const event of events) {
        if (found.length === query.limit) {
          more = true
          break
        }
        seen = event.sequence
        if (selects(event)) found.push(event)
      }
    }
    return {
      items: JsonText.of<Value[]>(`[${found.map(({ text }) => text).join(',')}]`),
      next: more ? cursorOf(seen) : undefined,
    }
  }

  /**
   * The sequence that a cursor stands for.
   *
   * @throws {Problem} `validation-failed` for none of these events; `gone` when events behind it are no longer kept.
   */
  async position(cursor: string): Promise<number> {
    const sequence = /^\d{1,16}$/.test(cursor) ? Number(cursor) : Number.NaN
    const { oldest, newest } = await this.log.bounds()
    if (!(sequence <= newest)) {
      throw new Problem('validation-failed', 'The query does not match its schema', {
        errors: [{ in: 'query', pointer: '/cursor', detail: 'must be the sequence of an event' }],
      })
    }
    if (sequence < oldest) throw new Problem('gone', 'Events behind this cursor are no longer kept')
    return sequence
  }

  #named(name: string, index: number): EventType[] {
    const matches = name.endsWith('.*')
      ? (type: string) => type.startsWith(name.slice(0, -1))
      : (type: string) => type === name
    const named = [...this.#types.values()].filter(({ type }) => matches(type))
    if (named.length > 0) return named
    throw new Problem('validation-failed', 'The query does not match its schema', {
      errors: [{ in: 'query', pointer: `/types/${index}`, detail: 'must be a type of event' }],
    })
  }
}
