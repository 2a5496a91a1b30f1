/** The tables of rooms, their statements, and who may see a room. */

import { type RawBuilder, sql } from 'kysely'
import type { Migration } from '../schemas/collection.ts'
import { argument, type Dialect, selected, statement, textArgument } from '../storage/dialect.ts'
import type { Row, Statement } from '../storage/storage.ts'

export type RoomAccess = 'open' | 'invited'

/** A room as it is shown; moments are ISO 8601. */
export interface RoomRow extends Row {
  id: number
  name: string
  capacity: number
  access: RoomAccess
  userId: number
  createdAt: string
  endedAt: string | null
}

/** With whether who asks is a host, and whether it may join: 1, or 0. */
export type SeenRoomRow = RoomRow & { hosts: number; joinable: number }

export const roomColumns: Record<Exclude<keyof RoomRow, number>, string> = {
  id: 'id',
  name: 'name',
  capacity: 'capacity',
  access: 'access',
  userId: 'user_id',
  createdAt: 'created_at',
  endedAt: 'ended_at',
}

/** Of a place in a room. */
export const memberColumns = {
  id: 'member',
  roomId: 'room_id',
  userId: 'user_id',
  role: 'role',
  order: 'id',
  joins: 'joins',
  joinedAt: 'joined_at',
  seenAt: 'seen_at',
} as const

/** Of a place that is being left. */
export const leftColumns = { ...memberColumns, reason: 'leaving' } as const

/**
 * Users are named without a foreign key: the places of one that is deleted fall silent, are told as left, and go.
 * `expires_at` of a room: when it ends, while nobody is in it. `leaving` of a member is set within a write alone.
 * A guest is `invited`, or not; who is `barred` does not join without that, however open the room is.
 * `room_users.paid_until`, in ms: when all that a user has done in rooms will have been paid for.
 */
export const roomMigrations: readonly Migration[] = [
  {
    id: 'rooms-1-create',
    up: ({ schema, createNumbered, text, integer }) => [
      createNumbered('rooms')
        .addColumn('name', text, (column) => column.notNull())
        .addColumn('capacity', integer, (column) => column.notNull())
        .addColumn('access', text, (column) => column.notNull())
        .addColumn('user_id', integer, (column) => column.notNull())
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('ended_at', text)
        .addColumn('expires_at', text),
      schema.createIndex('rooms_user').on('rooms').column('user_id'),
      schema.createIndex('rooms_expires_at').on('rooms').column('expires_at'),
      createNumbered('room_members')
        .addColumn('member', text, (column) => column.notNull().unique())
        .addColumn('room_id', integer, (column) => column.notNull().references('rooms.id').onDelete('cascade'))
        .addColumn('user_id', integer, (column) => column.notNull())
        .addColumn('role', text, (column) => column.notNull())
        .addColumn('joins', integer, (column) => column.notNull())
        .addColumn('joined_at', text, (column) => column.notNull())
        .addColumn('seen_at', text, (column) => column.notNull())
        .addColumn('leaving', text),
      schema.createIndex('room_members_room').on('room_members').columns(['room_id', 'user_id']),
      schema.createIndex('room_members_user').on('room_members').column('user_id'),
      schema.createIndex('room_members_seen_at').on('room_members').column('seen_at'),
      schema
        .createTable('room_guests')
        .addColumn('room_id', integer, (column) => column.notNull().references('rooms.id').onDelete('cascade'))
        .addColumn('user_id', integer, (column) => column.notNull())
        .addColumn('invited', integer, (column) => column.notNull())
        .addColumn('barred', integer, (column) => column.notNull())
        .addColumn('invited_by', integer)
        .addPrimaryKeyConstraint('room_guests_unique', ['room_id', 'user_id']),
      schema.createIndex('room_guests_user').on('room_guests').column('user_id'),
      schema
        .createTable('room_users')
        .addColumn('user_id', integer, (column) => column.primaryKey())
        .addColumn('paid_until', integer, (column) => column.notNull()),
      schema
        .createIndex('events_signals')
        .on('events')
        .column('time')
        .where(sql.ref('type'), '=', sql.lit('room.signal')),
    ],
  },
]

export const integerArgument = (name: string) => sql<number>`cast(${argument(name)} as bigint)`

const ofRoom = (table: string) => sql`${sql.ref(`${table}.room_id`)} = rooms.id`
const ofUser = (table: string) => sql`${sql.ref(`${table}.user_id`)} = ${integerArgument('userId')}`

/** Of a row of `rooms`: whether the user `userId` may join it. */
export const mayJoin = sql<boolean>`(rooms.user_id = ${integerArgument('userId')} or exists (select 1 from room_guests where ${ofRoom('room_guests')} and ${ofUser('room_guests')} and invited = 1) or (rooms.access = 'open' and not exists (select 1 from room_guests where ${ofRoom('room_guests')} and ${ofUser('room_guests')} and barred = 1)))`

