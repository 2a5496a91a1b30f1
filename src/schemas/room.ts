/** Rooms in which users meet to call each other, as operations and events show them. */

import { Type } from '@sinclair/typebox'
import { Enum } from './enum.ts'
import { Id, reference } from './id.ts'
import { MaybeMoment, Moment } from './moment.ts'

/** Members that a room may have: each sends to all others by itself, which is a mesh. */
export const mostMembers = 16
/** UTF-16 code units of a signal: a session description with audio, video and data is 4 to 10 kB. */
const longestSignal = 16_384

export const RoomName = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '\\S',
  description: 'What it is called.',
  examples: ['Stand-up'],
})
export const Capacity = Type.Integer({
  minimum: 2,
  maximum: mostMembers,
  description: 'How many members it may have at once.',
  examples: [4],
})
export const RoomAccess = Enum(['open', 'invited'], {
  description: '`open`: any user sees and joins it; `invited`: those who were invited, and who made it.',
  examples: ['invited'],
})
export const RoomRole = Enum(['host', 'member'], {
  description: 'A `host` invites, removes members, gives roles and ends the room.',
  examples: ['member'],
})

export const Room = Type.Object(
  {
    id: Id,
    name: RoomName,
    capacity: Capacity,
    access: RoomAccess,
    userId: reference('getUser', 'Who made it, and is always a host.'),
    createdAt: Moment('When it was made.'),
    endedAt: MaybeMoment('When it was ended; it is shown for a day from then on.'),
  },
  { $id: 'Room', additionalProperties: false, description: 'Where users meet to call each other.' },
)

/** Its text is made of 128 random bits. */
export const MemberId = Type.String({
  pattern: '^[\\w-]{22}$',
  description: 'The place of a user in a room; who has the room open twice has two.',
  examples: ['mJ0R3bYw9k2Xo5uVn8Qd1g'],
})

export const RoomMember = Type.Object(
  {
    id: MemberId,
    roomId: Id,
    userId: reference('getUser', 'Whose place it is.'),
    role: RoomRole,
    order: Type.Integer({
      description: 'Grows with each place that is taken: of two members, the one with the higher order is polite.',
      examples: [7],
    }),
    joins: Type.Integer({
      description: 'How often the place was taken, by a page that was loaded again: each time, connections begin anew.',
      examples: [1],
    }),
    joinedAt: Moment('When it was first taken.'),
    seenAt: Moment('The last sign of life.'),
  },
  { $id: 'RoomMember', additionalProperties: false, description: 'A place in a room, and who has it.' },
)

export const MemberLeft = Type.Object(
  {
    ...RoomMember.properties,
    reason: Enum(['left', 'removed', 'gone'], {
      description: '`left` by itself, `removed` by a host, or `gone`: without a sign of life for a minute.',
      examples: ['left'],
    }),
  },
  { $id: 'MemberLeft', additionalProperties: false, description: 'A place as it was, and why it is free.' },
)

export const RoomInvitation = Type.Object(
  { ...Room.properties, invitedBy: reference('getUser', 'Who invites.') },
  { $id: 'RoomInvitation', additionalProperties: false, description: 'The room that the user may join from now on.' },
)

export const signal = {
  from: Type.String({ ...MemberId, description: 'The place that it is sent from.' }),
  to: Type.String({ ...MemberId, description: 'The place that it is for; nobody else sees it.' }),
  kind: Enum(['description', 'candidate'], {
    description: 'An offer or an answer (`RTCSessionDescription`), or an ICE candidate.',
    examples: ['description'],
  }),
  data: Type.String({
    minLength: 1,
    maxLength: longestSignal,
    description: 'What the two have agreed to send, such as JSON; the server does not read it.',
    examples: ['{"type":"offer","sdp":"v=0…"}'],
  }),
}

export const Signal = Type.Object(
  { roomId: Id, ...signal },
  { $id: 'Signal', additionalProperties: false, description: 'What one member says to another to be connected.' },
)
