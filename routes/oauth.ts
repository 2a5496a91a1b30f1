import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { Enum } from '../src/schemas/enum.ts'
import { open } from '../src/schemas/security.ts'

/** Hidden: the discovery document describes them. Open: clients and users prove who they are to the server itself. */
const schema = { hide: true, security: open }

/** CORS_ORIGINS is about operations: the library says whose pages may call its endpoints, and pages are called by none. */
const config = { cors: false } as const

const InteractionParams = Type.Object({ uid: Type.String({ maxLength: 100 }) })

const Answer = Type.Object(
  {
    action: Enum(['sign-in', 'allow', 'deny', 'switch']),
    email: Type.Optional(Type.String({ maxLength: 254 })),
    password: Type.Optional(Type.String({ maxLength: 512 })),
  },
  { additionalProperties: false },
)

/** The endpoints of the authorization server, and the pages on which users sign in and consent. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  await fastify.register(endpoints)
  await fastify.register(pages)
}

/** Their bodies are read by the library that answers. */
async function endpoints(fastify: FastifyInstance): Promise<void> {
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', (_request, _payload, done) => done(null))
  for (const [url, ...methods] of [
    ['/.well-known/openid-configuration', 'GET', 'OPTIONS'],
    ['/.well-known/oauth-authorization-server', 'GET', 'OPTIONS'],
    ['/oauth/authorize', 'GET'],
    ['/oauth/authorize/:uid', 'GET'],
    ['/oauth/token', 'POST', 'OPTIONS'],
    ['/oauth/revoke', 'POST', 'OPTIONS'],
    ['/oauth/introspect', 'POST', 'OPTIONS'],
    ['/oauth/userinfo', 'GET', 'POST', 'OPTIONS'],
  ] as const) {
    fastify.route({
      method: [...methods],
      url,
      schema,
      config,
      handler: (request, reply) => fastify.oauth.handle(request, reply),
    })
  }
}

const SignOutAnswer = Type.Object(
  { action: Type.Literal('sign-out'), token: Type.String({ maxLength: 100 }) },
  { additionalProperties: false },
)

const pages: FastifyPluginAsyncTypebox = async (fastify) => {
  const { interactions, signOut } = fastify.oauth
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
  fastify.route({
    method: 'GET',
    url: '/oauth/interaction/:uid',
    schema: { ...schema, params: InteractionParams },
    config,
    handler: (request, reply) => interactions.show(request, reply),
  })
  fastify.route({
    method: 'POST',
    url: '/oauth/interaction/:uid',
    schema: { ...schema, params: InteractionParams, body: Answer },
    config,
    handler: (request, reply) => interactions.answer(request, reply),
  })
  fastify.route({
    method: 'GET',
    url: '/oauth/sign-out',
    schema,
    config,
    handler: (request, reply) => signOut.show(request, reply),
  })
  fastify.route({
    method: 'POST',
    url: '/oauth/sign-out',
    schema: { ...schema, body: SignOutAnswer },
    config,
    handler: (request, reply) => signOut.answer(request, reply),
  })
}

export default plugin
