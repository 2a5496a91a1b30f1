/**
 * What is asked of Stripe once, whatever becomes of the answer. A row is written first; Stripe is called under a key of
 * that row; the answer is recorded. Whoever finds the row later finishes it: Stripe is asked for what it may have made
 * already, and knows doubles by the key for the day that it keeps it.
 */

import { setTimeout as wait } from 'node:timers/promises'
import type { Outcome } from '../../deliveries/delivery.ts'
import { Problem } from '../../errors.ts'
import { isDecline, isKept, isRefusal, messageOf, propertyOf, refusal } from './failures.ts'
import type { Versioned } from './rows.ts'

/** What every such row has. */
export interface Requested {
  readonly id: number
  readonly status: string
  readonly reference: string
  readonly attempt: number
  /** Since when Stripe has said, under the key that the row has now, that it does not know what it has done. */
  readonly unsureSince: string | null
  readonly createdAt: string
  readonly failure: string | null
  readonly failureProperty: string | null
}

/** One kind of what is asked for. */
export interface Kind<Row extends Requested, Thing> {
  readonly label: string
  /** How long Stripe must have known nothing of the row before another key is tried, in ms; 0 where a double costs nothing. */
  readonly doubt: number
  get(id: number): Promise<Versioned<Row>>
  /** Nothing where somebody has changed the row since. */
  change(row: Versioned<Row>, changes: Partial<Row>): Promise<Versioned<Row> | undefined>
  /** What Stripe has made for the row; nothing where it has not. */
  find(row: Row): Promise<Thing | undefined>
  /** Whether it is what the row asks for, whatever its metadata say. */
  isOf(row: Row, thing: Thing): boolean
  create(row: Row, idempotencyKey: string): Promise<Thing>
  /** What is left to do once the row names the thing; gives the thing as it is then. */
  complete(row: Row, thing: Thing): Promise<Thing>
  /** Ends, for a row that was given up, what has come of it. Whether it has: what has had an effect stays. */
  discard(thing: Thing): Promise<boolean>
  /** What Stripe calls it is on the row. */
  isMade(row: Row): boolean
  /** As it is now, once it is made. */
  retrieve(row: Row): Promise<Thing>
  /** What must change of a row, and be tried again, for a refusal to be none; nothing where it stands. */
  mend(row: Row, error: unknown): Promise<Partial<Row> | undefined>
  /** What of the row is not as Stripe says. */
  changes(row: Row, thing: Thing): Partial<Row>
}

export interface Finished<Row, Thing> {
  readonly row: Versioned<Row>
  readonly thing: Thing
}

/** A row that changes this often while it is read has its next reader to set it right. */
const mostRounds = 5
/** For how long who has asked may ask again before a row that never reached Stripe is given up, in ms: as long as a caller’s key is kept. */
export const patience = 86_400_000
/** Before an answer that was lost is looked for, in ms. */
const betweenRounds = 20

export class Requests<Row extends Requested, Thing> {
  readonly #kind: Kind<Row, Thing>
  readonly #running = new Map<number, Promise<Finished<Row, Thing>>>()

  constructor(kind: Kind<Row, Thing>) {
    this.#kind = kind
  }

  /**
   * Brings a row to Stripe, if it is not there, and gives both as they are now. `isNew`: that nobody has tried before.
   *
   * @throws {Problem} or an error of Stripe.
   */
  finish(id: number, isNew: boolean): Promise<Finished<Row, Thing>> {
    const running = this.#running.get(id)
    if (running) return running
    const started = this.#finish(id, isNew).finally(() => this.#running.delete(id))
    this.#running.set(id, started)
    return started
  }

