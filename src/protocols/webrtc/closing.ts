/** Why a channel ends: its own end has no words (RFC 8831 section 6.7), so that they stand in a notification before it. */

import { Type } from '@sinclair/typebox'

/** Those of WebSocket (RFC 6455 section 7.4.1). */
export const closeCodes = {
  idle: 1000,
  goingAway: 1001,
  malformed: 1002,
  'no-utf-8': 1007,
  hasty: 1008,
  'too-big': 1009,
  internal: 1011,
  slow: 1013,
} as const

const method = 'closing'

/** The last message of the server. */
export function closingOf(code: number, reason: string): string {
  return JSON.stringify({ jsonrpc: '2.0', method, params: { code, reason } })
}

const code = Type.Integer({
  description: `As WebSocket has them: ${Object.values(closeCodes).join(', ')}.`,
  minimum: 1000,
  maximum: 4999,
})
const reason = Type.String({ description: 'Why, in words.' })

/** That message, for documents. */
export const closing = {
  name: method,
  title: 'The channel ends, and why',
  payload: Type.Object({
    jsonrpc: Type.Literal('2.0'),
    method: Type.Literal(method),
    params: Type.Object({ code, reason }, { additionalProperties: false }),
  }),
}
