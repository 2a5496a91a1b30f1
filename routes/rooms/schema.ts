/** What rooms look like from outside, beside what their events show too. */

import { Type } from '@sinclair/typebox'
import { idCursor } from '../../src/schemas/delivery.ts'
import { Id, reference } from '../../src/schemas/id.ts'
import { pageQuery } from '../../src/schemas/page.ts'
import { Capacity, MemberId, RoomAccess, RoomMember, RoomName, RoomRole, signal } from '../../src/schemas/room.ts'

export const RoomInput = Type.Object(
  {
    name: RoomName,
    capacity: Type.Optional({ ...Capacity, description: `${Capacity.description} 8 unless said otherwise.` }),
    access: Type.Optional({ ...RoomAccess, description: `${RoomAccess.description} Unless said otherwise that.` }),
  },
  { $id: 'RoomInput', additionalProperties: false, description: 'A room to be made.' },
)

export const JoinInput = Type.Object(
  {
    memberId: Type.Optional(
      Type.String({
        ...MemberId,
        description: 'The place that the same user had before; taken again while it is there.',
      }),
    ),
  },
  { $id: 'JoinInput', additionalProperties: false, description: 'How a room is joined.' },
)

const memberExample = {
  id: 'mJ0R3bYw9k2Xo5uVn8Qd1g',
  roomId: 1,
  userId: 1,
  role: 'member',
  order: 7,
  joins: 1,
  joinedAt: '2026-11-24T12:00:00.000Z',
  seenAt: '2026-11-24T12:00:00.000Z',
}

export const RoomMembers = Type.Object(
  { members: Type.Array(RoomMember, { examples: [[memberExample]] }) },
  { $id: 'RoomMembers', additionalProperties: false, description: 'Who is in a room.' },
)

const Invitation = Type.Object(
  {
    userId: reference('getUser', 'Who may join.'),
    invitedBy: reference('getUser', 'Who has invited.'),
  },
  { $id: 'Invitation', additionalProperties: false, description: 'That a user may join a room.' },
)

export const RoomInvitations = Type.Object(
  { invitations: Type.Array(Invitation, { examples: [[{ userId: 2, invitedBy: 1 }]] }) },
  { $id: 'RoomInvitations', additionalProperties: false, description: 'Who is invited to a room.' },
)

export const Joined = Type.Object(
  {
    member: RoomMember,
    others: Type.Array(RoomMember, { description: 'Who else is there.' }),
    cursor: Type.String({
      description: '`sequence` behind which to follow the events of the room, so that nothing is missed.',
      examples: ['0000000000000042'],
    }),
  },
  {
    $id: 'Joined',
    additionalProperties: false,
    description: 'The own place in a room, and all that it takes to begin.',
    examples: [{ member: memberExample, others: [], cursor: '0000000000000042' }],
  },
)

export const RoleInput = Type.Object(
  { role: RoomRole },
  { $id: 'RoleInput', additionalProperties: false, description: 'The role of a member.' },
)

export const SignalInput = Type.Object(signal, {
  $id: 'SignalInput',
  additionalProperties: false,
  description: 'What one member says to another.',
})

export const RoomQuery = Type.Object({ limit: pageQuery.limit, cursor: idCursor }, { additionalProperties: false })
export const RoomParams = Type.Object({ id: Id }, { additionalProperties: false })
export const MemberParams = Type.Object({ id: Id, memberId: MemberId }, { additionalProperties: false })
export const GuestParams = Type.Object(
  { id: Id, userId: Type.Integer({ ...Id, description: 'Who is invited.' }) },
  { additionalProperties: false },
)
