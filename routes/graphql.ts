import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { open } from '../src/schemas/security.ts'

/** Open: each field is checked as the request of its operation is. */
const schema = { hide: true, security: open }

/** Aborts when the client has gone before its answer: a request itself is over as soon as its body is read. */
function signalOf({ raw }: FastifyReply): () => AbortSignal {
  let abort: AbortController | undefined
  return () => {
    if (abort !== undefined) return abort.signal
    const made = new AbortController()
    abort = made
    if (raw.destroyed) made.abort()
    raw.once('close', () => {
      if (!raw.writableFinished) made.abort()
    })
    return made.signal
  }
}

/** GraphQL, and its schema as a text. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    const { method, url, headers, body, socket } = request
    const signal = signalOf(reply)
    const [text, { status, headers: more }] = await fastify.graphql.answer({
      method,
      url,
      headers,
      body,
      signal,
      socket,
    })
    return reply
      .code(status)
      .headers(more ?? {})
      .send(text ?? '')
  }

  fastify.route({ method: 'GET', url: '/graphql', exposeHeadRoute: false, schema, handler: answer })
  fastify.route({ method: 'POST', url: '/graphql', schema, handler: answer })
  fastify.get('/contracts/schema.graphql', { schema }, async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(fastify.graphql.sdl),
  )
}

export default plugin
