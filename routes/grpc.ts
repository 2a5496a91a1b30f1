import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { open } from '../src/schemas/security.ts'

/** Open: each call is checked as the request of its operation is. */
const schema = { hide: true, security: open }
const config = { carrier: true }

/** gRPC-Web, and the services of gRPC as a text. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  fastify.get('/contracts/service.proto', { schema }, async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(fastify.grpc.proto),
  )

  // Of this route alone: others take no bytes.
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser(fastify.grpcWeb.mediaType, { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  )
  fastify.post('/septet.v1.:service/:method', { schema, config }, async (request, reply) => {
    const { url, headers, socket, body } = request
    const [path = ''] = url.split('?', 1)
    const answer = await fastify.grpcWeb.answer({ path, headers, socket, body, signal: reply.signalOfClient() })
    reply.headers(answer.headers)
    return Buffer.isBuffer(answer.body) ? reply.send(answer.body) : fastify.grpcWeb.stream(reply, answer.body)
  })
}

export default plugin
