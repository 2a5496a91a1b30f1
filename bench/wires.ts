/** What benchmarks of a wire share: Septet twice, and a bare server of that wire, on copies of the same rows. */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { copyDatabase, createDatabase } from './database.ts'
import type { Count } from './load.ts'
import type { Options } from './options.ts'
import { stop, workFolder } from './processes.ts'
import { atLeast, count, factor, progress } from './report.ts'
import { busy, perCpuSecond, ratio, typical } from './rounds.ts'
import { type Server, startScript, startSeptet } from './servers.ts'

/** Ids that all servers are asked for before anything is measured. */
const compared = [1, 2, 4711]

export interface WireServers {
  septet: Server
  /** Septet that keeps no rendered rows. */
  unkept: Server
  bare: Server
  /** The bare server's work behind a bare Fastify: what is lost to Fastify itself. */
  framed?: Server
}

export interface Wire {
  /** Of the bare server. */
  name: string
  /** Serves it when its first argument is `bare`; the database and the port follow. */
  script: string
  /** Whether the script serves the same behind Fastify when its first argument is `framed`. */
  framed?: boolean
  /** Of Septet. */
  settings?: Record<string, string>
  /** What a server answers for the user with an id. */
  ask: (server: Server, id: number) => Promise<string>
}

/** @throws where two servers give different answers: a comparison of speed would say nothing. */
export async function startWireServers(
  { name, script, framed = false, settings = {}, ask }: Wire,
  { users, nodeFlags, bareFlags }: Options,
): Promise<WireServers> {
  const folder = workFolder()
  const data = join(folder, 'data')
  progress(`a database of ${count(users)} users`)
  createDatabase(data, users)
  const copy = (of: string) => copyDatabase(data, join(folder, of))
  const septet = await startSeptet(copy('septet'), nodeFlags, settings)
  const unkept = await startSeptet(copy('unkept'), nodeFlags, { ...settings, KEEP_BYTES: '0' })
  const bare = await startScript(name, [...bareFlags, script, 'bare'], copy('bare'))
  const behind = framed && (await startScript(`${name} on Fastify`, [...bareFlags, script, 'framed'], copy('framed')))
  await sleep(1000)
  for (const id of compared) {
    const [ours, others, theirs] = await Promise.all([septet, unkept, bare].map((server) => ask(server, id)))
    if (ours !== theirs || others !== theirs)
      throw new Error(`getUser ${id}:\n${septet.name} ${ours}\n${unkept.name} ${others}\n${bare.name} ${theirs}`)
  }
  return { septet, unkept, bare, ...(behind && { framed: behind }) }
}

/** Measures fresh, and again after V8's idle-time garbage collection; gives the rows of both. */
export async function inBothStates(
  idle: number,
  measure: (state: 'fresh' | 'idled') => Promise<string[][]>,
): Promise<string[][]> {
  const fresh = await measure('fresh')
  progress(`idle for ${idle} s`)
  await sleep(idle * 1000)
  return [...fresh, ...(await measure('idled'))]
}

/** One line of the table: requests a CPU second of Septet and of another server, and how they compare. */
export function rowOf(title: string, own: Count[], bares: Count[], least?: number): string[] {
  const value = ratio(own, bares, perCpuSecond)
  const figures = [count(typical(own, perCpuSecond)), count(typical(bares, perCpuSecond))]
  const shown = least === undefined ? '' : factor(least)
  const load = factor(Math.min(typical(own, busy), typical(bares, busy)))
  return [title, ...figures, factor(value), shown, atLeast(value, least), load]
}

export async function stopAll(servers: WireServers): Promise<void> {
  await Promise.all(Object.values(servers).map((server: Server) => stop(server.process)))
}
