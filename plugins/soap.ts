import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fp from 'fastify-plugin'
import { once } from '../src/contract/once.ts'
import { createParse } from '../src/contract/parse-json.ts'
import { SoapServer } from '../src/protocols/soap/index.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** There when the server is ready. */
    soap: SoapServer
  }
}

const committed = join(import.meta.dirname, '../contracts/service.wsdl')

/** Every operation over SOAP 1.1 and 1.2; a schema that XML cannot carry stops the start. */
export default fp(
  async (fastify) => {
    const { contract, dispatch } = fastify
    const made = once(() => {
      const wsdl = existsSync(committed) ? readFileSync(committed, 'utf8') : ''
      const parse = createParse(fastify.getDefaultJsonParser('error', 'error'))
      return new SoapServer({ dispatch, contract, committed: wsdl, parse })
    })
    fastify.decorate('soap', { getter: made } as never)
    fastify.addHook('onReady', async () => void made())
  },
  { name: 'soap', dependencies: ['dispatch', 'contract'] },
)
