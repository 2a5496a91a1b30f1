/** Runs the tools of test/clients, cut off from the network. */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export const clients = join(import.meta.dirname, '..', 'clients')
const modules = join(clients, 'node_modules')

/** The `skip` of a test that needs them. */
export const skip = existsSync(modules) ? false : 'run npm ci --prefix test/clients'

export interface Run {
  code: number
  stdout: string
  stderr: string
}

/** Starts a script of an installed package, such as `orval/dist/bin/orval.mjs`. */
export function runTool(script: string, ...args: string[]): Promise<Run> {
  return runNode(join(modules, script), ...args)
}

/** Starts Node offline; the option reaches the children of the tool as well. */
export function runNode(...args: string[]): Promise<Run> {
  return run(process.execPath, args, {
    NODE_OPTIONS: `--no-warnings --import=${pathToFileURL(join(import.meta.dirname, 'offline.ts'))}`,
    NO_COLOR: '1',
    REDOCLY_TELEMETRY: 'off',
    REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
  })
}

/** Starts a program in test/clients; resolves with whatever exit code it has. */
export function run(program: string, args: string[], settings: Record<string, string> = {}): Promise<Run> {
  const env = { ...process.env, ...settings }
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: clients, env, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error)
      else resolve({ code: Number(error?.code ?? 0), stdout, stderr })
    })
  })
}
