/** Rooms in which users meet to call each other: who may be there, and until when. */

import { adminScope, holds, type Principal } from '../contract/principal.ts'
import { Problem } from '../errors.ts'
import { runInPortions } from '../storage/portions.ts'
import { type Command, orConflict, type Row, type Storage, UnexpectedRows } from '../storage/storage.ts'
import { callingCost, Dues } from './dues.ts'
import { type RoomEmissions, told } from './room-events.ts'
import { type RoomAccess, type RoomRow, RoomSql, type SeenRoomRow } from './room-sql.ts'

const hour = 3_600_000
const day = 24 * hour

/** Rooms of a user that were not ended. */
const mostRooms = 20
/** Users that are invited to a room. */
const mostGuests = 100
/** How long a room waits for the first to join, in ms. */
const waitsForFirst = day
/** How long an ended room is shown, in ms. */
const shownAfterEnd = day
/** How long the text of a signal is kept, in ms: it names network addresses, and nobody needs it later. */
const signalsKept = hour
/** Signals whose text is taken out in one write. */
const forgottenAtOnce = 1000
/** How much later than its time a signal may have been written, in ms; clocks of processes differ too. */
const lateness = 60_000

export interface InvitationRow extends Row {
  userId: number
  invitedBy: number
}

export interface RoomInput {
  name: string
  capacity?: number | undefined
  access?: RoomAccess | undefined
}

export class Rooms {
  readonly dues: Dues
  readonly #engine: Storage
  readonly #sql: RoomSql
  readonly #emissions: RoomEmissions
  /** The text of signals before this moment, ISO 8601, was taken out. */
  #signalsForgotten = ''

  constructor(engine: Storage, emissions: RoomEmissions) {
    this.#engine = engine
    this.#sql = new RoomSql(engine.dialect)
    this.#emissions = emissions
    this.dues = new Dues(engine)
  }

  /** The statement that lets one write at a time change who is in a room, and fails where it was ended. */
  get lock() {
    return this.#sql.lock
  }

  get lockUser() {
    return this.#sql.lockUser
  }

