/** The real server as a child process, to be killed. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Test } from 'tap'
import { openSettings } from '../helper.ts'

const start = join(import.meta.dirname, '../../src/start.js')

export interface ServerProcess {
  base: string
  child: ChildProcess
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<void>
}

/** Starts it on a free port; `prefix` is a shell command that runs first. It ends with the test. */
export async function startServer(t: Test, settings: Record<string, string>, prefix = ':'): Promise<ServerProcess> {
  const quiet = { SEED: 'false', ACCESS_LOG: 'off', LOG_LEVEL: 'fatal', ...openSettings }
  const env = { PATH: process.env.PATH, PORT: '0', ...quiet, ...settings }
  // tap puts its own hooks into every child through NODE_OPTIONS; this is to be the server as it is.
  const script = `unset NODE_OPTIONS; ${prefix}; exec "$0" "$1"`
  const child = spawn('bash', ['-c', script, process.execPath, start], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = once(child, 'close')
  const output: string[] = []
  child.stderr.on('data', (chunk: Buffer) => output.push(String(chunk)))
  const base = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      const found = /REST\s+(http:\S+)\/users/.exec(output[output.push(String(chunk)) - 1] ?? '')
      if (found?.[1]) resolve(found[1])
    })
    child.once('close', () => reject(new Error(`the server ended: ${output.join('')}`)))
  })
  t.teardown(() => child.kill('SIGKILL'))
  return {
    base: await base,
    child,
    async end(signal) {
      child.kill(signal)
      await closed
    },
  }
}

/** What a killed process was at is let go, as it would be after the longest time that an attempt may take. */
export function endLeases(folder: string): void {
  const database = new Database(join(folder, 'septet.sqlite'))
  database.exec('update deliveries set due = 0 where lease is not null')
  database.close()
}
