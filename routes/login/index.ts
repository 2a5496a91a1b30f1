import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { uncached } from '../../src/schemas/headers.ts'
import { open, signedIn } from '../../src/schemas/security.ts'
import { SessionTokens } from '../../src/schemas/session-tokens.ts'
import {
  Identity,
  IdentityParams,
  LinkBeginning,
  LinkInput,
  LoginExchange,
  LoginProvider,
  LoginQuery,
  ProviderParams,
} from './schema.ts'

const tags = ['login']
/** Neither the answer nor where it came from is for others: both hold codes. */
const secretive = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }

/** Login with Google, GitHub or another issuer, and the identities that a user signs in by. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { login } = fastify

  fastify.route({
    method: 'GET',
    url: '/auth/providers',
    schema: {
      operationId: 'listLoginProviders',
      summary: 'List login providers',
      description: 'With whom a person can log in. A browser is sent to the `url` of one, and comes back with a code.',
      tags,
      security: open,
      response: { 200: Type.Array(LoginProvider, { maxItems: 3, description: 'Those that the settings name.' }) },
      problems: ['misdirected-request'],
    },
    handler: async () => login.providers(),
  })

  // The next two are for browsers: what they answer is a redirect, which no other wire could carry.
  fastify.route({
    method: 'GET',
    url: '/auth/login/:provider',
    exposeHeadRoute: false,
    schema: { hide: true, security: open, params: ProviderParams, querystring: LoginQuery },
    handler: async (request, reply) => {
      const flow = await login.flow()
      const { location, cookie } = await flow.start(request.params.provider, request.query, request)
      return reply.headers({ ...secretive, 'set-cookie': cookie }).redirect(location)
    },
  })

  fastify.route({
    method: 'GET',
    url: '/auth/callback/:provider',
    exposeHeadRoute: false,
    schema: { hide: true, security: open, params: ProviderParams },
    handler: async (request, reply) => {
      const { url, params } = request
      reply.headers(secretive)
      const query = url.includes('?') ? url.slice(url.indexOf('?')) : ''
      const flow = await login.flow()
      const end = await flow.finish(params.provider, query, request)
      return 'location' in end ? reply.redirect(end.location) : end
    },
  })

  fastify.route({
    method: 'POST',
    url: '/auth/exchange',
    schema: {
      operationId: 'exchangeLogin',
      summary: 'Exchange a finished login',
      description:
        'Begins a session with the code of a finished login. Only who began the login can: the browser by its cookie, or who knows the verifier of its challenge.',
      tags,
      security: open,
      body: LoginExchange,
      response: { 200: SessionTokens },
      responseHeaders: uncached,
      problems: ['unauthenticated', 'rate-limited'],
    },
    handler: async (request, reply) => {
      const flow = await login.flow()
      reply.header('cache-control', 'no-store')
      return flow.exchange(request.body, request)
    },
  })

  fastify.route({
    method: 'GET',
    url: '/me/identities',
    schema: {
      operationId: 'listIdentities',
      summary: 'List identities',
      description: 'The other parties by which the caller signs in.',
      tags,
      security: signedIn(),
      response: { 200: Type.Array(Identity, { description: 'Identities of the caller.' }) },
    },
    handler: async ({ principal }) => (await login.flow()).identities(principal.userId ?? 0),
  })

  fastify.route({
    method: 'POST',
    url: '/me/identities',
    schema: {
      operationId: 'linkIdentity',
      summary: 'Link an identity',
      description:
        'Begins a login that links the provider’s user to the caller, whatever its address. The browser that sends this goes on to `url`; what it comes back with is a code, as of every login. It can be finished while the session lasts and the password stays.',
      tags,
      security: signedIn(),
      body: LinkInput,
      response: { 200: LinkBeginning },
      responseHeaders: uncached,
      problems: ['not-found', 'rate-limited'],
    },
    handler: async (request, reply) => {
      const { provider, ...more } = request.body
      const flow = await login.flow()
      const { location, cookie } = await flow.link(provider, more, request)
      reply.headers({ ...secretive, 'set-cookie': cookie })
      return { url: location }
    },
  })

  fastify.route({
    method: 'DELETE',
    url: '/me/identities/:id',
    schema: {
      operationId: 'unlinkIdentity',
      summary: 'Unlink an identity',
      description: 'Takes away a way to sign in, but not the last one, and ends the other sessions of the caller.',
      tags,
      security: signedIn(),
      params: IdentityParams,
      response: { 204: Type.Null({ description: 'The identity is unlinked.' }) },
      problems: ['not-found', 'conflict'],
    },
    handler: async (request, reply) => {
      const { userId = 0, sessionId } = request.principal
      const flow = await login.flow()
      await flow.unlink(request.params.id, userId, sessionId, request)
      return reply.code(204).send(null)
    },
  })
}

export default plugin
