/** Septet as a user runs it, and the bare servers, each on a copy of the same database. */

import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileName } from './database.ts'
import { freePort, listening, start } from './processes.ts'

export interface Server {
  name: string
  port: number
  pid: number
  process: ChildProcess
}

/** The servers share this core: only one of them is busy at a time. */
const core = 0

/** What a server inherits: no setting of the shell that runs the benchmark. */
export function environment(settings: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env
  return { PATH, HOME, ...settings }
}

/**
 * As `npm start` does, all settings at their defaults, so with access log, metrics and security headers; only that
 * callers may write without a credential.
 */
export async function startSeptet(
  folder: string,
  flags: string[],
  settings: Record<string, string> = {},
  place: 'one core' | 'all cores' = 'one core',
): Promise<Server> {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as { scripts: { start: string } }
  const [, ...args] = scripts.start.split(' ')
  const name = ['Septet', ...Object.entries(settings).map((setting) => setting.join('='))].join(' ')
  return startServer(
    name,
    [...flags, ...args],
    (port) => ({
      ANONYMOUS_SCOPES: 'users:read users:write',
      ...settings,
      DATA_DIR: folder,
      PORT: String(port),
    }),
    place,
  )
}

export interface Bare {
  commits: 'each' | 'group'
  pages: 'rows' | 'text'
}

export function startBare(folder: string, { commits, pages }: Bare, flags: string[]): Promise<Server> {
  const script = [...flags, join(import.meta.dirname, 'bare.ts')]
  return startScript(`bare, ${commits}, ${pages}`, script, folder, [commits, pages])
}

/** Starts a script with the database of a folder, a port, and what it takes besides, as its arguments. */
export function startScript(
  name: string,
  script: readonly string[],
  folder: string,
  more: readonly string[] = [],
): Promise<Server> {
  return startServer(name, (port) => [...script, join(folder, fileName), String(port), ...more])
}

async function startServer(
  name: string,
  args: string[] | ((port: number) => string[]),
  settings: (port: number) => Record<string, string> = () => ({}),
  place: 'one core' | 'all cores' = 'one core',
): Promise<Server> {
  const port = await freePort()
  const command = [process.execPath, ...(typeof args === 'function' ? args(port) : args)]
  const child = start(
    command,
    { env: environment(settings(port)), stdio: ['ignore', 'ignore', 'inherit'] },
    place === 'one core' ? core : undefined,
  )
  await listening(port, child)
  return { name, port, pid: child.pid as number, process: child }
}
