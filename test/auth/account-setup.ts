/** What the tests of accounts share: an app, somebody who signs up, and what was written about it. */

import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import type { Notice } from '../../src/auth/notices.ts'
import type { NoticeKind } from '../../src/schemas/notice.ts'
import type { Row } from '../../src/storage/storage.ts'
import { type Built, build } from '../helper.ts'
import { raw } from '../storage/setup.ts'

export { holdClock } from './session-setup.ts'

export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute

export const fatima = { name: 'Fatima', email: 'Fatima@Example.com', password: 'violet tram at noon' }
export const wrongPassword = 'a violet bus at noon'

export interface Accounts extends Built {
  post(url: string, payload: object, headers?: Record<string, string>): Promise<LightMyRequestResponse>
  signUp(person?: Partial<typeof fatima>): Promise<LightMyRequestResponse>
  signIn(person?: Partial<typeof fatima>): Promise<LightMyRequestResponse>
  /** Verifies the address with the last message, or with the token that is given. */
  verify(password?: string, token?: string): Promise<LightMyRequestResponse>
  /** Signs up, follows the message, and gives the user's id. */
  join(person?: Partial<typeof fatima>): Promise<number>
  /** Signs in, and gives the headers of a request with the access token. */
  enter(person?: Partial<typeof fatima>): Promise<{ authorization: string }>
  notices(kind?: NoticeKind): Promise<Notice[]>
  /** The token of the last message of a kind. */
  token(kind: NoticeKind): Promise<string>
  rows(sql: string): Promise<Row[]>
  /** Types of the audit trail, the oldest first. */
  audited(): Promise<string[]>
  admin: { 'x-api-key': string }
}

export async function openAccounts(t: Test, settings: Record<string, string> = {}): Promise<Accounts> {
  const built = await build(t, settings)
  const { app } = built
  const post: Accounts['post'] = (url, payload, headers = {}) => app.inject({ method: 'POST', url, payload, headers })
  const signUp: Accounts['signUp'] = (person) => post('/auth/sign-up', { ...fatima, ...person })
  const signIn: Accounts['signIn'] = (person) => {
    const { email, password } = { ...fatima, ...person }
    return post('/auth/sign-in', { email, password })
  }
  const notices: Accounts['notices'] = async (kind) => {
    await app.accounts.afterwards.done()
    return (await app.notices.pending()).filter((notice) => kind === undefined || notice.kind === kind)
  }
  const token: Accounts['token'] = async (kind) => (await notices(kind)).at(-1)?.token ?? ''
  const verify: Accounts['verify'] = async (password = fatima.password, given) =>
    post('/auth/verify-email', { token: given ?? (await token('verify-email')), password })
  const rows: Accounts['rows'] = async (sql) => {
    await app.accounts.afterwards.done()
    return app.storage.engine.all(raw(sql), {})
  }
  return {
    ...built,
    post,
    signUp,
    signIn,
    notices,
    token,
    rows,
    verify,
    async join(person) {
      await signUp(person)
      await verify({ ...fatima, ...person }.password)
      return idOf(app, { ...fatima, ...person }.email)
    },
    async enter(person) {
      return { authorization: `Bearer ${(await signIn(person)).json<{ accessToken: string }>().accessToken}` }
    },
    async audited() {
      return (await rows('select type from audit_events order by id')).map(({ type }) => String(type))
    },
    admin: { 'x-api-key': app.apiKeys.first ?? '' },
  }
}

async function idOf(app: FastifyInstance, email: string): Promise<number> {
  const [user] = (await app.inject({ url: '/users', query: { email } })).json<{ id: number }[]>()
  return user?.id ?? 0
}

/** What a caller can tell two answers apart by: all but what differs with each request. */
export function seen({ statusCode, headers, body }: LightMyRequestResponse) {
  const { date: _, ...others } = headers
  return { statusCode, headers: others, body: body.replace(/"requestId":"[^"]*"/, '') }
}
