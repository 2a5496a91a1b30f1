/** Who is in a room, and what one member says to another. */

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { RoomMember } from '../../src/schemas/room.ts'
import { requires } from '../../src/schemas/security.ts'
import { Joined, JoinInput, MemberParams, RoleInput, RoomMembers, RoomParams, SignalInput } from './schema.ts'

const tags = ['rooms']
const reading = requires('rooms:read')
const writing = requires('rooms:write')

export const memberRoutes: FastifyPluginAsyncTypebox = async (fastify) => {
  const { members } = fastify.rooms

  fastify.route({
    method: 'GET',
    url: '/rooms/:id/members',
    schema: {
      operationId: 'listMembers',
      summary: 'List the members of a room',
      description: 'All who are in a room, at most 16, in the order in which they have joined.',
      tags,
      security: reading,
      params: RoomParams,
      response: { 200: RoomMembers },
      problems: ['not-found'],
    },
    handler: async ({ params, principal }) => ({ members: await members.list(params.id, principal) }),
  })

  fastify.route({
    method: 'POST',
    url: '/rooms/:id/members',
    schema: {
      operationId: 'joinRoom',
      summary: 'Join a room',
      description:
        'Takes a place for the user of the caller, who follows the events of the room from `cursor` on and calls `keepPresence` every 20 seconds or so: without a sign of life for a minute the place is free. With the `memberId` of a place that it has still, the user takes the same one again. Of two members the one with the higher `order` is the polite one (perfect negotiation).',
      tags,
      security: writing,
      params: RoomParams,
      body: JoinInput,
      response: { 201: Joined },
      problems: ['not-found', 'conflict', 'rate-limited'],
    },
    handler: async ({ params, body, principal }, reply) => {
      reply.code(201)
      return members.join(params.id, body.memberId, principal)
    },
  })

  fastify.route({
    method: 'DELETE',
    url: '/rooms/:id/members/:memberId',
    schema: {
      operationId: 'leaveRoom',
      summary: 'Leave a room',
      description: 'Frees a place of the user of the caller.',
      tags,
      security: writing,
      params: MemberParams,
      response: { 204: Type.Null({ description: 'The place is free.' }) },
      problems: ['not-found'],
    },
    handler: async ({ params, principal }, reply) => {
      await members.leave(params.id, params.memberId, principal)
      return reply.code(204).send(null)
    },
  })

  fastify.route({
    method: 'POST',
    url: '/rooms/:id/members/:memberId/remove',
    schema: {
      operationId: 'removeMember',
      summary: 'Remove a member from a room',
      description:
        'Frees all places that the user of this one has in the room; it sees the room no more, until it is invited. For hosts; who made the room cannot be removed.',
      tags,
      security: writing,
      params: MemberParams,
      response: { 204: Type.Null({ description: 'The user is no longer in the room.' }) },
      problems: ['not-found', 'conflict'],
    },
    handler: async ({ params, principal }, reply) => {
      await members.remove(params.id, params.memberId, principal)
      return reply.code(204).send(null)
    },
  })

  fastify.route({
    method: 'PUT',
    url: '/rooms/:id/members/:memberId/role',
    schema: {
      operationId: 'setMemberRole',
      summary: 'Give a member a role',
      description: 'Makes a member a host, or no longer one; for as long as the place is kept. For hosts.',
      tags,
      security: writing,
      params: MemberParams,
      body: RoleInput,
      response: { 200: RoomMember },
      problems: ['not-found', 'conflict', 'rate-limited'],
    },
    handler: ({ params, body, principal }) => members.setRole(params.id, params.memberId, body.role, principal),
  })

  fastify.route({
    method: 'PUT',
    url: '/rooms/:id/members/:memberId/presence',
    schema: {
      operationId: 'keepPresence',
      summary: 'Keep a place in a room',
      description: 'A sign of life. Where it answers `not-found`, the place is no longer there: join again.',
      tags,
      security: writing,
      params: MemberParams,
      response: { 204: Type.Null({ description: 'The place is kept for another minute.' }) },
      problems: ['not-found'],
    },
    handler: async ({ params, principal }, reply) => {
      await members.keep(params.id, params.memberId, principal)
      return reply.code(204).send(null)
    },
  })

  fastify.route({
    method: 'POST',
    url: '/rooms/:id/signals',
    schema: {
      operationId: 'sendSignal',
      summary: 'Say something to another member',
      description:
        'Tells the event `room.signal` to the user of one other member and to nobody else. A user may send 1,000 at once, and ten a second in the long run; to join, to invite and to give a role count as ten each.',
      tags,
      security: writing,
      params: RoomParams,
      body: SignalInput,
      response: { 204: Type.Null({ description: 'It is told.' }) },
      problems: ['not-found', 'rate-limited'],
    },
    handler: async ({ params, body, principal }, reply) => {
      await members.signal(params.id, body, principal)
      return reply.code(204).send(null)
    },
  })
}
