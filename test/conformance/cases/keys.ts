/** API keys, from their making to their end, and the audit of it. */

import type { Result } from '../clients/client.ts'
import { asAdmin, type Case, failed, invalid, one, type Step, several } from './case.ts'

const input = { name: 'night', scopes: ['users:read'] }
const shown = { ...input, expiresAt: null, revokedAt: null, previousUntil: null }

interface Made {
  id: string
  key: string
}

function made(results: readonly Result[]): Made {
  return (results[0]?.value ?? { id: '', key: '' }) as Made
}

/** One by an administrator, of the key that the first step has made. */
function then(operationId: string, more: object, expect: object) {
  return (results: readonly Result[]): Step => ({
    operationId,
    input: { id: made(results).id, ...more },
    headers: asAdmin,
    expect,
  })
}

/** Who calls with that key. */
function calling(expect: object, step = 0) {
  return (results: readonly Result[]): Step => ({
    operationId: 'getMe',
    headers: { 'x-api-key': (results[step]?.value as Made | undefined)?.key ?? '-' },
    expect,
  })
}

const own = { value: { kind: 'api-key', scopes: ['users:read'] } }
const unauthenticated = failed('unauthenticated', 401)

export const keyCases: readonly Case[] = [
  several(
    'a key that is made, shown, renamed, replaced and revoked',
    { operationId: 'createKey', input, headers: asAdmin, expect: { value: { ...shown, key: /^spt_/ } } },
    calling(own),
    then('getKey', {}, { value: shown }),
    then('updateKey', { name: 'day' }, { value: { ...shown, name: 'day' } }),
    then('rotateKey', { overlap: 0 }, { value: { key: /^spt_/ } }),
    calling(unauthenticated),
    calling(own, 4),
    then('revokeKey', {}, { value: null }),
    calling(unauthenticated, 4),
    then('getKey', {}, { value: { revokedAt: /T/ } }),
  ),
  one(
    'keys that nobody has made',
    'listKeys',
    { createdBy: 'user:9' },
    { value: { items: [], nextCursor: null } },
    asAdmin,
  ),
  one(
    'an identifier that is too long for a path',
    'getKey',
    { id: 'k'.repeat(101) },
    failed('uri-too-long', 414),
    asAdmin,
    {
      others: {
        reason: 'its schema judges it: only a path has a limit of its own',
        expect: failed('validation-failed', 400),
      },
    },
  ),
  one(
    'a key for more than its maker may',
    'createKey',
    { name: 'n', scopes: ['users:write'] },
    failed('forbidden', 403),
    ({ readOnly }) => ({ 'x-api-key': readOnly }),
  ),
  one(
    'a key of a scope that is none',
    'createKey',
    { name: 'n', scopes: ['planets:read'] },
    invalid('/scopes/0'),
    asAdmin,
  ),
  one(
    'a key that is good until yesterday',
    'createKey',
    { ...input, expiresAt: '2020-01-01T00:00:00Z' },
    invalid('/expiresAt'),
    asAdmin,
  ),
  one(
    'who changed access',
    'listAuditEvents',
    { type: 'key.rotated', sort: 'id' },
    { value: { items: [{}, {}, {}] } },
    asAdmin,
  ),
]
