import type { FastifyRequest, onRequestHookHandler, preValidationHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Dispatch } from '../src/contract/call.ts'
import { createDispatch } from '../src/contract/dispatch.ts'
import { InMemoryRequest } from '../src/contract/exchange.ts'
import type { Operation } from '../src/contract/operation.ts'
import { Placements } from '../src/contract/placements.ts'
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
    const placements = new Placements()
    fastify.decorate(
      'dispatch',
      createDispatch({
        route: (request, response) => fastify.routing(request, response),
        isOpen: () => ready && !fastify.shutdown.started,
        placementOf: placements.of,
        cutOff: (err, reqId) => fastify.log.error({ err, reqId }, 'The reply was cut off'),
      }),
    )
    fastify.addHook('onRoute', (route) => {
      const { operationId = '', hide } = route.schema ?? {}
      const operation = hide || route.method === 'HEAD' ? undefined : fastify.contract.get(operationId)
      placements.add(route, operation)
      route.preValidation = [carryIn(operation), ...[route.preValidation ?? []].flat()]
    })
    fastify.addHook('onRequest', carryValues)
    fastify.addHook('onReady', async () => {
      placements.compile(fastify.contract.values())
      ready = true
    })
  },
  { name: 'dispatch', dependencies: ['contract', 'problems', 'shutdown'] },
)

/** Hands on what a call in memory carries, in the place of the router: hooks read it too. */
const carryValues: onRequestHookHandler = (request, _reply, done) => {
  const { raw } = request
  if (raw instanceof InMemoryRequest) {
    raw.requestId = request.id
    const { params, query } = raw.carried.placed
    if (params !== undefined) request.params = params
    if (query !== undefined) request.query = query
  }
  done()
}

/** Hands on the body in the place of parsers, and lets no call go on that has not reached its own route. */
function carryIn(own: Operation | undefined): preValidationHookHandler {
  return (request, _reply, done) => {
    const { raw } = request
    if (!(raw instanceof InMemoryRequest)) return done()
    const { placement, placed } = raw.carried
    const { operationId } = placement.operation
    if (placement.operation !== own)
      return done(new Error(`the call of ${operationId} has reached ${request.routeOptions.url}`))
    const { body, unknown } = placed
    if (body !== undefined) {
      request.body = body
      request.headers['content-type'] = mediaTypeOf(request)
    }
    return done(unknown.length === 0 ? undefined : unknownProperties(unknown))
  }
}

function unknownProperties(names: readonly string[]): Problem {
  const errors = names.map((name) => ({
    in: 'query' as const,
    pointer: pointerTo(name),
    detail: 'must NOT have additional properties',
  }))
  return new Problem('validation-failed', 'The input has properties that the operation does not know', { errors })
}

/** Where a schema depends on the media type, it must find one: without, nothing would be validated. */
function mediaTypeOf({ routeOptions }: FastifyRequest): string {
  return routeOptions.schema?.consumes?.[0] ?? 'application/json'
}
