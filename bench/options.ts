/** What the command line asks for. */

import { parseArgs } from 'node:util'

export const caseNames = [
  'first-page',
  'page',
  'find',
  'get',
  'create-1',
  'create-64',
  'deep-page',
  'start-up',
  'memory',
  'access',
  'sign-in',
] as const
export type CaseName = (typeof caseNames)[number]

export interface Options {
  cases: ReadonlySet<CaseName>
  rounds: number
  /** Length of one slice: one server under one case. */
  seconds: number
  /** Length of the slice before the first round, which is not counted. */
  warmUp: number
  /** Keep-alive connections of the reading cases, each with one request in flight. */
  connections: number
  /** How long both servers are left alone, so that V8 makes its idle-time garbage collection. */
  idle: number
  users: number
  deepUsers: number
  nodeFlags: string[]
  bareFlags: string[]
}

export const usage = `npm run bench -- [--quick] [--case name]... [--rounds 9] [--seconds 0.8] [--connections 32]
  [--warm-up 1.6] [--idle 12] [--node-flags="--flag ..."] [--bare-flags="--flag ..."]
cases: ${caseNames.join(', ')}`

/** @throws when an option is unknown or its value is of no use. */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      case: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      'warm-up': { type: 'string' },
      connections: { type: 'string', default: '32' },
      idle: { type: 'string', default: '12' },
      'node-flags': { type: 'string', default: '' },
      'bare-flags': { type: 'string', default: '' },
    },
  })
  const { quick } = values
  const seconds = positive('seconds', values.seconds ?? (quick ? '0.2' : '0.8'))
  return {
    cases: new Set(values.case?.map(readCase) ?? caseNames),
    rounds: Math.ceil(positive('rounds', values.rounds ?? (quick ? '3' : '9'))),
    seconds,
    warmUp: positive('warm-up', values['warm-up'] ?? (quick ? '0.3' : String(2 * seconds))),
    connections: Math.ceil(positive('connections', values.connections)),
    idle: positive('idle', values.idle),
    users: 100_000,
    deepUsers: quick ? 200_000 : 1_000_000,
    nodeFlags: values['node-flags'].split(' ').filter(Boolean),
    bareFlags: values['bare-flags'].split(' ').filter(Boolean),
  }
}

function positive(name: string, value: string): number {
  const number = Number(value)
  if (!(number > 0)) throw new Error(`--${name} must be a number above 0, got ${value}`)
  return number
}

function readCase(name: string): CaseName {
  const known = caseNames.find((each) => each === name)
  if (known === undefined) throw new Error(`--case ${name} is none of ${caseNames.join(', ')}`)
  return known
}
