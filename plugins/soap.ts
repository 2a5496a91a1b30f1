import { existsSync, readFileSync } from 'node:fs'
import type { OutgoingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import type { onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { once } from '../src/contract/once.ts'
import { createParse } from '../src/contract/parse-json.ts'
import { Problem } from '../src/errors.ts'
import { SoapHttp } from '../src/protocols/soap/http.ts'
import { SoapServer } from '../src/protocols/soap/index.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** There when the server is ready. */
    soap: SoapServer
    /** Answers a message in the place of a handler. */
    takeSoap: onRequestHookHandler
  }
}

const committed = join(import.meta.dirname, '../contracts/service.wsdl')

/** Every operation over SOAP 1.1 and 1.2; a schema that XML cannot carry stops the start. */
export default fp(
  async (fastify) => {
    const { config, contract, dispatch } = fastify
    const made = once(() => {
      const wsdl = existsSync(committed) ? readFileSync(committed, 'utf8') : ''
      const parse = createParse(fastify.getDefaultJsonParser('error', 'error'))
      return new SoapServer({ dispatch, contract, committed: wsdl, parse })
    })
    const http = new SoapHttp(made, config.BODY_LIMIT)
    // The hook does not go on: what would follow is another life of a request.
    fastify.decorate('takeSoap', ({ raw: request, log, id: requestId, carrier }, reply, done) => {
      if (!made().takes(request.headers['content-type'])) return done(notSoap())
      const report = (err: unknown) => log.error({ err }, 'a SOAP message failed')
      const response = reply.hijack().raw
      const headers = reply.getHeaders() as OutgoingHttpHeaders
      http.take({ request, response, headers, report, requestId, carrier })
    })
    fastify.decorate('soap', { getter: made } as never)
    fastify.addHook('onReady', async () => void made())
  },
  { name: 'soap', dependencies: ['dispatch', 'contract'] },
)

function notSoap(): Problem {
  return new Problem('unsupported-media-type', 'A message is text/xml (SOAP 1.1) or application/soap+xml (SOAP 1.2)')
}
