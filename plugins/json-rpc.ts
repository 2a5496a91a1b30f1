import fp from 'fastify-plugin'
import type { Subprotocol } from '../src/contract/conversation.ts'
import { once } from '../src/contract/once.ts'
import { createParse } from '../src/contract/parse-json.ts'
import { JsonRpc, RpcConversation, subprotocol } from '../src/protocols/json-rpc/index.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** JSON-RPC, for connections that carry texts. */
    jsonRpc: Subprotocol
  }
}

/** Every operation as a method of JSON-RPC; what it cannot call stops the start. */
export default fp(
  async (fastify) => {
    const { contract, dispatch, access } = fastify
    const parse = createParse(fastify.getDefaultJsonParser('error', 'error'))
    const authenticate = (credential: string) => access.authenticate(credential)
    const rpc = once(() => new JsonRpc({ dispatch, contract, parse, authenticate }))
    fastify.decorate('jsonRpc', {
      name: subprotocol,
      required: false,
      wire: 'websocket',
      open: (line) => new RpcConversation(rpc(), line),
    })
    fastify.addHook('onReady', async () => void rpc())
  },
  { name: 'json-rpc', dependencies: ['dispatch', 'access', 'contract'] },
)
