/** What the tests of the authorization server share: a server that listens, clients, people, and a browser for them. */

import type { FastifyInstance } from 'fastify'
import * as openid from 'openid-client'
import type { Test } from 'tap'
import type { ClientInput, NewOAuthClient } from '../../src/auth/oauth/clients.ts'
import type { Row } from '../../src/storage/storage.ts'
import { type Built, listen } from '../helper.ts'
import { raw } from '../storage/setup.ts'

export const callback = 'https://reports.example.com/callback'
export const fatima = { name: 'Fatima', email: 'fatima@example.com', password: 'violet tram at noon' }
export const hassan = { name: 'Hassan', email: 'hassan@example.com', password: 'a red tram at midnight' }

export const machine = {
  name: 'Importer',
  clientType: 'confidential',
  grantTypes: ['client_credentials'],
  scopes: ['users:read', 'users:write'],
} as const satisfies ClientInput

/** A confidential application of a third party. */
export const reports = {
  name: 'Reports',
  clientType: 'confidential',
  grantTypes: ['authorization_code', 'refresh_token'],
  redirectUris: [callback],
  scopes: ['openid', 'profile', 'email', 'users:read', 'keys:read', 'audit:read'],
} as const satisfies ClientInput

export interface OpenServer extends Built {
  /** Where it listens. */
  base: string
  /** The server's own URL. */
  issuer: string
  admin: { 'x-api-key': string }
  client(input: ClientInput): Promise<NewOAuthClient>
  /** What openid-client knows of the server and a client after discovery. */
  discover(client: NewOAuthClient): Promise<openid.Configuration>
  /** Signs up and verifies the address; gives the user's id. */
  join(person: typeof fatima): Promise<number>
  /** Sends a form with the client's credentials in it. */
  send(path: string, client: NewOAuthClient, form: Record<string, string>): Promise<Answer>
  /** Calls an operation with a token; gives the status. */
  status(token: string, path?: string, method?: string): Promise<number>
  rows(sql: string): Promise<Row[]>
  audited(type: string): Promise<Row[]>
}

export interface Answer {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

export async function openServer(t: Test, settings: Record<string, string> = {}): Promise<OpenServer> {
  const built = await listen(t, { PORT: '0', ANONYMOUS_SCOPES: 'none', ...settings })
  const { app } = built
  const issuer = settings.PUBLIC_URL ?? built.base.replace('127.0.0.1', 'localhost')
  const admin = { 'x-api-key': app.apiKeys.first ?? '' }
  const rows: OpenServer['rows'] = async (sql) => app.storage.engine.all(raw(sql), {})
  return {
    ...built,
    issuer,
    admin,
    rows,
    async client(payload) {
      const made = await app.inject({ method: 'POST', url: '/oauth-clients', headers: admin, payload })
      if (made.statusCode !== 201) throw new Error(made.body)
      return made.json<NewOAuthClient>()
    },
    async discover({ id, clientSecret }) {
      const authentication = clientSecret === undefined ? openid.None() : openid.ClientSecretBasic(clientSecret)
      const execute = [openid.allowInsecureRequests]
      return openid.discovery(new URL(issuer), id, undefined, authentication, { execute })
    },
    join: (person) => join(app, person),
    async send(path, { id, clientSecret }, form) {
      const credentials = { client_id: id, ...(clientSecret !== undefined && { client_secret: clientSecret }) }
      const body = new URLSearchParams({ ...credentials, ...form })
      const response = await fetch(built.base + path, { method: 'POST', body })
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
    },
    async status(token, path = '/users', method = 'GET') {
      const response = await fetch(built.base + path, { method, headers: { authorization: `Bearer ${token}` } })
      await response.arrayBuffer()
      return response.status
    },
    audited: (type) => rows(`select * from audit_events where type = '${type}' order by id`),
  }
}

async function join(app: FastifyInstance, person: typeof fatima): Promise<number> {
  await app.inject({ method: 'POST', url: '/auth/sign-up', payload: person })
  const notice = (await app.notices.pending()).findLast(({ recipient }) => recipient === person.email)
  await app.inject({
    method: 'POST',
    url: '/auth/verify-email',
    payload: { token: notice?.token, password: person.password },
  })
  const user = await app.storage.engine.first<{ id: number }>(
    raw(`select id from users where email = '${person.email}'`),
    {},
  )
  return user?.id ?? 0
}

/** The error of RFC 6749 section 5.2 that a request of openid-client met; nothing when it met none. */
export async function errorOf(request: Promise<unknown>): Promise<unknown> {
  return request.then(
    () => undefined,
    (error: { error?: unknown }) => error.error,
  )
}

export interface Page {
  /** Where the browser has come to: a page of the server, or an address elsewhere that it was sent to. */
  url: URL
  status: number
  headers: Headers
  text: string
}

/** Follows redirects within the server, and keeps its cookies by path. A server named for TLS is reached without it. */
export class Browser {
  readonly #origin: string
  readonly #base: string
  readonly cookies = new Map<string, { value: string; path: string; line: string }>()
  /** Redirects to such paths are not followed. */
  stopsAt: RegExp | undefined

