/** Settings, read from the environment once at start and checked against one schema. */

import { isIP } from 'node:net'
import { type Static, Type } from '@sinclair/typebox'
import { Ajv } from 'ajv'
import { connectionSettings, wrongRtcSetting } from './schemas/connection-settings.ts'
import { deliverySettings } from './schemas/delivery-settings.ts'
import { iceSettings } from './schemas/ice-settings.ts'
import { loginSettings } from './schemas/login-settings.ts'

/** Scopes separated by spaces or commas; `none` for none. */
const scopeList = '^[a-z:, -]*$'

/** Every setting, its default and what it is for; the README's table is checked against this. */
export const Settings = Type.Object({
  HOST: Type.String({ default: '127.0.0.1', minLength: 1, description: 'Address to listen on.' }),
  PORT: Type.Integer({ default: 8080, minimum: 0, maximum: 65535, description: 'Port; 0 takes a free one.' }),
  GRPC_PORT: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535, description: 'Port of gRPC alone.' })),
  TLS_CERT: Type.Optional(Type.String({ minLength: 1, description: 'File of the certificate, as PEM.' })),
  TLS_KEY: Type.Optional(Type.String({ minLength: 1, description: 'File of its private key, as PEM.' })),
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
  CONNECTORS: Type.Optional(Type.String({ minLength: 1, description: 'Folder of further connectors.' })),
  INTROSPECTION: Type.Boolean({ default: true, description: 'Whether GraphQL clients may ask for the schema.' }),
  TRUSTED_DOCUMENTS: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'Folder of `.graphql` files, one document each; where it is set, GraphQL answers no others.',
    }),
  ),
  ...connectionSettings,
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
  SECRET: Type.Optional(
    Type.String({
      description:
        'Secret of at least 32 characters that keys at rest are made with; further ones that it replaced, separated by commas. Made by itself outside production.',
    }),
  ),
  ANONYMOUS_SCOPES: Type.Optional(
    Type.String({
      pattern: scopeList,
      description:
        'Scopes of callers without a credential, or `none`; `users:read events:read metrics:read` on loopback outside production without `PUBLIC_URL`, else none.',
    }),
  ),
  MEMBER_SCOPES: Type.String({
    default: 'users:read keys:read keys:write',
    pattern: scopeList,
    description: 'Scopes of users who sign in, or `none`.',
  }),
  PUBLIC_URL: Type.Optional(
    Type.String({ description: 'Where clients reach the server, such as `https://api.example.com`.' }),
  ),
  TRUST_PROXY: Type.String({
    default: '',
    description: 'Addresses of proxies whose `X-Forwarded-For` is believed, separated by commas.',
  }),
  SIGN_UP: Type.Optional(
    Type.Boolean({ description: 'Whether anybody may make an account; `true` outside production.' }),
  ),
  UNVERIFIED_DAYS: Type.Integer({ default: 7, minimum: 1, maximum: 3650, description: 'Stay of unverified sign-ups.' }),
  ACCESS_TOKEN_MINUTES: Type.Integer({
    default: 10,
    minimum: 1,
    maximum: 60,
    description: 'How long an access token is good for.',
  }),
  SESSION_DAYS: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: 3650,
    description: 'How long a session lasts without being refreshed.',
  }),
  SIGNING_KEY_DAYS: Type.Integer({
    default: 90,
    minimum: 1,
    maximum: 3650,
    description: 'How long a key signs access tokens before the next one does.',
  }),
  AUDIT_DAYS: Type.Integer({
    default: 365,
    minimum: 1,
    maximum: 36_500,
    description: 'How long audit events are kept.',
  }),
  EVENT_DAYS: Type.Integer({ default: 30, minimum: 1, maximum: 36_500, description: 'How long events are kept.' }),
  ...deliverySettings,
  ...iceSettings,
  ...loginSettings,
  NODE_ENV: Type.String({
    default: 'development',
    pattern: '^(development|test|production)$',
    description: '`production` leaves out the example users and the start-up lines for people.',
  }),
})

/** What settings are read from. */
export type Environment = Readonly<Record<string, string | undefined>>

/** With what they were read from: connectors have settings of their own. */
export type Config = Static<typeof Settings> & { readonly env: Environment }

/** A setting that cannot be used; the message starts with its name. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

const validate = new Ajv({ coerceTypes: true, useDefaults: true, allErrors: true }).compile<Static<typeof Settings>>(
  Settings,
)
/** The names of this machine to itself, but `::1`, which a URL writes in brackets; source of a pattern. */
export const loopbackNames = 'localhost|127(?:\\.\\d{1,3}){3}'
const loopback = new RegExp(`^(?:${loopbackNames}|::1)$`)

