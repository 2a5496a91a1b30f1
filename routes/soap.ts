import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { open } from '../src/schemas/security.ts'

/** Open: each message is checked as the request of its operation is. */
const schema = { hide: true, security: open }
const origin = /^https?:\/\/(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i

/** SOAP, and its WSDL. */
const plugin: FastifyPluginAsyncTypebox = async (fastify) => {
  const { config } = fastify

  /** `PUBLIC_URL`, else the host that the request names, or that a trusted proxy has forwarded. */
  const wsdlFor = ({ protocol, host }: FastifyRequest) => {
    const reached = `${protocol}://${host}`
    const address = config.PUBLIC_URL === undefined && origin.test(reached) ? reached : fastify.publicUrl()
    return fastify.soap.wsdl(`${address}/soap`)
  }

  fastify.route({
    method: 'POST',
    url: '/soap',
    config: { carrier: true },
    schema,
    onRequest: fastify.takeSoap,
    // Fastify wants a handler; the hook has answered before.
    handler: () => {},
    errorHandler: (error, request, reply) => {
      const contentType = request.headers['content-type']
      if (!fastify.soap.takes(contentType)) throw error
      const { status, text, type } = fastify.soap.refusal(contentType, error, request.id)
      return reply.code(status).type(type).send(text)
    },
  })

  fastify.route({
    method: 'GET',
    url: '/soap',
    schema,
    handler: async (request, reply) => {
      const asked = Object.keys(request.query as object).some((name) => name.toLowerCase() === 'wsdl')
      if (asked) return reply.type('text/xml; charset=utf-8').send(wsdlFor(request))
      reply.header('allow', 'POST')
      throw fastify.problem('method-not-allowed', 'SOAP messages are sent by POST; the WSDL is at /soap?wsdl')
    },
  })

  fastify.get('/contracts/service.wsdl', { schema }, async (request, reply) =>
    reply.type('text/xml; charset=utf-8').send(wsdlFor(request)),
  )
}

export default plugin