  /** @throws {Problem} `forbidden` for who is no user; `conflict` beyond 20 rooms. */
  async create({ name, capacity = 8, access = 'invited' }: RoomInput, principal: Principal): Promise<RoomRow> {
    const userId = userOf(principal)
    const now = Date.now()
    const room = { name, capacity, access, userId, createdAt: moment(now), endedAt: null }
    const args = { ...room, now: room.createdAt, expiresAt: moment(now + waitsForFirst), most: mostRooms }
    const [, made] = await this.#engine
      .write([
        [this.#sql.lockUser, { userId }, 1],
        [this.#sql.insert, args, 1],
      ])
      .catch(orConflict(`You have ${mostRooms} rooms: end one to make another`))
    return { id: made?.[0]?.id as number, ...room }
  }

  /** Those that a principal may see and that were not ended, by id from a cursor on. */
  async page(
    principal: Principal,
    limit: number,
    cursor = '0',
  ): Promise<{ items: RoomRow[]; next: string | undefined }> {
    const args = { ...visibleTo(principal), after: Number(cursor), limit: limit + 1 }
    const rows = await this.#engine.all<SeenRoomRow>(this.#sql.page, args)
    const items = rows.slice(0, limit)
    return { items, next: rows.length > limit ? String(items.at(-1)?.id) : undefined }
  }

  /** @throws {Problem} `not-found`, also for a room that the principal may not see. */
  async get(id: number, principal: Principal): Promise<SeenRoomRow> {
    const row = await this.#engine.first<SeenRoomRow>(this.#sql.visible, { ...visibleTo(principal), id })
    if (row === undefined) throw new Problem('not-found', 'Room not found')
    return row
  }

  /** A room that was not ended. @throws {Problem} as {@link get}; `conflict` for one that was. */
  async open(id: number, principal: Principal): Promise<SeenRoomRow> {
    const room = await this.get(id, principal)
    if (room.endedAt !== null) throw new Problem('conflict', 'The room was ended')
    return room
  }

  /** As {@link open}, for hosts. @throws {Problem} as that; `forbidden` for others. */
  async hosted(id: number, principal: Principal): Promise<SeenRoomRow> {
    const room = await this.open(id, principal)
    if (room.hosts === 0) throw new Problem('forbidden', 'Only hosts of the room may do this')
    return room
  }

  /** Ends a room for all who are in it. @throws {Problem} as {@link hosted}. */
  async end(id: number, principal: Principal): Promise<RoomRow> {
    const room = await this.hosted(id, principal)
    const now = moment(Date.now())
    await this.#engine
      .write([[this.#sql.end, { id, now }, 1], ...this.#ending(id, now)])
      .catch(orConflict('The room was ended'))
    return { ...room, endedAt: now }
  }

  /**
   * Lets a user join, who may have been removed before, and tells that user.
   *
   * @throws {Problem} as {@link hosted}; `conflict` where there is no such user, or beyond 100 users.
   */
  async invite(id: number, invitedId: number, principal: Principal): Promise<void> {
    const userId = userOf(principal)
    await this.hosted(id, principal)
    const args = { id, invitedId, userId, most: mostGuests }
    const tell = { id, invitedId, ...told(moment(Date.now())) }
    await this.#engine
      .write([
        [this.#sql.lock, { id }, 1],
        [this.#sql.lockUser, { userId: invitedId }, 1],
        [this.#sql.invite, args, 1],
        this.dues.charge(userId, callingCost),
        [this.#emissions.invited, tell, 1],
      ])
      .catch(this.dues.orLimited)
      .catch((error: unknown) => {
        if (error instanceof UnexpectedRows && error.statement === this.#sql.lockUser.name)
          throw new Problem('conflict', 'There is no such user', { cause: error })
        throw error
      })
      .catch(orConflict(`The room was ended, or has ${mostGuests} invitations`))
  }

  /** Who is invited. @throws {Problem} as {@link hosted}. */
  async invitations(id: number, principal: Principal): Promise<InvitationRow[]> {
    await this.hosted(id, principal)
    return this.#engine.all<InvitationRow>(this.#sql.invitations, { id })
  }

  /** Takes an invitation back; who has joined stays, and who was removed before is again. @throws {Problem} as {@link hosted}; `not-found`. */
  async uninvite(id: number, invitedId: number, principal: Principal): Promise<void> {
    await this.hosted(id, principal)
    await this.#engine
      .write([
        [this.#sql.uninvite, { id, invitedId }, 1],
        [this.#sql.forgetGuest, { id, invitedId }],
      ])
      .catch(orNotFound('Invitation not found'))
  }

  /** Ends rooms in which nobody has been for their time. */
  async endExpired(): Promise<void> {
    const now = moment(Date.now())
    for (const { id } of await this.#engine.all<{ id: number }>(this.#sql.expired, { now, limit: 100 })) {
      // Who was in between has joined, or has ended it.
      await this.#engine.write([[this.#sql.expire, { id, now }, 1], ...this.#ending(id, now)]).catch(orUnchanged)
    }
  }

  /** Deletes what was ended long ago. */
  async forget(): Promise<void> {
    await this.#engine.write([[this.#sql.forget, { before: moment(Date.now() - shownAfterEnd) }]])
  }

  /** Takes out the text of signals that have done their work. */
  async forgetSignals(): Promise<void> {
    const now = Date.now()
    const args = { from: this.#signalsForgotten, before: moment(now - signalsKept) }
    await runInPortions(this.#engine, this.#sql.forgetSignals, forgottenAtOnce, () => args)
    this.#signalsForgotten = moment(now - signalsKept - lateness)
  }

  /** What follows the command that ends a room. */
  #ending(id: number, now: string): Command[] {
    return [
      [this.#emissions.ended, { id, ...told(now) }],
      [this.#sql.clear, { id }],
    ]
  }
}

/** The user who is in a room. @throws {Problem} `forbidden` for a principal that is none. */
export function userOf({ userId }: Principal): number {
  if (userId === undefined) throw new Problem('forbidden', 'Only users are in rooms: sign in, or use the key of a user')
  return userId
}

/** ISO 8601 of a moment in ms. */
export function moment(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** For `catch`: what a write meets that is not there is told as that. */
export function orNotFound(detail: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof UnexpectedRows ? new Problem('not-found', detail, { cause: error }) : error
  }
}

/** For `catch`: what a sweep no longer meets, another has done. */
export function orUnchanged(error: unknown): void {
  if (!(error instanceof UnexpectedRows)) throw error
}

function visibleTo(principal: Principal): { all: number; userId: number | null } {
  return { all: holds(principal, adminScope) ? 1 : 0, userId: principal.userId ?? null }
}
