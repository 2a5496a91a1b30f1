/** A server that gives nothing to anonymous callers, as somebody outside meets it: over its listener, with nothing but what the network gives. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { listen } from '../helper.ts'
import { adminKeyOf } from '../keys.ts'

export interface Answer {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: what a server says is what the test looks at
  json: any
}

export interface Outside {
  app: FastifyInstance
  base: string
  admin: string
  /** Sends a request; `credential` as a Bearer token, `body` as JSON. */
  ask(
    method: string,
    path: string,
    options?: { credential?: string; body?: unknown; headers?: object },
  ): Promise<Answer>
  /** Makes an account as a person does, with the link of the message, and signs in. */
  join(email: string): Promise<Member>
}

export interface Member {
  id: number
  email: string
  accessToken: string
  refreshToken: string
}

export const password = 'an unusual phrase to remember'

export async function openOutside(
  t: Test,
  settings: Record<string, string> = {},
  moreRoutes: readonly string[] = [],
): Promise<Outside> {
  const safe = { NODE_ENV: 'test', SEED: 'true', ANONYMOUS_SCOPES: 'none', ...settings }
  const { app, base, folder } = await listen(t, safe, moreRoutes)
  const ask: Outside['ask'] = async (method, path, { credential, body, headers } = {}) => {
    const response = await fetch(base + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(credential && { authorization: `Bearer ${credential}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json')
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
  }
  const seen = new Set<string>()
  const join_: Outside['join'] = async (email) => {
    await ask('POST', '/auth/sign-up', { body: { name: 'Member', email, password } })
    const folderOfNotices = join(folder, 'notices')
    const fresh = readdirSync(folderOfNotices).filter((name) => !seen.has(name))
    for (const name of fresh) seen.add(name)
    const texts = fresh.map((name) => readFileSync(join(folderOfNotices, name), 'utf8'))
    const token = /#token=([\w-]+)/.exec(texts.find((text) => text.includes(email)) ?? '')?.[1]
    await ask('POST', '/auth/verify-email', { body: { token, password } })
    const { json } = await ask('POST', '/auth/sign-in', { body: { email, password } })
    const me = await ask('GET', '/me', { credential: json.accessToken })
    return { id: me.json.user.id, email, accessToken: json.accessToken, refreshToken: json.refreshToken }
  }
  return { app, base, admin: adminKeyOf(folder), ask, join: join_ }
}