  /** Makes the row what Stripe says of it. @throws {Problem} for one that Stripe has never made, or an error of Stripe. */
  async reflect(id: number): Promise<Finished<Row, Thing>> {
    for (let round = 1; round <= mostRounds; round += 1) {
      // Read before Stripe is asked: where the row has not changed since, what Stripe says is newer than it.
      const row = await this.#kind.get(id)
      if (!this.#kind.isMade(row)) throw refusal(row.failure ?? 'Stripe does not know of it yet', row.failureProperty)
      const thing = await this.#kind.retrieve(row)
      const written = await this.#write(row, thing)
      if (written) return { row: written, thing }
      await wait(betweenRounds * round)
    }
    throw new Error(`${this.#kind.label} ${id} changes faster than it is read`)
  }

  /** Takes what Stripe has told of for what the row asks for; nothing where it is not, or the row was given up before. */
  async adopt(id: number, thing: Thing): Promise<Finished<Row, Thing> | undefined> {
    for (let row = await this.#kind.get(id); !this.#kind.isMade(row); row = await this.#kind.get(id)) {
      if (!this.#kind.isOf(row, thing)) return undefined
      if (row.status === 'canceled' && (await this.#kind.discard(thing))) return undefined
      if ((await this.#write(row, thing)) !== undefined) break
    }
    return this.reflect(id)
  }

  /** As {@link reflect}, of a row that may not be at Stripe; nothing where it is not. */
  async refresh(id: number): Promise<Finished<Row, Thing> | undefined> {
    const row = await this.#kind.get(id)
    if (this.#kind.isMade(row)) return this.reflect(id)
    const thing = row.status === 'requested' ? await this.#kind.find(row) : undefined
    return thing && this.adopt(id, thing)
  }

  /**
   * For a row that may have been left behind: takes what Stripe has made for it. It makes nothing itself: whoever was
   * told that there was no answer may have asked for it anew. `isLast`: that what is left is left to the sweep.
   */
  async settle(id: number, isLast = false, signal?: AbortSignal): Promise<Outcome> {
    await this.#running.get(id)?.catch(() => {})
    signal?.throwIfAborted()
    const known = await this.refresh(id)
    signal?.throwIfAborted()
    const row = known?.row ?? (await this.#kind.get(id))
    if (row.status !== 'requested') return { as: 'delivered' }
    if (Date.now() - Date.parse(row.createdAt) < patience) {
      if (isLast) return { as: 'delivered' }
      const error = `${this.#kind.label} ${id} is not made at Stripe yet: who asked for it may ask again`
      return { as: 'retry', error }
    }
    if (known) {
      await this.#kind.discard(known.thing)
      await this.reflect(id)
    } else await this.#kind.change(row, { status: 'canceled', failure: 'It has never reached Stripe' } as Partial<Row>)
    return { as: 'delivered' }
  }

  /**
   * For what is not wanted any more: gives up a row that Stripe has made nothing for. Whether it was one. Another
   * process that is asking Stripe for it finds it given up, and discards what it gets.
   *
   * @throws {Problem} `unavailable` where the row has changed meanwhile.
   */
  async withdraw(id: number): Promise<boolean> {
    await this.#running.get(id)?.catch(() => {})
    if ((await this.refresh(id)) !== undefined) return false
    const row = await this.#kind.get(id)
    const changes = { status: 'canceled', failure: 'It was canceled before it reached Stripe' }
    if (row.status === 'requested' && !this.#kind.isMade(row)) {
      if (await this.#kind.change(row, changes as unknown as Partial<Row>)) return true
    }
    throw new Problem('unavailable', `The ${this.#kind.label} is on its way to Stripe`, {
      headers: { 'retry-after': '1' },
    })
  }

  async #finish(id: number, isNew: boolean): Promise<Finished<Row, Thing>> {
    const row = await this.#kind.get(id)
    if (row.status !== 'requested') return this.reflect(id)
    const made = this.#kind.isMade(row) ? await this.reflect(id) : await this.#make(row, isNew)
    // Another process has been faster.
    if (made.row.status !== 'requested') return made
    return this.#complete(made)
  }

  async #make(row: Versioned<Row>, isNew: boolean): Promise<Finished<Row, Thing>> {
    const thing = (isNew ? undefined : await this.#kind.find(row)) ?? (await this.#create(row))
    // A kept answer says what was true when it was given.
    const written = isNew ? await this.#write(row, thing) : undefined
    const made = written ? { row: written, thing } : await this.adopt(row.id, thing)
    return made ?? this.reflect(row.id)
  }

  /** The row names the thing, and is not given up: who gives it up from now on ends the thing. */
  async #complete({ row, thing }: Finished<Row, Thing>): Promise<Finished<Row, Thing>> {
    try {
      const completed = await this.#kind.complete(row, thing)
      const written = await this.#write(row, completed)
      return written ? { row: written, thing: completed } : await this.reflect(row.id)
    } catch (error) {
      if (isRefusal(error)) await this.#refuse(row, error)
      throw error
    }
  }

  async #create(first: Versioned<Row>): Promise<Thing> {
    let row = first
    for (let round = 1; ; round += 1) {
      try {
        return await this.#kind.create(row, keyOf(this.#kind.label, row))
      } catch (error) {
        const mended = round < mostRounds ? await this.#mended(row, error) : undefined
        if (mended === undefined) {
          if (isRefusal(error) || isDecline(error)) await this.#refuse(row, error)
          throw error
        }
        if ('thing' in mended) return mended.thing
        row = mended.row
      }
    }
  }

  /** What to go on with after a failure: what Stripe has made all the same, or the row under another key. */
  async #mended(row: Versioned<Row>, error: unknown): Promise<{ thing: Thing } | { row: Versioned<Row> } | undefined> {
    const changes = isKept(error) ? await this.#doubted(row) : await this.#kind.mend(row, error)
    if (changes === undefined) return undefined
    const thing = await this.#kind.find(row)
    if (thing !== undefined) return { thing }
    const renewed = await this.#kind.change(row, {
      ...changes,
      attempt: row.attempt + 1,
      unsureSince: null,
    } as unknown as Partial<Row>)
    // Somebody else was first: under its key, there is one effect.
    return { row: renewed ?? (await this.#kind.get(row.id)) }
  }

  /** A failure of Stripe leaves open what it has done: where a double counts, nothing else is begun before that is sure. */
  async #doubted(row: Versioned<Row>): Promise<Partial<Row> | undefined> {
    const { doubt } = this.#kind
    if (doubt === 0 || (row.unsureSince !== null && Date.now() - Date.parse(row.unsureSince) >= doubt)) return {}
    const unsureSince = new Date().toISOString()
    if (row.unsureSince === null) await this.#kind.change(row, { unsureSince } as unknown as Partial<Row>)
    return undefined
  }

  async #refuse(row: Versioned<Row>, error: Parameters<typeof propertyOf>[0]): Promise<void> {
    const changes = { status: 'failed', failure: messageOf(error), failureProperty: propertyOf(error) ?? null }
    await this.#kind.change(row, changes as unknown as Partial<Row>)
  }

  async #write(row: Versioned<Row>, thing: Thing): Promise<Versioned<Row> | undefined> {
    const changes = this.#kind.changes(row, thing)
    return Object.keys(changes).length === 0 ? row : this.#kind.change(row, changes)
  }
}

/** Stripe keeps it for a day at least. */
function keyOf(label: string, { reference, attempt }: Requested): string {
  return `septet-${label}-${reference}${attempt === 0 ? '' : `-${attempt}`}`
}
