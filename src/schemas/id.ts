/** Identifiers: whole numbers that every JSON reader holds exactly. */

import { Type } from '@sinclair/typebox'

export const Id = Type.Integer({
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'Identifier; never given twice.',
  examples: [1],
})
