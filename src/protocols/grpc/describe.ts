/** The services of the operations: one a tag, one method an operation, and a second one where it is live. */

import type { TSchema } from '@sinclair/typebox'
import { ContractError } from '../../contract/contract-error.ts'
import { scopeSentence } from '../../contract/openapi.ts'
import type { Operation } from '../../contract/operation.ts'
import { inputOf, outputOf } from '../../contract/shape.ts'
import { type Field, type ObjectShape, readObject, readShape } from '../../contract/walk.ts'
import { type Lock, number } from './lock.ts'
import { byName, type Method, type ProtoFile, pascalOf } from './model.ts'
import { Types } from './types.ts'

/** Without its numbers. @throws {ContractError} for what gRPC cannot say. */
export function describeUnnumbered(contract: ReadonlyMap<string, Operation>): ProtoFile {
  const types = new Types()
  const byTag = Map.groupBy(contract.values(), ({ tag }) => `${pascalOf(tag)}Service`)
  const services = [...byTag].map(([name, operations]) => ({
    name,
    description: `Operations on ${operations[0]?.tag}.`,
    methods: methodsOf(operations, types).sort(byName),
  }))
  return {
    services: services.sort(byName),
    messages: [...types.messages.values()].sort(byName),
    enums: [...types.enums.values()].sort(byName),
  }
}

/** @throws {ContractError} for what gRPC cannot say. */
export function describe(contract: ReadonlyMap<string, Operation>, lock: Lock): ProtoFile {
  const file = describeUnnumbered(contract)
  number(file, lock)
  return file
}

/** @throws {ContractError} for a name that two methods would have. */
function methodsOf(operations: readonly Operation[], types: Types): Method[] {
  const methods = operations.map((operation) => methodOf(operation, types))
  for (const [index, operation] of operations.entries()) {
    if (!operation.live) continue
    const stream = streamOf(operation, methods[index] as Method, types)
    if (methods.some(({ name }) => name === stream.name))
      throw new ContractError(`${operation.operationId}: its stream has the name of another method, ${stream.name}`)
    methods.push(stream)
  }
  return methods
}

/** What a live operation tells as it happens: `ListEvents` is `StreamEvents`, with an item in each message. */
function streamOf(operation: Operation, { name, description, ...method }: Method, types: Types): Method {
  const { items } = outputOf(operation) as { items: TSchema }
  const { shape } = readShape(items, `${name}Item`, operation.operationId)
  return {
    ...method,
    name: `Stream${name.replace(/^List(?=[A-Z])/, '')}`,
    description: `As it happens, from now on or from the cursor on: ${description}`,
    response: types.object(shape as ObjectShape),
    wrapped: undefined,
    streams: true,
  }
}

function methodOf(operation: Operation, types: Types): Method {
  const { operationId, summary, description, access } = operation
  const name = operationId.charAt(0).toUpperCase() + operationId.slice(1)
  const input = readObject(inputOf(operation), `${name}Request`, `${operationId}: schema`)
  return {
    name,
    operationId,
    description: `${summary}. ${description}${scopeSentence(access?.scopes ?? [])}`,
    idempotency: idempotencyOf(operation),
    streams: false,
    // In a query, a list without an item is none.
    request: types.object(
      { ...input, description: undefined },
      new Set(Object.keys(operation.querystring?.properties ?? {})),
    ),
    ...responseOf(operation, name, types),
  }
}

/** RFC 9110 section 9.2. */
function idempotencyOf({ method }: Operation): Method['idempotency'] {
  if (method === 'GET') return 'NO_SIDE_EFFECTS'
  return method === 'PUT' || method === 'DELETE' ? 'IDEMPOTENT' : undefined
}

function responseOf(operation: Operation, name: string, types: Types): Pick<Method, 'response' | 'wrapped'> {
  const output = outputOf(operation)
  const path = `${operation.operationId}: schema.response.${operation.success.status}`
  const own = `${name}Response`
  const around = (wrapped: Method['wrapped'], fields: readonly Field[]) => ({
    response: types.object({ kind: 'object', name: own, description: undefined, fields }),
    wrapped,
  })
  const field = { required: true, nullable: false, description: undefined, deprecated: false, refersTo: undefined }
  switch (output.kind) {
    case 'nothing':
      return { response: undefined, wrapped: undefined }
    case 'page': {
      const { shape } = readShape(output.items, `${name}Item`, path)
      if (shape.kind !== 'object') throw new ContractError(`${path}: a page must be of objects`)
      const items = { ...field, name: 'items', shape: { kind: 'list', items: shape, nullableItems: false } } as const
      const description = 'Where the next page starts; absent on the last.'
      const nextCursor = {
        ...field,
        name: 'nextCursor',
        nullable: true,
        shape: { kind: 'string' },
        description,
      } as const
      return around('page', [items, nextCursor])
    }
    case 'object': {
      const { shape, nullable } = readShape(output.schema, own, path)
      if (shape.kind === 'object' && !nullable) return { response: types.object(shape), wrapped: undefined }
      return around('value', [{ ...field, name: 'value', shape, nullable }])
    }
    case 'value':
      return around('value', [{ ...field, name: 'value', ...readShape(output.schema, `${own}Value`, path) }])
  }
}
