import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { open } from '../src/schemas/security.ts'

type Answer = Awaited<ReturnType<FastifyInstance['graphql']['answer']>>

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
  const answer = (request: FastifyRequest, reply: FastifyReply): void => {
    const { method, url, headers, body, socket } = request
    const send = ({ status, type, text, allow }: Answer) => {
      if (allow !== undefined) reply.header('allow', allow)
      reply.code(status).header('content-type', type).send(text)
    }
    const answered = fastify.graphql.answer({ method, url, headers, body, socket, signal: signalOf(reply) })
    // A handler that returns its reply would be waited for by events of the response.
    if (answered instanceof Promise) answered.then(send, (error) => reply.send(error))
    else send(answered)
  }

  fastify.route({ method: 'GET', url: '/graphql', exposeHeadRoute: false, schema, handler: answer })
  fastify.route({ method: 'POST', url: '/graphql', schema, handler: answer })
  fastify.get('/contracts/schema.graphql', { schema }, async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(fastify.graphql.sdl),
  )
}

export default plugin
