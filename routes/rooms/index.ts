import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { defaultLimit, pageHeaders } from '../../src/schemas/page.ts'
import { Room } from '../../src/schemas/room.ts'
import { open, requires } from '../../src/schemas/security.ts'
import { memberRoutes } from './members.ts'
import { GuestParams, RoomInput, RoomInvitations, RoomParams, RoomQuery } from './schema.ts'

const tags = ['rooms']
const reading = requires('rooms:read')
const writing = requires('rooms:write')
const { link } = pageHeaders

/** Rooms in which users meet to call each other, and who may join them. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { rooms, modules } = fastify.rooms

  for (const [url, module] of Object.entries(modules)) {
    fastify.get(url, { schema: { hide: true, security: open } }, async (_request, reply) =>
      reply.type('text/javascript; charset=utf-8').header('cache-control', 'public, max-age=300').send(module),
    )
  }

  fastify.route({
    method: 'GET',
    url: '/rooms',
    schema: {
      operationId: 'listRooms',
      summary: 'List rooms',
      description:
        'A page of those rooms that the caller may join or is in, and that were not ended; of all with `admin`.',
      tags,
      security: reading,
      querystring: RoomQuery,
      response: { 200: Type.Array(Room, { description: 'A page of rooms.' }) },
      responseHeaders: { link },
    },
    handler: ({ principal, query }, reply) =>
      reply.page(rooms.page(principal, query.limit ?? defaultLimit, query.cursor)),
  })

  fastify.route({
    method: 'POST',
    url: '/rooms',
    schema: {
      operationId: 'createRoom',
      summary: 'Create a room',
      description:
        'Makes a room that nobody is in yet. It ends after a day in which nobody has joined, or an hour after the last member has left. A user has at most 20 rooms that were not ended.',
      tags,
      security: writing,
      body: RoomInput,
      response: { 201: Room },
      problems: ['conflict'],
    },
    handler: async ({ body, principal }, reply) => {
      reply.code(201)
      return rooms.create(body, principal)
    },
  })

  fastify.route({
    method: 'GET',
    url: '/rooms/:id',
    schema: {
      operationId: 'getRoom',
      summary: 'Get a room',
      description: 'What is known of a room that the caller may join or is in.',
      tags,
      security: reading,
      params: RoomParams,
      response: { 200: Room },
      problems: ['not-found'],
    },
    handler: ({ params, principal }) => rooms.get(params.id, principal),
  })

  fastify.route({
    method: 'POST',
    url: '/rooms/:id/end',
    schema: {
      operationId: 'endRoom',
      summary: 'End a room',
      description: 'Ends a room for all who are in it. For hosts.',
      tags,
      security: writing,
      params: RoomParams,
      response: { 200: Room },
      problems: ['not-found', 'conflict'],
    },
    handler: ({ params, principal }) => rooms.end(params.id, principal),
  })

  fastify.route({
    method: 'GET',
    url: '/rooms/:id/invitations',
    schema: {
      operationId: 'listInvitations',
      summary: 'List the invitations to a room',
      description: 'All who are invited, at most 100, whether they have joined or not. For hosts.',
      tags,
      security: reading,
      params: RoomParams,
      response: { 200: RoomInvitations },
      problems: ['not-found', 'conflict'],
    },
    handler: async ({ params, principal }) => ({ invitations: await rooms.invitations(params.id, principal) }),
  })

  fastify.route({
    method: 'PUT',
    url: '/rooms/:id/invitations/:userId',
    schema: {
      operationId: 'inviteToRoom',
      summary: 'Invite to a room',
      description:
        'Lets a user join, also one who was removed, and tells that user. For hosts; a room has at most 100 invitations.',
      tags,
      security: writing,
      params: GuestParams,
      response: { 204: Type.Null({ description: 'The user is invited.' }) },
      problems: ['not-found', 'conflict', 'rate-limited'],
    },
    handler: async ({ params, principal }, reply) => {
      await rooms.invite(params.id, params.userId, principal)
      return reply.code(204).send(null)
    },
  })

  fastify.route({
    method: 'DELETE',
    url: '/rooms/:id/invitations/:userId',
    schema: {
      operationId: 'uninviteFromRoom',
      summary: 'Take an invitation back',
      description:
        'The user may not join on that invitation any more; who has joined stays, and who was removed before may not join again. For hosts.',
      tags,
      security: writing,
      params: GuestParams,
      response: { 204: Type.Null({ description: 'The user is not invited.' }) },
      problems: ['not-found', 'conflict'],
    },
    handler: async ({ params, principal }, reply) => {
      await rooms.uninvite(params.id, params.userId, principal)
      return reply.code(204).send(null)
    },
  })

  await fastify.register(memberRoutes)
}

export default plugin