  constructor({ issuer, base }: Pick<OpenServer, 'issuer' | 'base'>) {
    this.#origin = issuer
    this.#base = base
  }

  async open(url: string | URL): Promise<Page> {
    return this.#go(new URL(url), {})
  }

  /** Sends the form of a page with one of its buttons. */
  async press(page: Page, action: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}) {
    const body = new URLSearchParams({ ...fields, action })
    return this.#go(page.url, { method: 'POST', body, headers: { origin: this.#origin, ...headers } })
  }

  /** Signs in on the page that asks for it. */
  async signIn(page: Page, { email, password }: { email: string; password: string }): Promise<Page> {
    return this.press(page, 'sign-in', { email, password })
  }

  async #go(url: URL, init: RequestInit): Promise<Page> {
    const response = await fetch(url.href.replace(this.#origin, this.#base), {
      ...init,
      redirect: 'manual',
      headers: { ...(init.headers as Record<string, string>), cookie: this.#cookiesOf(url), accept: 'text/html' },
    })
    this.#keep(response.headers.getSetCookie())
    const location = response.headers.get('location')
    const text = await response.text()
    const page = { url, status: response.status, headers: response.headers, text }
    if (location === null) return page
    const next = new URL(location, url)
    const follows = next.origin === this.#origin && !this.stopsAt?.test(next.pathname)
    return follows ? this.#go(next, {}) : { ...page, url: next }
  }

  #cookiesOf({ pathname }: URL): string {
    const sent = [...this.cookies].filter(([, { path }]) => pathname === path || pathname.startsWith(path))
    return sent.map(([key, { value }]) => `${key.split(' ')[0]}=${value}`).join('; ')
  }

  #keep(lines: readonly string[]): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      const path = /; path=([^;]+)/i.exec(line)?.[1] ?? '/'
      const key = `${name} ${path}`
      if (value === '') this.cookies.delete(key)
      else this.cookies.set(key, { value, path, line })
    }
  }
}

/** An authorization request of a client, as openid-client makes it. */
export async function authorizationOf(config: openid.Configuration, more: Record<string, string> = {}) {
  const verifier = openid.randomPKCECodeVerifier()
  const [state, nonce] = [openid.randomState(), openid.randomNonce()]
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope: 'openid profile email users:read offline_access',
    prompt: 'consent',
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...more,
  })
  const redeem = (back: URL) =>
    openid.authorizationCodeGrant(config, back, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
    })
  return { url, verifier, state, nonce, redeem }
}

/** Signs in, allows what is asked for, and gives where the browser is sent back to. */
export async function allow(
  server: OpenServer,
  url: URL,
  person = fatima,
  browser = new Browser(server),
): Promise<URL> {
  const asked = await browser.signIn(await browser.open(url), person)
  return (await browser.press(asked, 'allow')).url
}
