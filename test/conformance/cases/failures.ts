/** Failures: each code of the closed list as a handler throws it, and those that the server meets by itself. */

import { catalogue, type ProblemCode } from '../../../src/errors.ts'
import { type Case, failed, one } from './case.ts'

const internal = failed('internal', 500, { detail: 'Something went wrong' })

/**
 * Codes that no call of an operation meets by itself, on any wire: a message is refused for them before it becomes one.
 * A handler that throws one is told like any other, as the cases show.
 */
export const beforeAnyCall: Partial<Record<ProblemCode, string>> = {
  'method-not-allowed': 'a call names an operation, which has its method',
  'request-timeout': 'the message has not arrived',
  'payload-too-large': 'the message is too large: each wire refuses it in its own way',
  'unsupported-media-type': 'a call brings values, and its wire the media type',
  'misdirected-request': 'the host is that of the connection',
  'upgrade-required': 'it is about how a connection is opened',
  gone: 'events are kept for days: see the tests of events',
  'quota-exceeded': 'no operation has a quota yet',
  unavailable: 'only a server that is overloaded, stops or has lost its storage answers so, and its tests say when',
  'headers-too-large': 'the headers are those of the message',
}

export const failureCases: readonly Case[] = [
  ...Object.entries(catalogue).map(([code, { status }]) =>
    one(
      `${code}, thrown by a handler`,
      'failWith',
      { code },
      {
        ...failed(code, status, { detail: `Met ${code}, “so”` }),
        meta: { 'retry-after': '7' },
      },
    ),
  ),
  one('a cause that does not leave', 'failInternally', {}, internal),
  one('an error that looks like a success', 'failStrangely', {}, internal),
  one('a status that is not on the list', 'failAsTeapot', {}, failed('malformed-request', 400)),
  one('a handler that takes too long', 'failLate', {}, failed('timeout', 504)),
]
