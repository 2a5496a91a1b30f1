/** Finds the connectors of a folder: each is the default export of one file, or of the `index.ts` of one folder. */

import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError } from '../config.ts'
import type { Connector } from './connector.ts'
import { requiredSettings } from './settings.ts'

const source = /^[^.].*(?<!\.d|\.test)\.[cm]?[jt]s$/

/** @throws {ConfigError} for a folder that is not there, and a file that exports no connector. */
export async function loadConnectors(folder: string): Promise<Connector[]> {
  if (!existsSync(folder)) throw new ConfigError(`CONNECTORS names ${folder}, which is no folder`)
  const files = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (!entry.isDirectory()) return source.test(entry.name) ? [path] : []
    return ['index.ts', 'index.js'].map((name) => join(path, name)).filter(existsSync)
  })
  return Promise.all(files.toSorted().map(load))
}

async function load(file: string): Promise<Connector> {
  const { default: connector } = (await import(pathToFileURL(file).href)) as { default?: Partial<Connector> }
  if (typeof connector?.connect === 'function' && connector.settings && connector.types && isName(connector.name)) {
    if (requiredSettings(connector as Connector).length > 0) return connector as Connector
    throw new ConfigError(`the connector ${connector.name} requires no setting: nothing would switch it on`)
  }
  throw new ConfigError(`${basename(file)} has no connector as its default export`)
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && /^[a-z][a-z0-9-]{0,39}$/.test(name) && name !== 'endpoint'
}
