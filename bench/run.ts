/** `npm run bench`: Septet against bare `node:http`, and its start-up, memory and deep pages against their bars. */

import { cpus } from 'node:os'
import { join } from 'node:path'
import { measureAccess, measureSignIns } from './access.ts'
import { compareWithBare } from './against-bare.ts'
import { measureDeepPages, measureMemory, measureStartUp } from './alone.ts'
import { accessBar, deepPageBar, memoryBar, signInBar, startUpBar } from './cases.ts'
import { createDatabase } from './database.ts'
import { type Options, readOptions, usage } from './options.ts'
import { pinned, workFolder } from './processes.ts'
import { atLeast, atMost, count, factor, progress, table } from './report.ts'
import { Load } from './rounds.ts'

try {
  await run(readOptions(process.argv.slice(2)))
} catch (error) {
  const { code, message, stack } = error as NodeJS.ErrnoException
  const misuse = code?.startsWith('ERR_PARSE_ARGS') || message.startsWith('--')
  process.stderr.write(misuse ? `${message}\n${usage}\n` : `${stack}\n`)
  process.exit(1)
}
// The load process holds the event loop; what is left is ended on exit.
process.exit()

async function run(options: Options): Promise<void> {
  const begin = performance.now()
  const folder = workFolder()
  const data = join(folder, 'data')
  process.stdout.write(describe(options))
  progress(`a database of ${count(options.users)} users`)
  createDatabase(data, options.users)
  const load = new Load()
  process.stdout.write(await compareWithBare(data, folder, load, options))
  process.stdout.write(await measureAlone(data, folder, load, options))
  if (load.doubts.size > 0) {
    process.stdout.write(
      `\nDOUBTFUL: the machine was shared, or the load too slow\n  ${[...load.doubts].join('\n  ')}\n`,
    )
  }
  for (const error of load.errors) process.stdout.write(`ERROR ${error}\n`)
  if (load.errors.size > 0) process.exitCode = 1
  process.stdout.write(`\n${Math.round((performance.now() - begin) / 1000)} s in all\n`)
}

function describe({ rounds, seconds, connections, nodeFlags, bareFlags }: Options): string {
  const cores = pinned ? 'servers on core 0, load on core 1' : 'NOT pinned to cores (taskset is missing or refused)'
  const flags = [
    nodeFlags.length ? `Septet ${nodeFlags.join(' ')}` : '',
    bareFlags.length ? `bare ${bareFlags.join(' ')}` : '',
  ]
  return [
    `Node ${process.version}, ${cpus()[0]?.model.trim()}, ${cores}`,
    `${rounds} rounds of ${seconds} s a server in turn, medians; reads over ${connections} connections`,
    ...flags.filter(Boolean),
    '',
  ].join('\n')
}

async function measureAlone(data: string, folder: string, load: Load, options: Options): Promise<string> {
  const rows: string[][] = []
  if (options.cases.has('start-up')) {
    progress('start-up')
    const seconds = await measureStartUp(data)
    rows.push(['npm start to an open port, s', factor(seconds), factor(startUpBar), atMost(seconds, startUpBar)])
  }
  if (options.cases.has('memory')) {
    progress('memory')
    const { started, used } = await measureMemory(data, load, options)
    rows.push(['resident memory 5 s after start, MB', count(started), count(memoryBar), atMost(started, memoryBar)])
    rows.push(['resident memory 5 s after a little load, MB', count(used), count(memoryBar), atMost(used, memoryBar)])
  }
  if (options.cases.has('access')) {
    progress('credentials')
    const { key, token } = await measureAccess(data, folder, load, options)
    rows.push(['GET /users/{id} with an API key, without = 1', factor(key), factor(accessBar), atLeast(key, accessBar)])
    rows.push(['GET /users/{id} with a JWT, without = 1', factor(token), factor(accessBar), atLeast(token, accessBar)])
  }
  if (options.cases.has('sign-in')) {
    progress('sign-ins')
    const { idle, busy, ratio, perSecond } = await measureSignIns(data, folder, options)
    const figures = `${idle.toFixed(2)} and ${busy.toFixed(2)} ms, ${count(perSecond)} sign-ins a second`
    rows.push([
      'p99 of GET beside 50 sign-ins, idle = 1',
      factor(ratio),
      factor(signInBar),
      atMost(ratio, signInBar),
      figures,
    ])
  }
  if (options.cases.has('deep-page')) {
    progress(`pages of ${count(options.deepUsers)} users`)
    const pages = await measureDeepPages(folder, load, options)
    for (const [title, { first, deep, cost }] of [
      ['CPU of a page in the last tenth, first page = 1', pages.kept],
      ['  KEEP_BYTES=0', pages.read],
    ] as const) {
      const figures = `${count(first)} and ${count(deep)} requests per CPU second`
      rows.push([title, factor(cost), factor(deepPageBar), atMost(cost, deepPageBar), figures])
    }
  }
  return rows.length === 0 ? '' : table('Septet alone', ['', 'figure', 'bar', '', ''], rows)
}
