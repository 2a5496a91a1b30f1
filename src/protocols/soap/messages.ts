/** Operations as pairs of messages (WSDL 1.1 document/literal, wrapped): an element in, an element out. */

import { ContractError } from '../../contract/contract-error.ts'
import type { Operation } from '../../contract/operation.ts'
import { inputOf, outputOf } from '../../contract/shape.ts'
import { type Field, type ObjectShape, readObject, readShape } from '../../contract/walk.ts'

export interface Messages {
  operation: Operation
  /** Its element has the name of the operation. */
  request: ObjectShape
  /** Holds one `result`, or nothing. */
  response: ObjectShape
  /** Whether the result is `{ items, nextCursor }`, of which the operation itself answers the items alone. */
  isPage: boolean
}

/**
 * Every operation, by name.
 *
 * @throws {ContractError} for what SOAP cannot say, and where two messages would have one name.
 */
export function messagesOf(contract: ReadonlyMap<string, Operation>): Messages[] {
  const all = [...contract.values()].map(messagesOfOne)
  const requests = new Set(all.map(({ request }) => request.name))
  const clash = all.find(({ response }) => requests.has(response.name))
  if (clash) throw new ContractError(`${clash.response.name}: is the answer of ${clash.request.name} over SOAP`)
  return all.sort((a, b) => (a.request.name < b.request.name ? -1 : 1))
}

function messagesOfOne(operation: Operation): Messages {
  const { operationId } = operation
  const capital = operationId.charAt(0).toUpperCase() + operationId.slice(1)
  const { fields } = readObject(inputOf(operation), capital, `${operationId}: schema`)
  const { isPage, result } = resultOf(operation, capital)
  return {
    operation,
    request: { kind: 'object', name: operationId, description: operation.summary, fields },
    response: { kind: 'object', name: `${operationId}Response`, description: undefined, fields: result },
    isPage,
  }
}

function resultOf(operation: Operation, capital: string): { isPage: boolean; result: Field[] } {
  const output = outputOf(operation)
  const path = `${operation.operationId}: schema.response.${operation.success.status}`
  if (output.kind === 'nothing') return { isPage: false, result: [] }
  if (output.kind !== 'page') {
    const { shape, nullable } = readShape(output.schema, `${capital}Result`, path)
    return { isPage: false, result: [field('result', { shape, nullable })] }
  }
  const { shape, nullable } = readShape(output.items, `${capital}Item`, path)
  const items = field('items', { shape: { kind: 'list', items: shape, nullableItems: nullable }, nullable: false })
  const description = 'Where the next page starts; null on the last.'
  const nextCursor = { ...field('nextCursor', { shape: { kind: 'string' }, nullable: true }), description }
  const name = `${shape.kind === 'object' ? shape.name : capital}Page`
  const page: ObjectShape = { kind: 'object', name, description: 'A page.', fields: [items, nextCursor] }
  return { isPage: true, result: [field('result', { shape: page, nullable: false })] }
}

function field(name: string, read: Pick<Field, 'shape' | 'nullable'>): Field {
  return { name, ...read, required: true, description: undefined, deprecated: false, refersTo: undefined }
}
