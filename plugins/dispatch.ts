import type { FastifyRequest, preValidationHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Dispatch } from '../src/contract/call.ts'
import { createDispatch } from '../src/contract/dispatch.ts'
import { InMemoryRequest } from '../src/contract/exchange.ts'
import { pointerTo } from '../src/contract/pointer.ts'
import { Problem } from '../src/errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Runs an operation for a call that came in over another wire than HTTP. */
    dispatch: Dispatch
  }
}

/** Every operation can be called without HTTP, through the same hooks. */
export default fp(
  async (fastify) => {
    let ready = false
    fastify.decorate(
      'dispatch',
      createDispatch({
        route: (request, response) => fastify.routing(request, response),
        isOpen: () => ready && !fastify.shutdown.started,
      }),
    )
    fastify.addHook('onRoute', (route) => {
      if (route.schema?.hide || route.method === 'HEAD') return
      route.preValidation = [carryIn, ...[route.preValidation ?? []].flat()]
    })
    fastify.addHook('onReady', async () => {
      ready = true
    })
  },
  { name: 'dispatch', dependencies: ['contract', 'problems', 'shutdown'] },
)

/** Hands on what a call in memory carries, in the place of parsers. */
const carryIn: preValidationHookHandler = (request, _reply, done) => {
  const { raw } = request
  if (!(raw instanceof InMemoryRequest)) return done()
  const { body, params, query, unknown } = raw.carried
  if (body !== undefined) {
    request.body = body
    request.headers['content-type'] = mediaTypeOf(request)
  }
  if (params !== undefined) request.params = params
  if (query !== undefined) request.query = query
  if (unknown.length === 0) return done()
  const errors = unknown.map((name) => ({
    in: 'query' as const,
    pointer: pointerTo(name),
    detail: 'must NOT have additional properties',
  }))
  return done(new Problem('validation-failed', 'The input has properties that the operation does not know', { errors }))
}

/** Where a schema depends on the media type, it must find one: without, nothing would be validated. */
function mediaTypeOf({ routeOptions }: FastifyRequest): string {
  return routeOptions.schema?.consumes?.[0] ?? 'application/json'
}
