/** What the tests of logins share: a server that listens, a party to log in with, and a browser. */

import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import type { Row } from '../../src/storage/storage.ts'
import { type Built, listen } from '../helper.ts'
import { raw } from '../storage/setup.ts'
import { locationOf, type Visit, Visitor } from './visitor.ts'

export interface Me {
  id: string
  user: { id: number; name: string; email: string; emailVerified: boolean }
}

export interface Site extends Built {
  /** As browsers know it: providers return them there. */
  base: string
  rows(sql: string): Promise<Row[]>
  run(sql: string): Promise<void>
  /** Type and detail of the entries of the audit trail, the oldest first; the admin key's left out. */
  audited(): Promise<string[]>
  /** Sends a browser to a provider; it stops at the provider's page, or at the redirect back to us. */
  begin(visitor: Visitor, provider: string, query?: Record<string, string>): Promise<Visit>
  /** Exchanges a code. */
  exchange(visitor: Visitor, code: string, verifier?: string): Promise<Visit>
  /** The caller that tokens stand for. */
  me(tokens: Visit): Promise<Me>
  /** A request with the tokens of a session. */
  as(tokens: Visit, method: string, path: string): Promise<Visit>
}

export async function startSite(t: Test, settings: Record<string, string>): Promise<Site> {
  const built = await listen(t, settings)
  const base = built.base.replace('127.0.0.1', 'localhost')
  const { engine } = built.app.storage
  const rows: Site['rows'] = async (sql) => engine.all(raw(sql), {})
  const as: Site['as'] = ({ body }, method, path) => {
    const { accessToken } = JSON.parse(body) as { accessToken: string }
    return new Visitor().ask(`${base}${path}`, { method, headers: { authorization: `Bearer ${accessToken}` } })
  }
  return {
    ...built,
    base,
    rows,
    async run(sql) {
      await engine.write([[raw(sql), {}]])
    },
    async audited() {
      const all = await rows('select type, detail from audit_events order by id')
      return all.slice(1).map(({ type, detail }) => `${type} ${detail}`.trim())
    },
    async begin(visitor, provider, query = {}) {
      const url = `${base}/auth/login/${provider}?${new URLSearchParams(query)}`
      return visitor.follow(await visitor.ask(url), isCallback)
    },
    exchange: (visitor, code, verifier) =>
      visitor.ask(`${base}/auth/exchange`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ code, verifier }),
      }),
    async me(tokens) {
      return JSON.parse((await as(tokens, 'GET', '/me')).body) as Me
    },
    as,
  }
}

/** Logs in at a provider, whose page asks for a name if it does not know the browser; stops at the redirect back to us. */
export async function comeBack(
  site: Site,
  visitor: Visitor,
  name: string,
  query: Record<string, string> = {},
  provider = 'oidc',
): Promise<Visit> {
  const page = await site.begin(visitor, provider, query)
  if (page.status !== 200) return page
  return visitor.follow(await visitor.submit(page, { login: name }), isCallback)
}

/** As {@link comeBack}; gives what we answer to the browser that is back. */
export async function logIn(...given: Parameters<typeof comeBack>): Promise<Visit> {
  const [, visitor] = given
  return arrive(visitor, await comeBack(...given))
}

/** Goes where it is sent, once. */
export function arrive(visitor: Visitor, visit: Visit): Promise<Visit> {
  const next = locationOf(visit)
  if (next === undefined) throw new Error(`not sent anywhere: ${visit.status} ${visit.body}`)
  return visitor.ask(next)
}

/** Logs in, and exchanges the code. */
export async function signIn(site: Site, name: string, visitor = new Visitor(), provider = 'oidc'): Promise<Visit> {
  return site.exchange(visitor, codeOf(await logIn(site, visitor, name, {}, provider)))
}

/** The code that a finished login has given, in its URL or its body. */
export function codeOf(visit: Visit): string {
  const code = locationOf(visit)?.searchParams.get('code')
  return code ?? (JSON.parse(visit.body) as { code?: string }).code ?? ''
}

/** S256 (RFC 7636 section 4.2). */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

function isCallback({ pathname }: URL): boolean {
  return pathname.startsWith('/auth/callback/')
}
