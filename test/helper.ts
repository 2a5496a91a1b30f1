/** Builds an app for one test, on a database of its own, and closes it with the test. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { createApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { loadConnectors } from '../src/connectors/load.ts'
import { exampleSettings } from '../src/connectors/settings.ts'
import { createLog } from '../src/logger.ts'

export interface Built {
  app: FastifyInstance
  /** Its data folder. */
  folder: string
  /** Everything that was logged so far, one parsed line each. */
  logs: () => Record<string, unknown>[]
}

/**
 * What tests of something else than access and overload start with: anybody may read and write users, and a test
 * machine that runs several suites, late by nature, is not taken for overloaded.
 */
export const openSettings = {
  ANONYMOUS_SCOPES: 'users:read users:write events:read metrics:read',
  MAX_EVENT_LOOP_DELAY: '0',
} as const

/** A folder that goes with the test. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'septet-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The app, ready for `inject`; `settings` as in the environment. */
export async function build(
  t: Test,
  settings: Record<string, string> = {},
  moreRoutes?: string | readonly string[],
): Promise<Built> {
  const config = readConfig({ DATA_DIR: temporaryFolder(t), ...openSettings, ...settings })
  const lines: string[] = []
  const log = createLog(config, { write: (line) => lines.push(line) })
  const app = await createApp(config, log, [moreRoutes ?? []].flat())
  t.teardown(() => app.close())
  await app.ready()
  return { app, folder: config.DATA_DIR, logs: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

/** The app on a free port; gives its base URL. */
export async function listen(
  t: Test,
  settings: Record<string, string> = {},
  moreRoutes?: string | readonly string[],
): Promise<Built & { base: string }> {
  const built = await build(t, settings, moreRoutes)
  return { ...built, base: await built.app.listen({ port: 0, host: '127.0.0.1' }) }
}

/** Settings with which every connector is on. None of them calls its service before there is something to say. */
export async function everyConnector(): Promise<Record<string, string>> {
  return exampleSettings(await loadConnectors(join(import.meta.dirname, '../src/integrations')))
}
