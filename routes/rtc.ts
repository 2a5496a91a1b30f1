import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { open } from '../src/schemas/security.ts'

const schema = { hide: true, security: open }
const Peer = Type.Object({ id: Type.String() })
/** Of session descriptions, and of parts of them (RFC 8840 section 9). */
const [sdp, fragment] = ['application/sdp', 'application/trickle-ice-sdpfrag'] as const
/** Longest of both, in bytes. */
const bodyLimit = 65_536

/** Where data channels are offered (RFC 9725). Open: each message on them is checked as a request is. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { access, jsonRpc, webRtc } = fastify
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser([sdp, fragment], { parseAs: 'string', bodyLimit }, (_request, body, done) =>
    done(null, body),
  )

  const check = (given: string | undefined, wanted: string) => {
    if (given?.split(';', 1)[0]?.trim().toLowerCase() !== wanted)
      throw fastify.problem('unsupported-media-type', `This takes ${wanted}`)
  }

  fastify.route({
    method: 'POST',
    url: '/rtc',
    schema,
    handler: async (request, reply) => {
      check(request.headers['content-type'], sdp)
      const { id, etag, answer } = await webRtc.open(request, await access.principalOf(request.headers), jsonRpc)
      reply.code(201).headers({ location: `/rtc/${id}`, etag, 'accept-patch': fragment, 'cache-control': 'no-store' })
      return reply.type(sdp).send(answer)
    },
  })

  fastify.route({
    method: 'PATCH',
    url: '/rtc/:id',
    schema: { ...schema, params: Peer },
    handler: async ({ id: requestId, params: { id }, headers, body }, reply) => {
      check(headers['content-type'], fragment)
      const refusal = webRtc.trickle(id, await access.principalOf(headers), headers['if-match'], String(body))
      if (!refusal) return reply.code(204).send()
      return reply
        .code(refusal.status)
        .type('application/problem+json')
        .send({ ...refusal, requestId })
    },
  })

  fastify.route({
    method: 'DELETE',
    url: '/rtc/:id',
    schema: { ...schema, params: Peer },
    handler: async ({ params: { id }, headers }, reply) => {
      webRtc.close(id, await access.principalOf(headers))
      return reply.code(200).send()
    },
  })
}

export default plugin
