/** People: they sign in, are known by their tokens, and sign out; and a limit that a call meets. */

import type { Result } from '../clients/client.ts'
import { type Case, failed, type Step, several } from './case.ts'

/** Whoever may sign up has done so on the servers of these cases. */
export const person = { name: 'Fatima', email: 'fatima@example.com', password: 'violet tram at noon' }

const settings = { SIGN_UP: 'true' }
/** Messages that one network can ask for in an hour. */
const mostAsked = 30
const { email, password } = person
const given = { accessToken: /^eyJ/, refreshToken: /^sptr_[\w-]{43}$/ }
const differs = { gRPC: { reason: 'a constant is said by the type, and not sent', expect: { value: given } } }
const signIn: Step = {
  operationId: 'signIn',
  input: { email, password },
  expect: { value: { tokenType: 'Bearer', ...given } },
  differs,
}
const wrong: Step = {
  operationId: 'signIn',
  input: { email, password: 'a violet bus at noon' },
  expect: failed('unauthenticated', 401),
}

interface Tokens {
  accessToken: string
  refreshToken: string
}

function tokens(results: readonly Result[], step: number): Tokens {
  return (results[step]?.value ?? { accessToken: '-', refreshToken: '-' }) as Tokens
}

/** With the access token that a step has given. */
function as(step: number, operationId: string, expect: object, input: object = {}) {
  return (results: readonly Result[]): Step => ({
    operationId,
    input: { ...input },
    headers: { authorization: `Bearer ${tokens(results, step).accessToken}` },
    expect,
  })
}

function refreshing(step: number, expect: object) {
  return (results: readonly Result[]): Step => ({
    operationId: 'refreshSession',
    input: { refreshToken: tokens(results, step).refreshToken },
    expect,
    ...('value' in expect && { differs }),
  })
}

const unauthenticated = failed('unauthenticated', 401)
const ask: Step = { operationId: 'requestPasswordReset', input: { email: 'nobody@example.com' }, expect: { value: {} } }
const askTooOften: Step = { ...ask, expect: { ...failed('rate-limited', 429), meta: { 'retry-after': /^3\d{3}$/ } } }

export const peopleCases: readonly Case[] = [
  {
    ...several(
      'a user who signs in, is known, and signs out',
      wrong,
      signIn,
      as(1, 'getMe', { value: { kind: 'user', id: /^user:\d+$/, user: { email, role: 'member' } } }),
      as(1, 'listSessions', { value: [{ current: true }] }),
      as(1, 'listKeys', { value: { items: [] } }),
      as(1, 'listAuditEvents', failed('forbidden', 403)),
      refreshing(1, { value: given }),
      as(6, 'signOut', { value: null }),
      as(6, 'getMe', unauthenticated),
      refreshing(6, unauthenticated),
    ),
    settings,
  },
  {
    ...several('a limit that is met', ...Array.from({ length: mostAsked }, () => ask), askTooOften),
    settings,
  },
]
