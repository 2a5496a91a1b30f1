/** Access tokens: JWTs with the profile of RFC 9068, signed with Ed25519, good for minutes. */

import { randomUUID } from 'node:crypto'
import { errors, type JWTHeaderParameters, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { unauthenticated } from '../contract/access.ts'
import type { Problem } from '../errors.ts'
import { accessTokenKeys } from './signing-key.ts'
import { longestTokenLife, type SigningKeys } from './signing-keys.ts'

/** RFC 9068 section 2.1: no other kind of JWT, such as an ID token, is taken for an access token. */
const type = 'at+jwt'
const clientId = 'septet'
/** How far the clock of the process that signed may be ahead or behind, in seconds. */
const clockTolerance = 5
const maxLength = 4096

/**
 * Compact serialisation (RFC 7515 section 7.1), with a signature of 64 bytes. The last letter stands for two bits
 * and four of padding: with anything but zeros there, one token would have sixteen texts.
 */
const form = /^[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]$/
const userIdForm = /^[1-9]\d{0,15}$/

const required = ['sub', 'sid', 'client_id', 'scope', 'iat', 'exp', 'jti']

/** What an access token says. */
export interface AccessClaims {
  readonly userId: number
  readonly sessionId: string
  readonly scopes: readonly string[]
  /** In ms since 1970. */
  readonly expiresAt: number
}

export interface AccessTokenSettings {
  /** Both who signs and for whom: the server's own URL. */
  issuer: string
  /** How long a token is good for, in minutes; up to 60. */
  minutes: number
}

/** The server's name in its tokens. Processes that share a database share it too. */
export function issuerOf({ PUBLIC_URL, PORT }: { PUBLIC_URL?: string; PORT: number }): string {
  return PUBLIC_URL ?? `http://localhost:${PORT}`
}

/** Whether a credential was meant as a JWT: its header is a JSON object, and it has three parts. */
export function looksLikeJwt(credential: string): boolean {
  if (!credential.startsWith('eyJ')) return false
  const second = credential.indexOf('.', credential.indexOf('.') + 1)
  return second > 0 && credential.indexOf('.', second + 1) < 0
}

export class AccessTokens {
  readonly #keys: SigningKeys
  readonly #settings: AccessTokenSettings

  constructor(keys: SigningKeys, settings: AccessTokenSettings) {
    this.#keys = keys
    this.#settings = settings
  }

  /** How long a token is good for, in seconds. */
  get lifetime(): number {
    return this.#settings.minutes * 60
  }

  async issue({ userId, sessionId, scopes }: Omit<AccessClaims, 'expiresAt'>): Promise<string> {
    const { issuer } = this.#settings
    const { kid, privateKey } = await this.#keys.signer()
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({ sid: sessionId, client_id: clientId, scope: scopes.join(' ') })
      .setProtectedHeader({ alg: accessTokenKeys.algorithm, typ: type, kid })
      .setIssuer(issuer)
      .setAudience(issuer)
      .setSubject(String(userId))
      .setJti(randomUUID())
      .setIssuedAt(now)
      .setExpirationTime(now + this.lifetime)
      .sign(privateKey)
  }

  /**
   * What the token says, once everything about it has been checked but its session.
   *
   * @throws {Problem} `unauthenticated`, naming the claim that is wrong and never its value.
   */
  async verify(token: string): Promise<AccessClaims> {
    if (token.length > maxLength || !form.test(token)) throw refused('is malformed')
    const { issuer } = this.#settings
    try {
      const { payload } = await jwtVerify(token, (header) => this.#keyOf(header), {
        algorithms: [accessTokenKeys.algorithm],
        typ: type,
        issuer,
        audience: issuer,
        requiredClaims: required,
        clockTolerance,
        // Refuses an `iat` in the future too.
        maxTokenAge: longestTokenLife / 1000,
      })
      return readClaims(payload)
    } catch (error) {
      throw error instanceof errors.JOSEError ? refusalOf(error) : error
    }
  }

  /** A header with more than we write, such as `jwk`, `jku` or `x5u`, asks us to trust a key that it brings. */
  async #keyOf(header: JWTHeaderParameters) {
    const { kid } = header
    if (typeof kid !== 'string' || Object.keys(header).length !== 3) throw refused('has a foreign header')
    const key = await this.#keys.find(kid)
    if (key === undefined) throw refused('is signed with an unknown key')
    return key
  }
}

/** Whether the time of the claims is over. */
export function isExpired({ expiresAt }: AccessClaims): boolean {
  return expiresAt + clockTolerance * 1000 <= Date.now()
}

export function expired(): Problem {
  return refused('has expired')
}

function readClaims({ sub, sid, client_id, scope, exp = 0, jti }: JWTPayload): AccessClaims {
  if (typeof sub !== 'string' || !userIdForm.test(sub)) throw refused('has a wrong sub')
  if (typeof sid !== 'string') throw refused('has a wrong sid')
  if (client_id !== clientId) throw refused('has a wrong client_id')
  if (typeof scope !== 'string') throw refused('has a wrong scope')
  if (typeof jti !== 'string') throw refused('has a wrong jti')
  const scopes = scope.split(' ').filter(Boolean)
  return { userId: Number(sub), sessionId: sid, scopes, expiresAt: exp * 1000 }
}

function refusalOf(error: errors.JOSEError): Problem {
  if (error instanceof errors.JWTExpired) return expired()
  if (error instanceof errors.JWTClaimValidationFailed) return refused(`has a wrong ${error.claim}`)
  if (error instanceof errors.JOSEAlgNotAllowed) return refused('is signed with another algorithm')
  if (error instanceof errors.JWSSignatureVerificationFailed) return refused('is not signed by this server')
  return refused('is malformed')
}

function refused(what: string): Problem {
  return unauthenticated(`The access token ${what}`, 'invalid_token')
}
