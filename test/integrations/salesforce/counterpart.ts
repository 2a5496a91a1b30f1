/** A Salesforce on this machine: the token endpoint, contacts over REST, and Bulk API 2.0, as its documents say. */

import { createPublicKey, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { jwtVerify } from 'jose'
import type { Test } from 'tap'
import { BulkJobs } from './bulk-jobs.ts'
import { type ErrorBody, integrationUser, Org } from './org.ts'

export interface Call {
  method: string
  path: string
  body: string
  since?: string
}

/** What happens to a call in place of its answer. */
export type Fault =
  | { status: number; errors?: ErrorBody[]; headers?: Record<string, string> }
  /** Does what it is asked, and says nothing. */
  | 'acts and drops'
  | 'drops'
  /** Does it after a moment. */
  | 'acts late'
  /** Acts at once, and answers when this is over. */
  | { after: Promise<unknown> }
  /** Breaks off in the middle of the answer. */
  | 'breaks off'
  | 'never answers'

export interface Counterpart {
  url: string
  /** What tokens name in its place. */
  instance?: string
  org: Org
  jobs: BulkJobs
  calls: Call[]
  /** Tokens that were asked for. */
  tokens: number
  /** Ends every session. */
  endSessions(): void
  /** What it does to calls from now on; nothing, for those of which the function says nothing. */
  fail(how?: (call: Call) => Fault | undefined): void
  /** Calls of REST and Bulk so far, as `PATCH /sobjects/…`. */
  asked(): string[]
  stop(): Promise<void>
  start(): Promise<void>
}

export const clientId = '3MVG9.client'
export const username = 'septet@example.com'
const version = '/services/data/v64.0'

export async function startSalesforce(t: Test, privateKey: KeyObject): Promise<Counterpart> {
  const org = new Org()
  const jobs = new BulkJobs(org)
  const sessions = new Set<string>()
  const publicKey = createPublicKey(privateKey)
  let fault: (call: Call) => Fault | undefined = () => undefined
  let port = 0

  async function handle(request: IncomingMessage, reply: ServerResponse) {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const since = request.headers['if-unmodified-since']
    const path = String(request.url).replace(version, '')
    const call = { method: String(request.method), path, body, ...(since && { since }) }
    counterpart.calls.push(call)
    const fails = fault(call)
    if (fails === 'drops') return request.socket.destroy()
    if (fails === 'never answers') return
    if (typeof fails === 'object' && 'status' in fails)
      return end(reply, fails.status, fails.errors ?? [], fails.headers)
    if (fails === 'acts late') await wait(50)
    const answer = call.path === '/services/oauth2/token' ? await token(body) : asked(request, call)
    if (fails === 'acts and drops') return request.socket.destroy()
    if (typeof fails === 'object') await fails.after
    if (fails === 'breaks off') {
      reply.writeHead(answer.status, { 'content-type': 'application/json', 'content-length': 1000 }).write('[')
      return wait(20).then(() => request.socket.destroy())
    }
    end(reply, answer.status, answer.body, { 'sforce-limit-info': `api-usage=${org.used}/${org.limit}` })
  }

  async function token(body: string) {
    counterpart.tokens += 1
    const form = new URLSearchParams(body)
    try {
      if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') throw new Error('grant')
      const { payload } = await jwtVerify(form.get('assertion') ?? '', publicKey, {
        algorithms: ['RS256'],
        issuer: clientId,
        subject: username,
        audience: counterpart.url,
        requiredClaims: ['exp'],
      })
      if (Number(payload.exp) > Date.now() / 1000 + 180) throw new Error('exp')
    } catch {
      return { status: 400, body: { error: 'invalid_grant', error_description: 'invalid assertion' } }
    }
    const accessToken = `00D!token.${counterpart.tokens}`
    sessions.add(accessToken)
    const id = `${counterpart.url}/id/00D000000000001EAA/${integrationUser}`
    const instance = counterpart.instance ?? counterpart.url
    return { status: 200, body: { access_token: accessToken, instance_url: instance, id, token_type: 'Bearer' } }
  }

  function asked({ headers }: IncomingMessage, call: Call) {
    if (!sessions.has(String(headers.authorization).slice('Bearer '.length)))
      return { status: 401, body: [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }] }
    org.used += 1
    return call.path.startsWith('/jobs/ingest') ? jobs.answer(call) : org.answer(call)
  }

  let server = createServer(handle)
  const counterpart: Counterpart = {
    url: '',
    org,
    jobs,
    calls: [],
    tokens: 0,
    endSessions: () => sessions.clear(),
    fail: (how = () => undefined) => {
      fault = how
    },
    asked: () =>
      counterpart.calls.filter(({ path }) => !path.includes('oauth2')).map(({ method, path }) => `${method} ${path}`),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
    start: async () => {
      server = createServer(handle)
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
      port = (server.address() as AddressInfo).port
      counterpart.url = `http://127.0.0.1:${port}`
    },
  }
  await counterpart.start()
  t.teardown(() => counterpart.stop())
  return counterpart
}

function end(reply: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  if (status === 204) return void reply.writeHead(204, headers).end()
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const type = typeof body === 'string' ? 'text/csv' : 'application/json;charset=UTF-8'
  reply.writeHead(status, { 'content-type': type, ...headers }).end(text)
}
