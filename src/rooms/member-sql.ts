/** The statements of places in rooms. */

import { type RawBuilder, sql } from 'kysely'
import { argument, type Dialect, selected, statement, textArgument } from '../storage/dialect.ts'
import type { Row, Statement } from '../storage/storage.ts'
import { integerArgument, mayJoin, memberColumns } from './room-sql.ts'

/** A place as it is shown; moments are ISO 8601. */
export interface MemberRow extends Row {
  id: string
  roomId: number
  userId: number
  role: 'host' | 'member'
  order: number
  joins: number
  joinedAt: string
  seenAt: string
}

export class MemberSql {
  /** Of a room, in the order in which they were taken. */
  readonly list: Statement
  readonly get: Statement
  /** Only where there is room, for a user who may join, and has fewer than `most` places, and than `mostHere` in the room. */
  readonly insert: Statement
  /** Takes a place of the user again. */
  readonly retake: Statement
  /** Somebody is in the room: it does not expire. */
  readonly occupied: Statement
  /** Where nobody is in the room, it ends at `expiresAt`. */
  readonly emptied: Statement
  /** Marks the place `memberId` of the user as left. */
  readonly leave: Statement
  /** Marks all places in the room of the user of `memberId` as taken away. */
  readonly remove: Statement
  /** The user of `memberId` may not join the room again until it is invited. */
  readonly bar: Statement
  /** Marks those who were last seen before `before` as gone. */
  readonly silence: Statement
  /** Deletes what is marked. */
  readonly drop: Statement
  /** Rooms with somebody who was last seen before `before`. */
  readonly silent: Statement
  readonly setRole: Statement
  /** A sign of life of a place of the user. */
  readonly seen: Statement

  constructor({ kysely }: Dialect) {
    const compiled = (label: string, text: RawBuilder<unknown>) =>
      statement(label, { compile: () => text.compile(kysely) })
    const rows = () => kysely.selectFrom('room_members').where('room_id', '=', argument('id'))
    const update = () => kysely.updateTable('room_members').where('room_id', '=', argument('id'))
    const isMember = sql<boolean>`member = ${argument('memberId')}`
    const isOwn = sql<boolean>`user_id = ${integerArgument('userId')}`
    this.list = statement('room members', rows().select(selected(memberColumns)).orderBy('room_members.id'))
    this.get = statement('room member', rows().select(selected(memberColumns)).where(isMember))
    this.insert = compiled(
      'room join',
      sql`insert into room_members (member, room_id, user_id, role, joins, joined_at, seen_at) select ${textArgument('memberId')}, rooms.id, ${integerArgument('userId')}, case when rooms.user_id = ${integerArgument('userId')} then 'host' else 'member' end, 1, ${textArgument('now')}, ${textArgument('now')} from rooms where rooms.id = ${argument('id')} and ${mayJoin} and (select count(*) from room_members where room_id = rooms.id) < rooms.capacity and (select count(*) from room_members where user_id = ${integerArgument('userId')}) < ${argument('most')} and (select count(*) from room_members where room_id = rooms.id and user_id = ${integerArgument('userId')}) < ${argument('mostHere')}`,
    )
    this.retake = statement(
      'room rejoin',
      update()
        .set({ joins: sql`joins + 1`, seen_at: argument('now') })
        .where(isMember)
        .where(isOwn),
    )
    const room = () => kysely.updateTable('rooms').where('id', '=', argument('id'))
    this.occupied = statement('room occupied', room().set({ expires_at: null }))
    this.emptied = statement(
      'room emptied',
      room()
        .set({ expires_at: argument('expiresAt') })
        .where('expires_at', 'is', null)
        .where(sql<boolean>`not exists (select 1 from room_members where room_id = rooms.id)`),
    )
    const marking = (reason: string) => update().set({ leaving: sql.lit(reason) })
    this.leave = statement('room leave', marking('left').where(isMember).where(isOwn))
    this.remove = statement(
      'room remove',
      marking('removed').where('user_id', 'in', rows().select('user_id').where(isMember)),
    )
    this.bar = compiled(
      'room bar',
      sql`insert into room_guests (room_id, user_id, invited, barred) select room_id, user_id, 0, 1 from room_members where room_id = ${integerArgument('id')} and ${isMember} on conflict (room_id, user_id) do update set invited = 0, barred = 1`,
    )
    this.silence = statement('room silence', marking('gone').where('seen_at', '<', argument('before')))
    this.drop = statement(
      'room drop',
      kysely.deleteFrom('room_members').where('room_id', '=', argument('id')).where('leaving', 'is not', null),
    )
    this.silent = statement(
      'rooms silent',
      kysely
        .selectFrom('room_members')
        .select(sql.ref('room_id').as('id'))
        .distinct()
        .where('seen_at', '<', argument('before'))
        .limit(argument<number>('limit')),
    )
    this.setRole = statement(
      'room role',
      update()
        .set({ role: argument('role') })
        .where(isMember),
    )
    this.seen = statement(
      'room presence',
      update()
        .set({ seen_at: argument('now') })
        .where(isMember)
        .where(isOwn),
    )
  }
}
