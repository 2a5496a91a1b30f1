/** Rooms: a user meets itself there, from two pages. */

import type { Result } from '../clients/client.ts'
import { asAdmin, type Case, failed, idOf, invalid, one, type Step, several } from './case.ts'
import { person } from './people.ts'

const settings = {
  SIGN_UP: 'true',
  MEMBER_SCOPES: 'users:read rooms:read rooms:write events:read',
  STUN_URLS: 'stun:stun.example.com',
  TURN_URLS: 'turn:turn.example.com:3478?transport=udp,turns:turn.example.com',
  TURN_SECRET: 'a secret of both servers',
}
const { email, password } = person
const input = { name: 'Stand-up', capacity: 2 }
const shown = { ...input, access: 'invited', endedAt: null }
const hosts = { role: 'host' }
const nobody = 'AAAAAAAAAAAAAAAAAAAAAA'

const signIn: Step = {
  operationId: 'signIn',
  input: { email, password },
  expect: { value: { tokenType: 'Bearer' } },
  differs: { gRPC: { reason: 'a constant is said by the type, and not sent', expect: { value: { scope: /rooms/ } } } },
}

/** The place that a step has given. */
function placeOf(results: readonly Result[], step: number): string {
  const { member } = (results[step]?.value ?? {}) as { member?: { id: string } }
  return member?.id ?? nobody
}

/** With the token of the first step, in the room of the second. */
function as(operationId: string, expect: object, input: (results: readonly Result[]) => object = () => ({})) {
  return (results: readonly Result[]): Step => ({
    operationId,
    input: { id: idOf(results, 1), ...input(results) },
    headers: authorised(results),
    expect,
  })
}

function authorised(results: readonly Result[]): { authorization: string } {
  const { accessToken = '-' } = (results[0]?.value ?? {}) as { accessToken?: string }
  return { authorization: `Bearer ${accessToken}` }
}

/** As {@link as}, of the place that a step has given. */
function of(step: number, operationId: string, expect: object, more: object = {}) {
  return as(operationId, expect, (results) => ({ memberId: placeOf(results, step), ...more }))
}

const said = { kind: 'candidate', data: '{"candidate":"…"}' }
const between = (results: readonly Result[]) => ({ from: placeOf(results, 4), to: placeOf(results, 5), ...said })

const cases: readonly Case[] = [
  several(
    'a room that is made, joined twice, left and ended',
    signIn,
    (results) => ({ operationId: 'createRoom', input, headers: authorised(results), expect: { value: shown } }),
    as('getRoom', { value: shown }),
    (results) => ({ operationId: 'listRooms', headers: authorised(results), expect: { value: { items: [shown] } } }),
    as('joinRoom', { value: { member: { ...hosts, joins: 1 }, others: [] } }),
    as('joinRoom', { value: { member: { ...hosts, joins: 1 }, others: [hosts] } }),
    as('joinRoom', failed('conflict', 409)),
    of(4, 'joinRoom', { value: { member: { ...hosts, joins: 2 }, others: [hosts] } }),
    as('listMembers', { value: { members: [{ joins: 2 }, { joins: 1 }] } }),
    as('sendSignal', { value: null }, between),
    as('sendSignal', failed('not-found', 404), (results) => ({ ...between(results), to: nobody })),
    of(4, 'keepPresence', { value: null }),
    of(5, 'setMemberRole', { value: { role: 'host' } }, { role: 'host' }),
    of(5, 'setMemberRole', failed('forbidden', 403), { role: 'member' }),
    as('sendSignal', invalid('/to'), (results) => ({ ...between(results), to: between(results).from })),
    as('inviteToRoom', { value: null }, () => ({ userId: 1 })),
    as('listInvitations', { value: { invitations: [{ userId: 1 }] } }),
    as('inviteToRoom', failed('conflict', 409), () => ({ userId: 999 })),
    as('uninviteFromRoom', { value: null }, () => ({ userId: 1 })),
    as('uninviteFromRoom', failed('not-found', 404), () => ({ userId: 1 })),
    as('listInvitations', { value: { invitations: [] } }),
    of(4, 'removeMember', failed('forbidden', 403)),
    of(5, 'leaveRoom', { value: null }),
    of(5, 'keepPresence', failed('not-found', 404)),
    (results) => ({
      operationId: 'listEvents',
      input: { types: ['room.signal'], subject: `/rooms/${idOf(results, 1)}` },
      headers: authorised(results),
      expect: { value: { items: [{ type: 'room.signal', data: said }] } },
    }),
    as('endRoom', { value: { ...shown, endedAt: /T/ } }),
    as('joinRoom', failed('conflict', 409)),
    as('getRoom', { value: { ...shown, endedAt: /T/ } }),
  ),
  one(
    'servers for calls',
    'getIceServers',
    {},
    {
      value: {
        iceServers: [
          { urls: ['stun:stun.example.com'] },
          {
            urls: ['turn:turn.example.com:3478?transport=udp', 'turns:turn.example.com'],
            username: /^\d+:api-key-/,
            credential: /=$/,
          },
        ],
        expiresAt: /T/,
      },
    },
    asAdmin,
  ),
  one('a room of nobody', 'createRoom', input, failed('forbidden', 403), asAdmin),
  one('a room for one', 'createRoom', { ...input, capacity: 1 }, invalid('/capacity'), asAdmin),
  one('a room that is not there', 'getRoom', { id: 999 }, failed('not-found', 404), asAdmin),
]

export const roomCases: readonly Case[] = cases.map((each) => ({ ...each, settings }))
