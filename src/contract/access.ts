/** The access that a route declares, read once at the start and checked at each request. */

import type { RouteOptions } from 'fastify'
import { Problem } from '../errors.ts'
import { scopePattern } from '../schemas/scopes.ts'
import { ContractError } from './contract-error.ts'
import { holds, missingScopes, type Principal, type PrincipalKind } from './principal.ts'

/** Scheme name, as a route's `security` and the OpenAPI document use it → what it is and whom it lets in. */
export const schemes = {
  apiKey: {
    kinds: ['api-key'],
    document: {
      type: 'apiKey',
      in: 'header',
      name: 'X-API-Key',
      description: 'An API key (`spt_…`). It may be sent as a Bearer token too.',
    },
  },
  accessToken: {
    kinds: ['user'],
    document: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'An access token, as signing in gives it.',
    },
  },
  oauth2: {
    kinds: ['client'],
    document: {
      type: 'oauth2',
      description: 'An access token of an application, for itself or for a user who has consented.',
      flows: {
        // The scopes are those that operations ask for: the document lists them when all are known.
        clientCredentials: { tokenUrl: '/oauth/token', scopes: {} },
        authorizationCode: {
          authorizationUrl: '/oauth/authorize',
          tokenUrl: '/oauth/token',
          refreshUrl: '/oauth/token',
          scopes: {},
        },
      },
    },
  },
} as const satisfies Record<string, { kinds: readonly PrincipalKind[]; document: object }>

export interface Access {
  readonly scopes: readonly string[]
  readonly kinds: ReadonlySet<PrincipalKind>
}

/** A declaration that cannot be read; the message continues the path `schema.security`. */
export class SecurityError extends Error {
  override readonly name = 'SecurityError'
}

const wellFormedScope = new RegExp(scopePattern)

/**
 * Reads a route's `security`; nothing when it is open to anyone.
 *
 * @throws {SecurityError} when it is missing, or names an unknown scheme, a malformed scope, or different scopes by scheme.
 */
export function readAccess(security: unknown): Access | undefined {
  if (!Array.isArray(security)) throw new SecurityError('is missing: say requires(…), signedIn() or open')
  const requirements = security.flatMap((requirement: Record<string, readonly string[]>) => {
    const named = Object.entries(requirement)
    // None would mean anyone, several all of them at once (OpenAPI 3.1 section 4.8.30).
    if (named.length !== 1) throw new SecurityError('must name one scheme in each requirement')
    return named
  })
  const [first] = requirements
  if (first === undefined) return undefined
  const [, scopes] = first
  const kinds = new Set<PrincipalKind>()
  for (const [name, wanted] of requirements) {
    const scheme = (schemes as Partial<Record<string, (typeof schemes)[keyof typeof schemes]>>)[name]
    if (scheme === undefined) throw new SecurityError(`names the unknown scheme ${name}`)
    if (wanted.join() !== scopes.join()) throw new SecurityError('wants different scopes by scheme')
    for (const kind of scheme.kinds) kinds.add(kind)
  }
  const malformed = scopes.find((scope) => !wellFormedScope.test(scope))
  if (malformed !== undefined) throw new SecurityError(`names the malformed scope "${malformed}"`)
  return { scopes, kinds }
}

/** Where @fastify/swagger-ui registers its pages; it cannot say that they are open. */
const documentPrefix = '/docs'

/**
 * The access of a route; nothing when it is open to anyone.
 *
 * @throws {ContractError} when it declares none, or one that cannot be read.
 */
export function accessOf({ method, url, prefix, schema }: RouteOptions & { prefix?: string }): Access | undefined {
  // A preflight request carries no credential, and reaches no handler of ours.
  if (prefix === documentPrefix || method === 'OPTIONS') return undefined
  try {
    return readAccess(schema?.security)
  } catch (error) {
    if (!(error instanceof SecurityError)) throw error
    throw new ContractError(`${schema?.operationId ?? `${method} ${url}`}: schema.security ${error.message}`)
  }
}

/**
 * Why this principal may not call, or nothing.
 *
 * The headers are those of RFC 6750 section 3: 401 asks for a credential, 403 names the scope that is missing.
 */
export function refusalOf({ scopes, kinds }: Access, principal: Principal): Problem | undefined {
  const holdsAll = scopes.every((scope) => holds(principal, scope))
  if (principal.kind === 'anonymous') {
    // What is for persons only stays so, whatever anonymous callers hold.
    if (scopes.length > 0 && holdsAll && kinds.has('api-key')) return undefined
    return unauthenticated('This operation needs a credential')
  }
  if (!kinds.has(principal.kind)) {
    const without = kinds.has('api-key') ? 'no application' : 'no key and no application'
    return new Problem('forbidden', `This operation is done in person: ${without} can call it`, {
      headers: { 'www-authenticate': `${realm}, error="insufficient_scope"` },
    })
  }
  if (holdsAll) return undefined
  const scope = scopes.join(' ')
  return new Problem('forbidden', `The credential lacks the scope ${missingScopes(principal, scopes).join(', ')}`, {
    headers: { 'www-authenticate': `${realm}, error="insufficient_scope", scope="${scope}"` },
  })
}

const realm = 'Bearer realm="septet"'

/** 401 with the challenge that RFC 9110 section 11.6.1 asks for; `error` of RFC 6750 when a credential was sent. */
export function unauthenticated(detail: string, error?: 'invalid_token'): Problem {
  const challenge = error === undefined ? realm : `${realm}, error="${error}"`
  return new Problem('unauthenticated', detail, { headers: { 'www-authenticate': challenge } })
}
