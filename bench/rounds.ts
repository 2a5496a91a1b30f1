/** Servers of the same age, measured in turn, so that what disturbs the machine disturbs them alike. */

import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { Count, Slice } from './load.ts'
import type { Options } from './options.ts'
import { start } from './processes.ts'
import type { Kind } from './requests.ts'
import type { Server } from './servers.ts'

/** Not the core of the servers. */
const core = 1

/** One thing to be measured in turn with others. */
export interface Contender {
  server: Server
  kind: Kind
  connections: number
  users: number
  /** Bearer token that each request carries. */
  credential?: string
}

/** The process that makes the load. */
export class Load {
  readonly #process: ChildProcess
  /** Requests that were not answered as they should be, in words. */
  readonly errors = new Set<string>()
  /** What makes figures doubtful. */
  readonly doubts = new Set<string>()

  constructor() {
    const command = [process.execPath, join(import.meta.dirname, 'load.ts')]
    this.#process = start(command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }, core)
  }

  async slice({ server, ...rest }: Contender, seconds: number): Promise<Count> {
    const slice: Slice = { ...rest, port: server.port, pid: server.pid, seconds }
    const count = await new Promise<Count>((resolve, reject) => {
      const ended = () => reject(new Error('the load process ended'))
      this.#process.once('exit', ended)
      this.#process.once('message', (message) => {
        this.#process.off('exit', ended)
        resolve(message as Count)
      })
      this.#process.send(slice)
    })
    if (count.requests === 0) {
      const { exitCode, signalCode } = server.process
      const end = signalCode ?? exitCode
      throw new Error(
        `${server.name}, ${rest.kind}: no replies; ${count.error}${end === null ? '' : `; it ended: ${end}`}`,
      )
    }
    if (count.errors > 0) this.errors.add(`${server.name}, ${rest.kind}: ${count.errors} errors, first: ${count.error}`)
    return count
  }
}

/** What each contender did in each round: `[contender][round]`. */
export type Rounds = Count[][]

/** A B A B …, after a slice each that is not counted. */
export async function takeTurns(
  load: Load,
  contenders: readonly Contender[],
  { rounds, seconds, warmUp }: Pick<Options, 'rounds' | 'seconds' | 'warmUp'>,
): Promise<Rounds> {
  for (const contender of contenders) await load.slice(contender, warmUp)
  const counts: Rounds = contenders.map(() => [])
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) counts[index]?.push(await load.slice(contender, seconds))
  }
  return counts
}

export const perCpuSecond = ({ requests, cpu }: Count) => requests / cpu
export const busy = ({ cpu, wall }: Count) => cpu / wall
export const perSecond = ({ requests, wall }: Count) => requests / wall

/** Median over the rounds. */
export function typical(counts: Count[] = [], of: (count: Count) => number): number {
  return median(counts.map(of))
}

/** Median of the ratios inside each round. */
export function ratio(counts: Count[] = [], to: Count[] = [], of: (count: Count) => number): number {
  return median(counts.flatMap((count, round) => (to[round] ? of(count) / of(to[round]) : [])))
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}
