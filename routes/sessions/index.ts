import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { uncached } from '../../src/schemas/headers.ts'
import { open, signedIn } from '../../src/schemas/security.ts'
import { SessionTokens } from '../../src/schemas/session-tokens.ts'
import { RefreshInput, Session, SessionParams } from './schema.ts'

const tags = ['sessions']

/** Sessions: renewing one, and the list of a user's own. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { sessions } = fastify

  fastify.route({
    method: 'POST',
    url: '/auth/refresh',
    schema: {
      operationId: 'refreshSession',
      summary: 'Refresh a session',
      description:
        'Gives the next access token and refresh token. A refresh token works once: whoever sends it again, for whatever reason, ends the session and all of its tokens within a second. A client that lost the answer signs in again.',
      tags,
      security: open,
      body: RefreshInput,
      response: { 200: SessionTokens },
      responseHeaders: uncached,
      problems: ['unauthenticated'],
    },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return sessions.refresh(request.body.refreshToken, request)
    },
  })

  fastify.route({
    method: 'POST',
    url: '/auth/sign-out',
    schema: {
      operationId: 'signOut',
      summary: 'Sign out',
      description: 'Ends the session of the access token. Its tokens are refused within a second.',
      tags,
      security: signedIn(),
      response: { 204: Type.Null({ description: 'The session is ended.' }) },
    },
    handler: async (request, reply) => {
      const { sessionId = '', userId = 0 } = request.principal
      await sessions.revoke(sessionId, userId, request)
      return reply.code(204).send(null)
    },
  })

  fastify.route({
    method: 'GET',
    url: '/auth/sessions',
    schema: {
      operationId: 'listSessions',
      summary: 'List sessions',
      description: 'Where the caller is signed in, at most 100 sessions, the one used last first.',
      tags,
      security: signedIn(),
      response: { 200: Type.Array(Session, { maxItems: 100, description: 'Sessions of the caller.' }) },
    },
    handler: async ({ principal }) => {
      const all = await sessions.list(principal.userId ?? 0)
      return all.map((session) => ({ ...session, current: session.id === principal.sessionId }))
    },
  })

  fastify.route({
    method: 'DELETE',
    url: '/auth/sessions',
    schema: {
      operationId: 'signOutEverywhere',
      summary: 'Sign out everywhere',
      description:
        'Ends all sessions of the caller, the one that asks too, and where it is signed in on the pages of the authorization server. API keys and what applications were allowed go on.',
      tags,
      security: signedIn(),
      response: { 204: Type.Null({ description: 'All sessions are ended.' }) },
    },
    handler: async (request, reply) => {
      await sessions.signOutEverywhere(request.principal.userId ?? 0, request)
      return reply.code(204).send(null)
    },
  })

  fastify.route({
    method: 'DELETE',
    url: '/auth/sessions/:id',
    schema: {
      operationId: 'revokeSession',
      summary: 'Revoke a session',
      description: 'Ends a session of the caller. Its tokens are refused within a second.',
      tags,
      security: signedIn(),
      params: SessionParams,
      response: { 204: Type.Null({ description: 'The session is ended.' }) },
      problems: ['not-found'],
    },
    handler: async (request, reply) => {
      const found = await sessions.revoke(request.params.id, request.principal.userId ?? 0, request)
      if (!found) throw fastify.problem('not-found', 'Session not found')
      return reply.code(204).send(null)
    },
  })
}

export default plugin
