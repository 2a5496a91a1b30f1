/** Who is in a room: places are taken, kept by signs of life, left or taken away; and what one says to another. */

import { randomBytes } from 'node:crypto'
import type { Principal } from '../contract/principal.ts'
import { cursorOf } from '../contract/stream.ts'
import { Problem } from '../errors.ts'
import type { EventLog } from '../events/log.ts'
import { type Command, type Storage, UnexpectedRows } from '../storage/storage.ts'
import { callingCost, signalCost } from './dues.ts'
import { type MemberRow, MemberSql } from './member-sql.ts'
import { type RoomEmissions, told } from './room-events.ts'
import { moment, orNotFound, orUnchanged, type Rooms, userOf } from './rooms.ts'

/** Places of a user in all rooms. */
const mostPlaces = 100
/** Places of a user in one room: a computer, a telephone and one that is on its way out. Nobody takes them all. */
const mostPlacesHere = 3
/** How long a member may be silent before it counts as gone, in ms. */
export const silence = 60_000
/** How long a room stays that everybody has left, in ms. */
const staysEmpty = 3_600_000
const sweptAtOnce = 100

export interface SignalInput {
  from: string
  to: string
  kind: 'description' | 'candidate'
  data: string
}

/** What a member needs to begin with. */
export interface Joined {
  member: MemberRow
  others: MemberRow[]
  /** Sequence of an event behind which nothing is missed. */
  cursor: string
}

export class RoomMembers {
  readonly #engine: Storage
  readonly #rooms: Rooms
  readonly #events: EventLog
  readonly #emissions: RoomEmissions
  readonly #sql: MemberSql

  constructor(engine: Storage, rooms: Rooms, events: EventLog, emissions: RoomEmissions) {
    this.#engine = engine
    this.#rooms = rooms
    this.#events = events
    this.#emissions = emissions
    this.#sql = new MemberSql(engine.dialect)
  }

  /** @throws {Problem} `not-found` for a room that the principal may not see. */
  async list(id: number, principal: Principal): Promise<MemberRow[]> {
    await this.#rooms.get(id, principal)
    return this.#engine.all<MemberRow>(this.#sql.list, { id })
  }

