/** Identifiers: whole numbers that every JSON reader holds exactly. */

import { Type } from '@sinclair/typebox'

export const Id = Type.Integer({
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'Identifier; never given twice.',
  examples: [1],
})

/** Names what another operation gets by it: GraphQL follows it there. */
export function reference(operationId: string, description: string) {
  return Type.Integer({ ...Id, description, 'x-operation': operationId })
}
