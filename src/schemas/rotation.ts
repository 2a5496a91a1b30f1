/** How a secret is replaced: for a time, both are good. */

import { Type } from '@sinclair/typebox'

/** A day, in seconds. */
export const defaultOverlap = 86_400

/** Body properties of a rotation. */
export const rotation = {
  overlap: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 604_800,
      default: defaultOverlap,
      description: 'Seconds for which the secret that is replaced stays good.',
      examples: [defaultOverlap],
    }),
  ),
}
