/** Moments, as ISO 8601 text in UTC. */

import { Type } from '@sinclair/typebox'

const example = '2026-11-24T12:00:00.000Z'

export function Moment(description: string) {
  return Type.String({ format: 'date-time', description, examples: [example] })
}

/** A moment that may not have come. */
export function MaybeMoment(description: string) {
  return Type.Union([Type.String({ format: 'date-time' }), Type.Null()], { description, examples: [null] })
}
