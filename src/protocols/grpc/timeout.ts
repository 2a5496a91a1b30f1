/** The `grpc-timeout` of a call (gRPC over HTTP/2, "Timeout"). */

import { Problem } from '../../errors.ts'
import { ProtocolProblem, protocolCodes } from './errors.ts'

const units: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 }
/** The longest that a timer takes, in ms: 24 days. What is later than that never comes. */
const longest = 2_147_483_647

/**
 * The time of a call, in ms; infinite without one.
 *
 * @throws {ProtocolProblem} INTERNAL for a text that is none.
 */
export function timeoutOf(header: string | undefined): number {
  if (header === undefined) return Number.POSITIVE_INFINITY
  const [, value, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? []
  if (value === undefined)
    throw new ProtocolProblem(
      protocolCodes.internal,
      'grpc-timeout must be at most 8 digits and one of H, M, S, m, u and n',
    )
  const time = Number(value) * (units[unit] as number)
  return time > longest ? Number.POSITIVE_INFINITY : time
}

/** Why a call is ended whose time is over. */
export function timeIsOver(): Problem {
  return new Problem('timeout', 'The deadline of the call is over')
}
