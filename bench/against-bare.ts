/** Septet against bare servers: reads fresh and after V8's idle-time garbage collection, then writes. */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Case, durableBar, reads, writes } from './cases.ts'
import { copyDatabase } from './database.ts'
import type { Options } from './options.ts'
import { stop } from './processes.ts'
import { atLeast, count, factor, progress, table } from './report.ts'
import { busy, type Load, perCpuSecond, perSecond, type Rounds, ratio, takeTurns, typical } from './rounds.ts'
import { assertSameAnswers } from './same-answers.ts'
import { type Server, startBare, startSeptet } from './servers.ts'

/** All on copies of one database, started together. */
interface Servers {
  septet: Server
  /** Keeps no rendered rows and pages in memory, as the bare servers keep none. */
  unkept: Server
  /** Maps rows and stringifies; one commit a request. */
  bare: Server
  /** Like Septet: JSON built by SQL, and group commit. */
  alike: Server
}

/** Share of the time below which a server was not what limited its requests. */
const leastBusy = 0.85

type Name = keyof Servers
/** What the servers of one case did. */
type Measured = Partial<Record<Name, Rounds[number]>>

/** Runs those cases that are wanted and gives their tables. */
export async function compareWithBare(data: string, folder: string, load: Load, options: Options): Promise<string> {
  const wanted = (list: readonly Case[]) => list.filter(({ name }) => options.cases.has(name))
  const [reading, writing] = [wanted(reads), wanted(writes)]
  if (reading.length + writing.length === 0) return ''
  const servers = await startAll(data, folder, options)
  const { septet, ...others } = servers
  // Starting together on one core delays their event loops, and Septet sheds load for that.
  await sleep(1000)
  await assertSameAnswers(septet, Object.values(others), options.users)

  let tables = ''
  if (reading.length > 0) {
    // One user is read the same way by both bare servers.
    const names = ({ bar = 0 }: Case): Name[] =>
      bar > 1 ? ['septet', 'bare', 'unkept', 'alike'] : ['septet', 'bare', 'unkept']
    const fresh = await measure(load, reading, servers, names, options, 'fresh')
    progress(`idle for ${options.idle} s`)
    await sleep(options.idle * 1000)
    const idled = await measure(load, reading, servers, names, options, 'idled')
    tables += readTable(reading, fresh, idled)
  }
  if (writing.length > 0) {
    const names = (): Name[] => ['septet', 'bare', 'alike']
    tables += writeTables(writing, await measure(load, writing, servers, names, options, 'durable'))
  }
  await Promise.all(Object.values(servers).map((server: Server) => stop(server.process)))
  return tables
}

async function startAll(data: string, folder: string, { nodeFlags, bareFlags }: Options): Promise<Servers> {
  const copy = (name: Name) => copyDatabase(data, join(folder, name))
  const [septet, unkept, bare, alike] = await Promise.all([
    startSeptet(copy('septet'), nodeFlags),
    startSeptet(copy('unkept'), nodeFlags, { KEEP_BYTES: '0' }),
    startBare(copy('bare'), { commits: 'each', pages: 'rows' }, bareFlags),
    startBare(copy('alike'), { commits: 'group', pages: 'text' }, bareFlags),
  ])
  return { septet, unkept, bare, alike }
}

async function measure(
  load: Load,
  cases: readonly Case[],
  servers: Servers,
  namesOf: (one: Case) => Name[],
  options: Options,
  state: string,
): Promise<Measured[]> {
  const measured: Measured[] = []
  for (const each of cases) {
    progress(`${each.title} (${state})`)
    const { kind, connections = options.connections } = each
    const names = namesOf(each)
    const contenders = names.map((name) => ({ server: servers[name], kind, connections, users: options.users }))
    const rounds = await takeTurns(load, contenders, options)
    for (const [index, name] of names.entries()) {
      const share = typical(rounds[index], busy)
      // A write waits for the disk; a read that leaves the server idle was held up by the load or the machine.
      if (kind !== 'create' && share < leastBusy) {
        load.doubts.add(
          `${each.title} (${state}): ${servers[name].name} was busy ${Math.round(share * 100)} % of the time`,
        )
      }
    }
    measured.push(Object.fromEntries(names.map((name, index) => [name, rounds[index]])))
  }
  return measured
}

function readTable(cases: readonly Case[], fresh: Measured[], idled: Measured[]): string {
  const rows = cases.flatMap(({ title, bar }, index) => {
    const both = [fresh[index] ?? {}, idled[index] ?? {}]
    const cells = (one: Name, other: Name) =>
      both.flatMap(({ [one]: ours, [other]: theirs }) => [
        count(typical(ours, perCpuSecond)),
        count(typical(theirs, perCpuSecond)),
        factor(ratio(ours, theirs, perCpuSecond)),
      ])
    const verdicts = both.map(({ septet, bare }) => atLeast(ratio(septet, bare, perCpuSecond), bar))
    const lines = [
      [title, ...cells('septet', 'bare'), factor(bar ?? 0), verdicts.join(' / ')],
      ['  KEEP_BYTES=0', ...cells('unkept', 'bare')],
    ]
    if (both[0]?.alike) lines.push(['  KEEP_BYTES=0, bare with SQL-built JSON', ...cells('unkept', 'alike')])
    return lines
  })
  const head = ['', 'Septet', 'bare', 'ratio', 'idled Septet', 'idled bare', 'ratio', 'bar', 'fresh / idled']
  return table('Reads: requests per CPU second of the server, fresh and after the first idle-time GC', head, rows)
}

function writeTables(cases: readonly Case[], measured: Measured[]): string {
  const figures = (of: typeof perSecond) =>
    cases.flatMap(({ title, name }, index) => {
      const { septet, bare, alike } = measured[index] ?? {}
      const row = (commits: string, theirs: Rounds[number] = []) => {
        const value = ratio(septet, theirs, of)
        const bar = of === perSecond && name === 'create-64' && theirs === bare ? durableBar : undefined
        const judged = bar === undefined ? [] : [factor(bar), atLeast(value, bar)]
        const typicals = [count(typical(septet, of)), count(typical(theirs, of))]
        return [`${title}; bare: ${commits}`, ...typicals, factor(value), ...judged]
      }
      return [row('one commit a request', bare), row('group commit', alike)]
    })
  const head = ['', 'Septet', 'bare', 'ratio', 'bar', '']
  return (
    table('Durable writes: requests per CPU second of the server', head.slice(0, 4), figures(perCpuSecond)) +
    table('Durable writes: requests per second of wall clock', head, figures(perSecond))
  )
}