  /**
   * Takes a place, the same again where `memberId` names one that the user has there still.
   *
   * @throws {Problem} as {@link Rooms.open}; `forbidden` for who is not invited; `conflict` where no place is free, and
   * beyond 3 places of a user in the room, and 100 in all; `rate-limited`.
   */
  async join(id: number, memberId: string | undefined, principal: Principal): Promise<Joined> {
    const userId = userOf(principal)
    const { joinable } = await this.#rooms.open(id, principal)
    // Read before the place is taken: whoever follows from there on hears of all that comes after.
    const cursor = cursorOf((await this.#events.bounds()).newest)
    const isBack = memberId !== undefined && (await this.#retake(id, memberId, userId))
    if (!isBack && joinable === 0) throw new Problem('forbidden', 'You are not invited to the room')
    const own = isBack ? memberId : await this.#take(id, userId)
    const members = await this.#engine.all<MemberRow>(this.#sql.list, { id })
    const member = members.find((each) => each.id === own)
    if (member === undefined) throw new Problem('conflict', 'The place was taken away at the same moment')
    return { member, others: members.filter((each) => each !== member), cursor }
  }

  /** @throws {Problem} `not-found` for a place that is not the user's. */
  async leave(id: number, memberId: string, principal: Principal): Promise<void> {
    const userId = userOf(principal)
    await this.#depart(id, [[this.#sql.leave, { id, memberId, userId }, 1]])
  }

  /**
   * Takes away all places that the user of a place has in the room; it may not join again until it is invited.
   *
   * @throws {Problem} as {@link Rooms.hosted}; `not-found` for no member; `forbidden` for who made the room.
   */
  async remove(id: number, memberId: string, principal: Principal): Promise<void> {
    const room = await this.#rooms.hosted(id, principal)
    const member = await this.#member(id, memberId)
    if (member.userId === room.userId) throw new Problem('forbidden', 'Who made the room cannot be removed from it')
    await this.#depart(id, [
      [this.#sql.bar, { id, memberId }, 1],
      [this.#sql.remove, { id, memberId }],
    ])
  }

  /** @throws {Problem} as {@link Rooms.hosted}; `not-found` for no member; `forbidden` for who made the room. */
  async setRole(id: number, memberId: string, role: MemberRow['role'], principal: Principal): Promise<MemberRow> {
    const room = await this.#rooms.hosted(id, principal)
    const { userId } = await this.#member(id, memberId)
    if (role !== 'host' && userId === room.userId) throw new Problem('forbidden', 'Who made the room is always a host')
    await this.#engine
      .write([
        [this.#rooms.lock, { id }, 1],
        [this.#sql.setRole, { id, memberId, role }, 1],
        ...(principal.userId === undefined ? [] : [this.#rooms.dues.charge(principal.userId, callingCost)]),
        [this.#emissions.changed, { memberId, ...told(moment(Date.now())) }],
      ])
      .catch(this.#rooms.dues.orLimited)
      .catch(orNotFound('Member not found'))
    return this.#member(id, memberId)
  }

  /** A sign of life. @throws {Problem} `not-found` for a place that is not the user's, or is no longer. */
  async keep(id: number, memberId: string, principal: Principal): Promise<void> {
    const args = { id, memberId, userId: userOf(principal), now: moment(Date.now()) }
    await this.#engine.write([[this.#sql.seen, args, 1]]).catch(orNotFound('Member not found'))
  }

  /**
   * Says something to one other member, and to nobody else; a sign of life too.
   *
   * @throws {Problem} `not-found` where the user has no such place, or the other is not in the same room;
   * `validation-failed` for what is for itself; `rate-limited`.
   */
  async signal(id: number, signal: SignalInput, principal: Principal): Promise<void> {
    const { from, to, kind, data } = signal
    const userId = userOf(principal)
    if (from === to) {
      const errors = [{ in: 'body' as const, pointer: '/to', detail: 'must be another member' }]
      throw new Problem('validation-failed', 'The body does not match its schema', { errors })
    }
    const now = moment(Date.now())
    // `data` is the last, where the text is taken out later.
    const shown = JSON.stringify({ roomId: id, from, to, kind, data })
    await this.#engine
      .write([
        [this.#sql.seen, { id, memberId: from, userId, now }, 1],
        this.#rooms.dues.charge(userId, signalCost),
        [this.#emissions.signal, { id, to, data: shown, ...told(now) }, 1],
      ])
      .catch(this.#rooms.dues.orLimited)
      .catch(orNotFound('Member not found'))
  }

  /** Members that are silent are gone; in whichever process, it is told once. */
  async sweep(): Promise<void> {
    const before = moment(Date.now() - silence)
    for (const { id } of await this.#engine.all<{ id: number }>(this.#sql.silent, { before, limit: sweptAtOnce })) {
      await this.#write(id, [...this.#silenced(id)]).catch(orUnchanged)
    }
  }

  async #retake(id: number, memberId: string, userId: number): Promise<boolean> {
    const now = moment(Date.now())
    const taken = this.#engine.write([
      [this.#rooms.lock, { id }, 1],
      [this.#sql.retake, { id, memberId, userId, now }, 1],
      this.#rooms.dues.charge(userId, callingCost),
      [this.#emissions.joined, { memberId, ...told(now) }],
    ])
    return (await taken.catch(this.#rooms.dues.orLimited).catch(orUnchanged)) !== undefined
  }

  async #take(id: number, userId: number): Promise<string> {
    const memberId = randomBytes(16).toString('base64url')
    const now = moment(Date.now())
    await this.#engine
      .write([
        [this.#rooms.lock, { id }, 1],
        [this.#rooms.lockUser, { userId }, 1],
        // Whom nobody has swept yet holds no place.
        ...this.#silenced(id),
        [this.#sql.insert, { id, memberId, userId, now, most: mostPlaces, mostHere: mostPlacesHere }, 1],
        this.#rooms.dues.charge(userId, callingCost),
        [this.#sql.occupied, { id }],
        [this.#emissions.joined, { memberId, ...told(now) }],
      ])
      .catch(this.#rooms.dues.orLimited)
      .catch(async (error: unknown) => {
        if (!(error instanceof UnexpectedRows)) throw error
        const isEnded = error.statement === this.#rooms.lock.name
        const detail = isEnded ? 'The room was ended' : await this.#whyFull(id, userId)
        throw new Problem('conflict', detail, { cause: error })
      })
    return memberId
  }

  async #whyFull(id: number, userId: number): Promise<string> {
    const members = await this.#engine.all<MemberRow>(this.#sql.list, { id })
    const own = members.filter((each) => each.userId === userId).length
    if (own >= mostPlacesHere) return `You have ${mostPlacesHere} places in the room: leave one to take another`
    return `No place is free in the room, or you have ${mostPlaces} places in all`
  }

  #silenced(id: number): Command[] {
    const now = Date.now()
    return [[this.#sql.silence, { id, before: moment(now - silence) }], ...this.#dropping(id, now)]
  }

  /** Tells who has left, and frees the places. */
  #dropping(id: number, now: number): Command[] {
    return [
      [this.#emissions.left, { id, ...told(moment(now)) }],
      [this.#sql.drop, { id }],
      [this.#sql.emptied, { id, expiresAt: moment(now + staysEmpty) }],
    ]
  }

  async #depart(id: number, marking: readonly Command[]): Promise<void> {
    await this.#write(id, [...marking, ...this.#dropping(id, Date.now())]).catch(orNotFound('Member not found'))
  }

  /** One at a time changes who is in a room. */
  async #write(id: number, commands: readonly Command[]): Promise<void> {
    await this.#engine.write([[this.#rooms.lock, { id }, 1], ...commands])
  }

  async #member(id: number, memberId: string): Promise<MemberRow> {
    const row = await this.#engine.first<MemberRow>(this.#sql.get, { id, memberId })
    if (row === undefined) throw new Problem('not-found', 'Member not found')
    return row
  }
}
