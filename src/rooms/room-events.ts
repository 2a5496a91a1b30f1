/** What is told of rooms. Each event is for one user: who is in a room hears of it, and nobody else but administrators. */

import { randomUUID } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import type { EventType } from '../schemas/event.ts'
import { MemberLeft, Room, RoomInvitation, RoomMember, Signal } from '../schemas/room.ts'
import { argument, type Dialect, statement, textArgument } from '../storage/dialect.ts'
import type { Statement } from '../storage/storage.ts'
import { leftColumns, memberColumns, roomColumns } from './room-sql.ts'

const scope = 'rooms:read'

export const roomEvents = {
  joined: {
    type: 'room.member-joined',
    description: 'Somebody has joined a room, or taken its place again (`joins` grows); told to all who are in it.',
    data: RoomMember,
    scope,
  },
  changed: {
    type: 'room.member-changed',
    description: 'A member of a room was given another role; told to all who are in it.',
    data: RoomMember,
    scope,
  },
  left: {
    type: 'room.member-left',
    description: 'Somebody is no longer in a room, and why; told to all who are in it, and to who was.',
    data: MemberLeft,
    scope,
  },
  invited: {
    type: 'room.invited',
    description: 'A user was invited to a room; told to that user alone.',
    data: RoomInvitation,
    scope,
  },
  ended: {
    type: 'room.ended',
    description: 'A room was ended; told to all who are in it, were invited, or made it.',
    data: Room,
    scope,
  },
  signal: {
    type: 'room.signal',
    description:
      'One member says something to another; told to the user of that one alone. Its text is kept for an hour.',
    data: Signal,
    scope,
  },
} as const satisfies Record<string, EventType>

const columns = ['event_id', 'type', 'subject', 'time', 'data', 'owner']

/** Arguments that every emission needs beside those that name its row. */
export function told(now: string): { eventId: string; now: string } {
  return { eventId: randomUUID(), now }
}

/** One statement each; the id of an event is that of the write, the row and the user. */
export class RoomEmissions {
  /** To all in the room, of the place `memberId`. */
  readonly joined: Statement
  readonly changed: Statement
  /** To all in the room `id`, of all places there that are being left. */
  readonly left: Statement
  /** To the user `invitedId`, of the room `id`. */
  readonly invited: Statement
  /** To all whom the room `id` concerns. */
  readonly ended: Statement
  /** `data`, to the user of the place `to` in the room `id`. */
  readonly signal: Statement

  constructor(dialect: Dialect) {
    const { kysely } = dialect
    const emit = (type: string, rows: RawBuilder<unknown>): Statement => {
      const text = sql`insert into events (${sql.join(columns.map((column) => sql.ref(column)))}) ${rows}`
      return { ...statement(`emit ${type}`, { compile: () => text.compile(kysely) }), emits: true }
    }
    const head = (type: string, row: string, room: string, user: string) =>
      sql`select ${textArgument('eventId')} || '-' || ${sql.ref(row)} || '-' || ${sql.ref(user)}, ${sql.lit(type)}, '/rooms/' || ${sql.ref(room)}, ${textArgument('now')}`
    const told = sql`(select distinct room_id, user_id from room_members) as told`
    const toMembers = (type: string, shown: Record<string, string>, which: RawBuilder<unknown>) =>
      emit(
        type,
        sql`${head(type, 'member.id', 'member.room_id', 'told.user_id')}, ${dialect.json(shown)}, told.user_id from room_members as member join ${told} on told.room_id = member.room_id where ${which}`,
      )
    const oneMember = sql`member.member = ${argument('memberId')}`
    const member = prefixed('member', memberColumns)
    const room = prefixed('room', roomColumns)
    this.joined = toMembers(roomEvents.joined.type, member, oneMember)
    this.changed = toMembers(roomEvents.changed.type, member, oneMember)
    this.left = toMembers(
      roomEvents.left.type,
      prefixed('member', leftColumns),
      sql`member.room_id = ${argument('id')} and member.leaving is not null`,
    )
    const invitation = { ...room, invitedBy: 'invitation.invited_by' }
    this.invited = emit(
      roomEvents.invited.type,
      sql`${head(roomEvents.invited.type, 'room.id', 'room.id', 'invitation.user_id')}, ${dialect.json(invitation)}, invitation.user_id from rooms as room join room_guests as invitation on invitation.room_id = room.id where room.id = ${argument('id')} and invitation.user_id = ${argument('invitedId')}`,
    )
    const concerned = sql`(select room_id, user_id from room_members union select room_id, user_id from room_guests where invited = 1 union select id as room_id, user_id from rooms) as told`
    this.ended = emit(
      roomEvents.ended.type,
      sql`${head(roomEvents.ended.type, 'room.id', 'room.id', 'told.user_id')}, ${dialect.json(room)}, told.user_id from rooms as room join ${concerned} on told.room_id = room.id where room.id = ${argument('id')}`,
    )
    this.signal = emit(
      roomEvents.signal.type,
      sql`${head(roomEvents.signal.type, 'member.id', 'member.room_id', 'member.user_id')}, ${textArgument('data')}, member.user_id from room_members as member where member.room_id = ${argument('id')} and member.member = ${argument('to')}`,
    )
  }
}

/** Columns as those of a table with this name. */
function prefixed(table: string, shown: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(shown).map(([property, column]) => [property, `${table}.${column}`]))
}
