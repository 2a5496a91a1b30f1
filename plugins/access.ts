import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { anonymousScopes, checkScopes, scopesOf } from '../src/config.ts'
import { type Access, accessOf, refusalOf } from '../src/contract/access.ts'
import { Authenticators } from '../src/contract/authenticators.ts'
import type { Principal } from '../src/contract/principal.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The ways to authenticate, and who calls without a credential. */
    access: Authenticators
  }
  interface FastifyRequest {
    /** Who calls; anonymous on a route that is open to anyone. Absent where no route was found. */
    principal: Principal
  }
}

/** The guard: each route's declared `security` becomes the first check of its requests. A route without one does not start. */
export default fp(
  async (fastify) => {
    const access = new Authenticators(anonymousScopes(fastify.config))
    fastify.decorate('access', access)
    fastify.decorateRequest('principal', null as never)
    const enterAnonymous: onRequestHookHandler = (request, _reply, done) => {
      request.principal = access.anonymous
      done()
    }
    fastify.addHook('onRoute', (route) => {
      const declared = accessOf(route)
      for (const scope of declared?.scopes ?? []) access.scopes.add(scope)
      const first = declared ? guard(access, declared) : enterAnonymous
      route.onRequest = [first, ...[route.onRequest ?? []].flat()]
    })
    fastify.addHook('onReady', async () => {
      checkScopes('ANONYMOUS_SCOPES', anonymousScopes(fastify.config), access.scopes)
      checkScopes('MEMBER_SCOPES', scopesOf(fastify.config.MEMBER_SCOPES), access.scopes)
    })
  },
  { name: 'access', dependencies: ['problems', 'security-headers'] },
)

function guard(access: Authenticators, declared: Access): onRequestHookHandler {
  const enter = (request: FastifyRequest, reply: FastifyReply, principal: Principal): Error | undefined => {
    request.principal = principal
    // Caches that many share know of Authorization alone (RFC 9111 section 3.5), not of X-API-Key.
    if (principal !== access.anonymous) reply.header('cache-control', 'private, no-cache')
    return refusalOf(declared, principal)
  }
  return (request, reply, done) => {
    let principal: ReturnType<Authenticators['principalOf']>
    try {
      principal = access.principalOf(request.headers)
    } catch (error) {
      return done(error as Error)
    }
    if (!(principal instanceof Promise)) return done(enter(request, reply, principal))
    principal.then((known) => done(enter(request, reply, known)), done)
  }
}
