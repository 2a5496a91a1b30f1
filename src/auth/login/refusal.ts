/** Why a login fails: one text for the caller, one for the audit trail. Neither repeats what a provider said. */

import { Problem } from '../../errors.ts'
import { isProviderDown } from './outbound.ts'

export class LoginRefusal extends Error {
  override readonly name = 'LoginRefusal'
  readonly problem: Problem
  /** The user that it was about, where one is known. */
  readonly userId: number | undefined

  /** `reason` is for the audit trail. */
  constructor(reason: string, problem: Problem, more: { userId?: number; cause?: unknown } = {}) {
    super(reason, { cause: more.cause })
    this.problem = problem
    this.userId = more.userId
  }
}

export function refused(reason: string, detail: string, userId?: number): LoginRefusal {
  return new LoginRefusal(reason, new Problem('forbidden', detail), userId === undefined ? {} : { userId })
}

/** Errors of RFC 6749 section 4.1.2.1 that tell a person something. */
const declined = new Set(['access_denied', 'interaction_required', 'login_required', 'consent_required'])
const passing = new Set(['temporarily_unavailable', 'server_error'])

/** What a provider's failure is to the caller. */
export function refusalOf(label: string, error: unknown): LoginRefusal {
  const { error: said, code } = error as { error?: unknown; code?: unknown }
  if (isProviderDown(error) || (typeof said === 'string' && passing.has(said))) {
    const headers = { 'retry-after': '5' }
    const problem = new Problem('unavailable', `${label} does not answer: try again later`, { headers })
    return new LoginRefusal('provider down', problem, { cause: error })
  }
  const isResponse = code === 'OAUTH_AUTHORIZATION_RESPONSE_ERROR'
  const [reason, detail] =
    isResponse && typeof said === 'string' && declined.has(said)
      ? ['declined', `The login was declined at ${label}`]
      : ['answer not trusted', `${label} gave no answer that can be trusted: begin again`]
  return new LoginRefusal(reason, new Problem('forbidden', detail), { cause: error })
}
