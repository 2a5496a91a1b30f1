/** The settings of a connector: whether it is on, and with what. */

import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { ConfigError, type Environment } from '../config.ts'
import type { Connector } from './connector.ts'

const ajv = new Ajv({ coerceTypes: true, useDefaults: true, allErrors: true })
// ajv-formats is CommonJS: its default export is the module itself there.
;(addFormats as unknown as (ajv: Ajv) => void)(ajv)

/** What is or may hold a secret is not repeated. */
const secretive = /_(KEY|SECRET|TOKEN|PASSWORD|URL)$/

type Declared = Pick<Connector, 'settings'>

/** Those that switch a connector on: neither optional nor with a default. */
export function requiredSettings({ settings }: Declared): string[] {
  return (settings.required ?? []).filter((name) => settings.properties[name]?.default === undefined)
}

/** The required settings that are not set; an empty value counts as absent. */
export function missingSettings(connector: Declared, env: Environment): string[] {
  return requiredSettings(connector).filter((name) => !isSet(env, name))
}

/** Those that nobody sets but for this connector: without a default, and not required. */
function optionalSettings({ settings }: Declared): string[] {
  const { required = [], properties } = settings
  return Object.keys(properties).filter((name) => !required.includes(name) && properties[name]?.default === undefined)
}

/**
 * The settings of a connector that is on: one of the required ones is set.
 *
 * @throws {ConfigError} when one is missing or wrong, or an optional one is set alone; it names the connector.
 */
export function readSettings(connector: Connector, env: Environment): Record<string, unknown> | undefined {
  const { settings, name } = connector
  const missing = missingSettings(connector, env)
  if (missing.length === requiredSettings(connector).length) {
    const set = optionalSettings(connector).filter((each) => isSet(env, each))
    if (set.length > 0) throw new ConfigError(`${set.join(', ')} needs ${missing.join(', ')} for the connector ${name}`)
    return undefined
  }
  if (missing.length > 0) throw new ConfigError(`${missing.join(', ')} must be set for the connector ${name} too`)
  const values: Record<string, unknown> = {}
  for (const each of Object.keys(settings.properties)) if (isSet(env, each)) values[each] = env[each]
  const validate = ajv.compile(settings)
  if (validate(values)) return values
  const reasons = (validate.errors ?? []).map(({ instancePath, message }) => {
    const setting = instancePath.slice(1)
    return `${setting} ${message}${secretive.test(setting) ? '' : `, got ${JSON.stringify(env[setting])}`}`
  })
  throw new ConfigError(reasons.join('; '))
}

/** Settings with which every one of these connectors is on: for documents of all that the server can serve. */
export function exampleSettings(connectors: readonly Connector[]): Record<string, string> {
  return Object.assign({}, ...connectors.map(exampleOf))
}

/** The example of all settings together, where one is required out of several; else those of the required ones. */
function exampleOf(connector: Connector): Record<string, string> {
  const { examples, properties } = connector.settings
  if (examples?.[0] !== undefined) return examples[0] as Record<string, string>
  const required = requiredSettings(connector)
  return Object.fromEntries(required.map((name) => [name, String(properties[name]?.examples?.[0] ?? '')]))
}

function isSet(env: Environment, name: string): boolean {
  return env[name] !== undefined && env[name] !== ''
}