export class RoomSql {
  /** One that the principal (`all`, `userId`) may see. */
  readonly visible: Statement
  /** Those that it may see and that were not ended, behind the id `after`. */
  readonly page: Statement
  /** Only while its user has fewer than `most` that were not ended. */
  readonly insert: Statement
  /** Holds others off a room that was not ended. */
  readonly lock: Statement
  /** Writes that count what a user has wait for each other. */
  readonly lockUser: Statement
  readonly end: Statement
  /** Of a room that was not ended, in which nobody is, and whose time is over. */
  readonly expire: Statement
  readonly expired: Statement
  /** Nobody is in it any more. */
  readonly clear: Statement
  /** Only a user that there is, and while fewer than `most` others are invited to the room. */
  readonly invite: Statement
  readonly uninvite: Statement
  /** Of guests who are neither invited nor barred. */
  readonly forgetGuest: Statement
  /** Who is invited to the room, and by whom. */
  readonly invitations: Statement
  readonly forget: Statement
  /** Takes the text out of at most `limit` signals of a time, and gives their ids. */
  readonly forgetSignals: Statement

  constructor({ kysely, name }: Dialect) {
    const compiled = (label: string, text: RawBuilder<unknown>) =>
      statement(label, { compile: () => text.compile(kysely) })
    const hosts = sql<number>`case when ${integerArgument('all')} = 1 or rooms.user_id = ${integerArgument('userId')} or exists (select 1 from room_members where ${ofRoom('room_members')} and ${ofUser('room_members')} and role = 'host') then 1 else 0 end`
    const joinable = sql<number>`case when ${mayJoin} then 1 else 0 end`
    const isIn = sql`exists (select 1 from room_members where ${ofRoom('room_members')} and ${ofUser('room_members')})`
    const seen = () =>
      kysely
        .selectFrom('rooms')
        .select([...selected(roomColumns), hosts.as('hosts'), joinable.as('joinable')])
        .where(sql<boolean>`(${integerArgument('all')} = 1 or ${isIn} or ${mayJoin})`)
    this.visible = statement('room', seen().where('id', '=', argument('id')))
    this.page = statement(
      'rooms',
      seen()
        .where('id', '>', argument('after'))
        .where('ended_at', 'is', null)
        .orderBy('id')
        .limit(argument<number>('limit')),
    )
    this.insert = compiled(
      'room insert',
      sql`insert into rooms (name, capacity, access, user_id, created_at, expires_at) select ${textArgument('name')}, ${integerArgument('capacity')}, ${textArgument('access')}, ${integerArgument('userId')}, ${textArgument('now')}, ${textArgument('expiresAt')} where (select count(*) from rooms where user_id = ${integerArgument('userId')} and ended_at is null) < ${argument('most')} returning id`,
    )
    const open = () => kysely.updateTable('rooms').where('id', '=', argument('id')).where('ended_at', 'is', null)
    this.lockUser = statement(
      'room user lock',
      kysely
        .updateTable('users')
        .set({ version: sql.ref('version') })
        .where('id', '=', argument('userId')),
    )
    this.lock = statement('room lock', open().set({ name: sql.ref('name') }))
    this.end = statement('room end', open().set({ ended_at: argument('now') }))
    const empty = sql<boolean>`not exists (select 1 from room_members where ${ofRoom('room_members')})`
    this.expire = statement(
      'room expire',
      open()
        .set({ ended_at: argument('now') })
        .where('expires_at', '<=', argument('now'))
        .where(empty),
    )
    this.expired = statement(
      'rooms expired',
      kysely
        .selectFrom('rooms')
        .select('id')
        .where('expires_at', '<=', argument('now'))
        .where('ended_at', 'is', null)
        .where(empty)
        .limit(argument<number>('limit')),
    )
    this.clear = statement('room clear', kysely.deleteFrom('room_members').where('room_id', '=', argument('id')))
    this.invite = compiled(
      'room invite',
      sql`insert into room_guests (room_id, user_id, invited, barred, invited_by) select ${integerArgument('id')}, users.id, 1, 0, ${integerArgument('userId')} from users where users.id = ${integerArgument('invitedId')} and (select count(*) from room_guests where room_id = ${integerArgument('id')} and invited = 1 and user_id <> users.id) < ${argument('most')} on conflict (room_id, user_id) do update set invited = 1, invited_by = excluded.invited_by`,
    )
    this.uninvite = statement(
      'room uninvite',
      kysely
        .updateTable('room_guests')
        .set({ invited: 0 })
        .where('room_id', '=', argument('id'))
        .where('user_id', '=', argument('invitedId'))
        .where('invited', '=', sql.lit(1)),
    )
    this.forgetGuest = statement(
      'room guest forget',
      kysely
        .deleteFrom('room_guests')
        .where('room_id', '=', argument('id'))
        .where('user_id', '=', argument('invitedId'))
        .where('invited', '=', sql.lit(0))
        .where('barred', '=', sql.lit(0)),
    )
    this.invitations = statement(
      'room invitations',
      kysely
        .selectFrom('room_guests')
        .select([sql.ref('user_id').as('userId'), sql.ref('invited_by').as('invitedBy')])
        .where('room_id', '=', argument('id'))
        .where('invited', '=', sql.lit(1))
        .orderBy('user_id'),
    )
    this.forget = statement('rooms forget', kysely.deleteFrom('rooms').where('ended_at', '<', argument('before')))
    const position = name === 'sqlite' ? sql`instr(data, '"data":')` : sql`strpos(data, '"data":')`
    this.forgetSignals = compiled(
      'signals forget',
      sql`update events set data = substr(data, 1, ${position} - 1) || '"data":""}' where id in (select id from events where type = 'room.signal' and time >= ${argument('from')} and time < ${argument('before')} and data not like '%"data":""}' limit ${argument('limit')}) returning id`,
    )
  }
}
