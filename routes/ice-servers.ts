import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { uncached } from '../src/schemas/headers.ts'
import { MaybeMoment } from '../src/schemas/moment.ts'
import { requires } from '../src/schemas/security.ts'

const IceServer = Type.Object(
  {
    urls: Type.Array(Type.String({ examples: ['turn:turn.example.com:3478'] }), {
      description: 'Where it is.',
      examples: [['turn:turn.example.com:3478']],
    }),
    username: Type.Optional(
      Type.String({
        description: 'Until when the credential is good, and whose it is.',
        examples: ['1795694400:user-1'],
      }),
    ),
    credential: Type.Optional(
      Type.String({ description: 'What it is used with.', examples: ['WjGaCbzVEjcsm0ZyPnwNcAm1xeM='] }),
    ),
  },
  { $id: 'IceServer', additionalProperties: false, description: 'A STUN server, or a TURN server with a credential.' },
)

const IceServers = Type.Object(
  {
    iceServers: Type.Array(IceServer, {
      description: 'None where the server has no settings for them.',
      examples: [[{ urls: ['stun:stun.example.com:3478'] }]],
    }),
    expiresAt: MaybeMoment('Until when the credentials are good; null where there are none.'),
  },
  { $id: 'IceServers', additionalProperties: false, description: 'Through what two browsers find a path.' },
)

/** Through what two browsers find a path to each other. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { iceServers } = fastify

  fastify.route({
    method: 'GET',
    url: '/ice-servers',
    schema: {
      operationId: 'getIceServers',
      summary: 'Get ICE servers',
      description:
        'STUN and TURN servers as `RTCPeerConnection` takes them, with a credential of the caller that is good for a time. Ask again before a connection is made; one that is there goes on.',
      tags: ['rooms'],
      security: requires('rooms:read'),
      response: { 200: IceServers },
      responseHeaders: uncached,
    },
    handler: async ({ principal }, reply) => {
      reply.header('cache-control', 'no-store')
      return iceServers.for(principal)
    },
  })
}

export default plugin
