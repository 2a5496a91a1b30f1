/** With whom a person may log in, and where a finished login may return to: read from the settings. */

import { type Config, ConfigError, isLoopback, listOf } from '../../config.ts'

/** What every provider has. `id` is its name in our URLs; `label` is for people. */
interface Registration {
  readonly id: string
  readonly label: string
  readonly clientId: string
  readonly clientSecret: string
}

/** An OpenID Connect issuer: the rest is discovered from its identifier. */
export interface OidcSettings extends Registration {
  readonly protocol: 'oidc'
  readonly issuer: string
}

/** GitHub, or a GitHub Enterprise Server; without a slash at the end. */
export interface GitHubSettings extends Registration {
  readonly protocol: 'github'
  readonly url: string
  readonly apiUrl: string
}

export type ProviderSettings = OidcSettings | GitHubSettings

export interface LoginSettings {
  readonly providers: readonly ProviderSettings[]
  /** Compared as texts. */
  readonly redirects: ReadonlySet<string>
}

const google = 'https://accounts.google.com'
const github = 'https://github.com'
const githubApi = 'https://api.github.com'

/** @throws {ConfigError} naming what is missing of a provider, or a URL that cannot be used. */
export function readLoginSettings(config: Config): LoginSettings {
  const providers = [readGoogle(config), readGitHub(config), readOidc(config)].filter((each) => each !== undefined)
  const redirects = listOf(config.LOGIN_REDIRECTS)
  for (const redirect of redirects) checkUrl('LOGIN_REDIRECTS', redirect)
  return { providers, redirects: new Set(redirects) }
}

/**
 * What the provider calls itself in the identities of its users. Of an OpenID Connect issuer, every text that discovery
 * takes for the one that is set: the root of a host with and without its slash.
 */
export function issuersOf(settings: ProviderSettings): string[] {
  if (settings.protocol === 'github') return [`${settings.url}/login/oauth`]
  const { href, pathname, search } = new URL(settings.issuer)
  const isRoot = pathname === '/' && search === ''
  return [...new Set([settings.issuer, href, ...(isRoot ? [href.slice(0, -1)] : [])])]
}

/** Whether a URL is this machine's own: nobody can listen in on the way there. */
export function isOwn({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && isLoopback({ HOST: hostname.replace(/^\[|\]$/g, '') })
}

function readGoogle(config: Config): OidcSettings | undefined {
  const given = complete(config, ['GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET'])
  if (given === undefined) return undefined
  const [clientId, clientSecret] = given
  return { protocol: 'oidc', id: 'google', label: 'Google', issuer: google, clientId, clientSecret }
}

function readGitHub(config: Config): GitHubSettings | undefined {
  const given = complete(config, ['GITHUB_CLIENT_ID', 'GITHUB_CLIENT_SECRET'])
  if (given === undefined) return undefined
  const [clientId, clientSecret] = given
  const url = baseOf('GITHUB_URL', config.GITHUB_URL)
  // The token of one server is not shown to another.
  const apiUrl = baseOf('GITHUB_API_URL', config.GITHUB_API_URL ?? (url === github ? githubApi : `${url}/api/v3`))
  return { protocol: 'github', id: 'github', label: 'GitHub', url, apiUrl, clientId, clientSecret }
}

function readOidc(config: Config): OidcSettings | undefined {
  const given = complete(config, ['OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'OIDC_ISSUER'])
  if (given === undefined) return undefined
  const [clientId, clientSecret, issuer] = given
  checkUrl('OIDC_ISSUER', issuer)
  return { protocol: 'oidc', id: 'oidc', label: config.OIDC_NAME, issuer, clientId, clientSecret }
}

type Part =
  | 'GOOGLE_CLIENT_ID'
  | 'GOOGLE_CLIENT_SECRET'
  | 'GITHUB_CLIENT_ID'
  | 'GITHUB_CLIENT_SECRET'
  | 'OIDC_CLIENT_ID'
  | 'OIDC_CLIENT_SECRET'
  | 'OIDC_ISSUER'

/** All of the settings that belong together, or nothing when none is set. */
function complete<const Parts extends readonly Part[]>(
  config: Config,
  parts: Parts,
): { [Index in keyof Parts]: string } | undefined {
  const missing = parts.filter((part) => config[part] === undefined)
  if (missing.length === parts.length) return undefined
  if (missing.length > 0) {
    const given = parts.filter((part) => !missing.includes(part))
    throw new ConfigError(`${missing.join(' and ')} must be set, as ${given.join(' and ')} is`)
  }
  return parts.map((part) => config[part]) as { [Index in keyof Parts]: string }
}

function baseOf(setting: string, text: string): string {
  checkUrl(setting, text)
  return text.replace(/\/+$/, '')
}

/** A code or a token on the way there is for its reader alone. The value may hold a password: it is not repeated. */
function checkUrl(setting: string, text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const safe = url !== undefined && (url.protocol === 'https:' || isOwn(url))
  if (safe && !text.includes('#') && url.username === '' && url.password === '') return
  throw new ConfigError(`${setting} must hold https URLs, or http ones on loopback, without user or fragment`)
}
