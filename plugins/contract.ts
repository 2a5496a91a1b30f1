import fp from 'fastify-plugin'
import { ContractError } from '../src/contract/contract-error.ts'
import { type Operation, readOperation } from '../src/contract/operation.ts'
import { SchemaNames } from '../src/contract/schema-names.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Every operation by its operationId, in the order of registration. */
    contract: ReadonlyMap<string, Operation>
  }
}

/** Collects the operations from the routes as they are registered; a route that is none stops the start. */
export default fp(
  async (fastify) => {
    const operations = new Map<string, Operation>()
    const names = new SchemaNames()
    fastify.decorate('contract', operations)
    fastify.addHook('onRoute', (route) => {
      const operation = readOperation(route)
      if (operation === undefined) return
      const { operationId, url, method } = operation
      const other = operations.get(operationId)
      if (other)
        throw new ContractError(`${operationId}: ${method} ${url} has the operationId of ${other.method} ${other.url}`)
      names.add(operation)
      operations.set(operationId, operation)
    })
  },
  { name: 'contract' },
)
