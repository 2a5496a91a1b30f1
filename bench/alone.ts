/** What is measured on Septet alone: a deep page, the start and the memory. */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { copyDatabase, createDatabase } from './database.ts'
import type { Options } from './options.ts'
import { freePort, listening, residentMegabytes, start, stop } from './processes.ts'
import { type Load, median, perCpuSecond, ratio, takeTurns, typical } from './rounds.ts'
import { environment, startSeptet } from './servers.ts'

export interface DeepPage {
  first: number
  deep: number
  /** CPU of a deep page against that of the first. */
  cost: number
}

/**
 * Pages in the last tenth of many users against the first page: with all settings at their defaults, where the first
 * page is kept in memory, and with nothing kept, where both are read.
 */
export async function measureDeepPages(
  folder: string,
  load: Load,
  options: Options,
): Promise<Record<'kept' | 'read', DeepPage>> {
  const { deepUsers: users, connections, nodeFlags } = options
  const home = join(folder, 'deep')
  createDatabase(home, users)
  const copy = copyDatabase(home, join(folder, 'deep-read'))
  const servers = await Promise.all([startSeptet(home, nodeFlags), startSeptet(copy, nodeFlags, { KEEP_BYTES: '0' })])
  await sleep(1000)
  const kinds = ['first page', 'deep page'] as const
  const contenders = servers.flatMap((server) => kinds.map((kind) => ({ server, kind, connections, users })))
  const [first, deep, firstRead, deepRead] = await takeTurns(load, contenders, options)
  await Promise.all(servers.map((server) => stop(server.process)))
  const compare = (one: typeof first, other: typeof first): DeepPage => ({
    first: typical(one, perCpuSecond),
    deep: typical(other, perCpuSecond),
    cost: ratio(one, other, perCpuSecond),
  })
  return { kept: compare(first, deep), read: compare(firstRead, deepRead) }
}

/** Seconds from `npm start` to an open port, with files and compile caches warm. */
export async function measureStartUp(data: string): Promise<number> {
  const seconds: number[] = []
  for (let run = 0; run < 6; run += 1) {
    const port = await freePort()
    const env = environment({ DATA_DIR: data, PORT: String(port), npm_config_loglevel: 'error' })
    const begin = performance.now()
    const child = start(['npm', 'start'], { env, stdio: ['ignore', 'ignore', 'inherit'] })
    await listening(port, child)
    seconds.push((performance.now() - begin) / 1000)
    await stop(child)
  }
  return median(seconds.slice(1))
}

export interface Memory {
  started: number
  /** Some seconds after a little load. */
  used: number
}

export async function measureMemory(data: string, load: Load, { users, nodeFlags }: Options): Promise<Memory> {
  const server = await startSeptet(data, nodeFlags)
  await sleep(5000)
  const started = residentMegabytes(server.pid)
  for (const kind of ['first page', 'get', 'create'] as const) {
    await load.slice({ server, kind, connections: 8, users }, 0.5)
  }
  await sleep(5000)
  const used = residentMegabytes(server.pid)
  await stop(server.process)
  return { started, used }
}
