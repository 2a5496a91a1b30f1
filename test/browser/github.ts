/** GitHub on loopback: its web application flow with PKCE and the two addresses of its API, as its documentation says. */

import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { serveLoopback } from './loopback.ts'

export interface GitHubUser {
  id: number
  login: string
  name: string | null
  emails: { email: string; primary: boolean; verified: boolean }[]
}

export interface GitHub {
  url: string
  settings: Record<string, string>
  /** Who sits at the browser. */
  user: GitHubUser
  /** What the answer to the browser holds beside code and state; `iss` as GitHub sends it for a while in 2026. */
  extra: Record<string, string>
  /** Requests that it got: method and path. */
  requests: string[]
  allow(base: string): void
}

interface Grant {
  challenge: string
  redirectUri: string
}

const client = { id: 'Iv1.8a61f9b3a7aba766', secret: 'a secret of an app at github' }

export async function startGitHub(t: Test): Promise<GitHub> {
  const codes = new Map<string, Grant>()
  const tokens = new Set<string>()
  let registered = ''
  const { url } = await serveLoopback(t, (request, response) => {
    answer(request)
      .catch((error: unknown): Answer => ({ status: 500, body: String(error) }))
      .then(({ status, headers, body }) => response.writeHead(status, headers).end(body))
  })
  const github: GitHub = {
    url,
    settings: { GITHUB_URL: url, GITHUB_CLIENT_ID: client.id, GITHUB_CLIENT_SECRET: client.secret },
    user: {
      id: 583231,
      login: 'octocat',
      name: 'The Octocat',
      emails: [
        { email: 'other@example.com', primary: false, verified: true },
        { email: 'octocat@example.com', primary: true, verified: true },
      ],
    },
    extra: {},
    requests: [],
    allow(base) {
      registered = `${base}/auth/callback/github`
    },
  }
  return github

  async function answer(request: IncomingMessage): Promise<Answer> {
    const asked = new URL(request.url ?? '', url)
    const what = `${request.method} ${asked.pathname}`
    github.requests.push(what)
    if (what === 'GET /login/oauth/authorize') return authorize(asked.searchParams)
    if (what === 'POST /login/oauth/access_token') return redeem(new URLSearchParams(await text(request)), request)
    const { emails, ...profile } = github.user
    if (what === 'GET /api/v3/user') return api(request, profile)
    if (what === 'GET /api/v3/user/emails') return api(request, emails)
    return json(404, { message: 'Not Found' })
  }

  function authorize(asked: URLSearchParams): Answer {
    if (asked.get('client_id') !== client.id) return json(404, { message: 'Not Found' })
    const redirectUri = asked.get('redirect_uri') ?? registered
    const challenge = asked.get('code_challenge') ?? ''
    const target = new URL(registered)
    if (redirectUri !== registered) {
      target.searchParams.set('error', 'redirect_uri_mismatch')
    } else if (asked.get('code_challenge_method') !== 'S256' || challenge.length !== 43) {
      target.searchParams.set('error', 'invalid_request')
    } else {
      const code = randomBytes(10).toString('hex')
      codes.set(code, { challenge, redirectUri })
      target.searchParams.set('code', code)
    }
    const state = asked.get('state') ?? ''
    for (const [name, value] of Object.entries({ state, ...github.extra })) target.searchParams.set(name, value)
    return { status: 302, headers: { location: target.href } }
  }

  /** Errors come with status 200; without an `Accept` the answer is form-encoded. */
  function redeem(form: URLSearchParams, { headers }: IncomingMessage): Answer {
    const type = 'application/x-www-form-urlencoded'
    const send = (body: Record<string, string>): Answer =>
      headers.accept === 'application/json'
        ? json(200, body)
        : { status: 200, headers: { 'content-type': type }, body: new URLSearchParams(body).toString() }
    const fail = (error: string) => send({ error, error_description: 'See the documentation.', error_uri: url })
    const code = form.get('code') ?? ''
    const grant = codes.get(code)
    if (form.get('client_id') !== client.id || form.get('client_secret') !== client.secret) {
      return fail('incorrect_client_credentials')
    }
    if (grant === undefined) return fail('bad_verification_code')
    if (form.get('redirect_uri') !== grant.redirectUri) return fail('redirect_uri_mismatch')
    const verifier = form.get('code_verifier') ?? ''
    const made = createHash('sha256').update(verifier).digest('base64url')
    if (made !== grant.challenge) return fail('bad_verification_code')
    codes.delete(code)
    const token = `gho_${randomBytes(18).toString('hex')}`
    tokens.add(token)
    return send({ access_token: token, scope: 'user:email', token_type: 'bearer' })
  }

  function api({ headers }: IncomingMessage, body: object): Answer {
    if (headers['user-agent'] === undefined) return json(403, { message: 'A User-Agent is required' })
    const token = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1]
    if (token === undefined || !tokens.has(token)) return json(401, { message: 'Bad credentials' })
    return json(200, body)
  }
}

interface Answer {
  status: number
  headers?: Record<string, string>
  body?: string
}

function json(status: number, body: object): Answer {
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  return { status, headers, body: JSON.stringify(body) }
}
