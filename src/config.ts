/** Settings, read from the environment once at start and checked against one schema. */

import { type Static, Type } from '@sinclair/typebox'
import { Ajv } from 'ajv'

/** Every setting, its default and what it is for; the README's table is checked against this. */
export const Settings = Type.Object({
  HOST: Type.String({ default: '127.0.0.1', minLength: 1, description: 'Address to listen on; loopback only.' }),
  PORT: Type.Integer({ default: 8080, minimum: 0, maximum: 65535, description: 'Port; 0 takes a free one.' }),
  DATA_DIR: Type.String({ default: 'data', minLength: 1, description: 'Folder of the embedded SQLite file.' }),
  DATABASE_URL: Type.Optional(
    Type.String({
      pattern: '^postgres(ql)?://',
      description: 'PostgreSQL instead of the embedded file: `postgres://user:password@host/database`.',
    }),
  ),
  SEED: Type.Optional(
    Type.Boolean({ description: 'Put the example users into a new database; `true` unless NODE_ENV is `production`.' }),
  ),
  LOG_LEVEL: Type.String({
    default: 'info',
    pattern: '^(fatal|error|warn|info|debug|trace|silent)$',
    description: 'Lowest level that is logged: fatal, error, warn, info, debug, trace or silent.',
  }),
  ACCESS_LOG: Type.String({
    default: 'all',
    pattern: '^(all|errors|off)$',
    description: 'One line a request: `all`, only status 400 and above (`errors`), or `off`.',
  }),
  CORS_ORIGINS: Type.String({
    default: '',
    description: 'Origins that a browser may call from, separated by commas; `*` for any.',
  }),
  BODY_LIMIT: Type.Integer({
    default: 1_048_576,
    minimum: 1024,
    maximum: 1_073_741_824,
    description: 'Largest request body, in bytes.',
  }),
  REQUEST_TIMEOUT: Type.Integer({
    default: 30_000,
    minimum: 1000,
    maximum: 3_600_000,
    description: 'Time for a whole request to arrive, in ms; its headers have a third of it.',
  }),
  MAX_EVENT_LOOP_DELAY: Type.Integer({
    default: 250,
    minimum: 0,
    description: 'Event-loop delay in ms above which requests are answered 503; 0 never sheds.',
  }),
  SHUTDOWN_TIMEOUT: Type.Integer({
    default: 10_000,
    minimum: 0,
    maximum: 3_600_000,
    description: 'Longest wait for requests in flight when stopping, in ms.',
  }),
  KEEP_BYTES: Type.Integer({
    default: 33_554_432,
    minimum: 0,
    maximum: 1_099_511_627_776,
    description: 'Rendered rows kept in memory for each view, in bytes; embedded engine only, 0 keeps none.',
  }),
  IDEMPOTENCY_HOURS: Type.Integer({
    default: 24,
    minimum: 1,
    maximum: 87_600,
    description: 'How long a reply is kept for its `Idempotency-Key`.',
  }),
  NODE_ENV: Type.String({
    default: 'development',
    pattern: '^(development|test|production)$',
    description: '`production` leaves out the example users and the start-up lines for people.',
  }),
})

export type Config = Static<typeof Settings>

/** A setting that cannot be used; the message starts with its name. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

const validate = new Ajv({ coerceTypes: true, useDefaults: true, allErrors: true }).compile<Config>(Settings)
/** The names of this machine to itself, but `::1`, which a URL writes in brackets; source of a pattern. */
export const loopbackNames = 'localhost|127(?:\\.\\d{1,3}){3}'
const loopback = new RegExp(`^(?:${loopbackNames}|::1)$`)

/**
 * Reads the settings from an environment; an empty value counts as absent.
 *
 * @throws {ConfigError} naming every setting that is wrong, and its value.
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  const config: Record<string, unknown> = {}
  for (const name of Object.keys(Settings.properties)) {
    if (env[name] !== undefined && env[name] !== '') config[name] = env[name]
  }
  if (!validate(config)) {
    const reasons = (validate.errors ?? []).map(({ instancePath, message }) => {
      const name = instancePath.slice(1)
      // A database URL may hold a password: its value is not repeated.
      const given = name === 'DATABASE_URL' ? '' : `, got ${JSON.stringify(env[name])}`
      return `${name} ${message}${given}`
    })
    throw new ConfigError(reasons.join('; '))
  }
  for (const origin of originsOf(config)) {
    if (origin !== '*' && !(URL.canParse(origin) && new URL(origin).origin === origin)) {
      throw new ConfigError(`CORS_ORIGINS must hold origins such as https://app.example, got "${origin}"`)
    }
  }
  if (!loopback.test(config.HOST)) {
    throw new ConfigError(`HOST must be a loopback address while the API has no access control, got "${config.HOST}"`)
  }
  return config
}

/** The origins of `CORS_ORIGINS`. */
export function originsOf({ CORS_ORIGINS }: Pick<Config, 'CORS_ORIGINS'>): string[] {
  return CORS_ORIGINS.split(',')
    .map((origin) => origin.trim())
    .filter(Boolean)
}