/** What is or may hold a secret is not repeated. */
const secretive = new Set(['DATABASE_URL', 'SECRET', 'TURN_SECRET', 'RTC_ICE_SERVERS'])

/**
 * Reads the settings from an environment; an empty value counts as absent.
 *
 * @throws {ConfigError} naming every setting that is wrong, and its value.
 */
export function readConfig(env: Environment): Config {
  const config: Record<string, unknown> = {}
  for (const name of Object.keys(Settings.properties)) {
    if (env[name] !== undefined && env[name] !== '') config[name] = env[name]
  }
  if (!validate(config)) {
    const reasons = (validate.errors ?? []).map(({ instancePath, message }) => {
      const name = instancePath.slice(1)
      const given = secretive.has(name) ? '' : `, got ${JSON.stringify(env[name])}`
      return `${name} ${message}${given}`
    })
    throw new ConfigError(reasons.join('; '))
  }
  for (const origin of originsOf(config)) {
    if (origin !== '*' && !(URL.canParse(origin) && new URL(origin).origin === origin)) {
      throw new ConfigError(`CORS_ORIGINS must hold origins such as https://app.example, got "${origin}"`)
    }
  }
  checkSecrets(config)
  if (config.NODE_ENV === 'production' && config.PUBLIC_URL === undefined) {
    throw new ConfigError('PUBLIC_URL must be set when NODE_ENV is production: tokens, messages and logins name it')
  }
  for (const address of listOf(config.TRUST_PROXY)) {
    if (!isNetwork(address)) throw new ConfigError(`TRUST_PROXY must hold addresses or networks, got "${address}"`)
  }
  const wrong = wrongRtcSetting(config)
  if (wrong !== undefined) throw new ConfigError(wrong)
  if (config.PUBLIC_URL !== undefined && !isBaseUrl(config.PUBLIC_URL)) {
    throw new ConfigError(
      `PUBLIC_URL must be a URL without a path such as https://api.example.com, got "${config.PUBLIC_URL}"`,
    )
  }
  return { ...config, env }
}

/** The origins of `CORS_ORIGINS`. */
export function originsOf({ CORS_ORIGINS }: Pick<Config, 'CORS_ORIGINS'>): string[] {
  return listOf(CORS_ORIGINS)
}

/** The parts of a setting that are separated by commas. */
export function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
}

/** The shortest secret that cannot be guessed, in characters. */
const leastSecret = 32

/** @throws {ConfigError} for a short secret, or for none where one process alone cannot make it. */
function checkSecrets(config: Pick<Config, 'NODE_ENV' | 'SECRET'>): void {
  const { NODE_ENV, SECRET } = config
  if (SECRET === undefined) {
    if (NODE_ENV === 'production') throw new ConfigError('SECRET must be set when NODE_ENV is production')
    return
  }
  // A secret is not repeated in a message.
  if (listOf(SECRET).some(({ length }) => length < leastSecret)) {
    throw new ConfigError(`SECRET must hold secrets of at least ${leastSecret} characters`)
  }
}

/** An address, or a network as `10.0.0.0/8`. */
function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  return (
    version !== 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)))
  )
}

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, origin } = new URL(text)
  return (protocol === 'https:' || protocol === 'http:') && origin === text
}

/** Whether the server is reached from this machine alone. */
export function isLoopback({ HOST }: Pick<Config, 'HOST'>): boolean {
  return loopback.test(HOST)
}

/** The scopes of a setting that lists them. */
export function scopesOf(list: string): string[] {
  return list === 'none' ? [] : list.split(/[\s,]+/).filter(Boolean)
}

/** Whether anybody may make an account. */
export function offersSignUp({ SIGN_UP, NODE_ENV }: Pick<Config, 'SIGN_UP' | 'NODE_ENV'>): boolean {
  return SIGN_UP ?? NODE_ENV !== 'production'
}

/** The scopes of callers without a credential: what the article's `curl` needs, where nobody else can call. */
export function anonymousScopes(config: Config): string[] {
  // A server with a public name is reached through a proxy, wherever it listens itself.
  const open = config.NODE_ENV !== 'production' && isLoopback(config) && config.PUBLIC_URL === undefined
  return scopesOf(config.ANONYMOUS_SCOPES ?? (open ? 'users:read events:read metrics:read' : 'none'))
}

/** @throws {ConfigError} for `admin`, which is given to one at a time, and for a scope that opens nothing: a typing error. */
export function checkScopes(setting: string, scopes: readonly string[], known: ReadonlySet<string>): void {
  if (scopes.includes('admin')) throw new ConfigError(`${setting} cannot hold admin`)
  const unknown = scopes.filter((scope) => !known.has(scope))
  if (unknown.length > 0) throw new ConfigError(`${setting} names ${unknown.join(', ')}, which no operation asks for`)
}
