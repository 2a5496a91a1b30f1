/** A key that signs tokens: what it is made of, and how it is made and read (RFC 7517, RFC 8037, RFC 7518 section 6.3). */

import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'

/** What the keys of one purpose have in common. */
export interface KeyKind {
  algorithm: 'EdDSA' | 'RS256'
  table: string
  /** What they are sealed for: a key of one kind is none of another. */
  purpose: string
  /** That the first is made when somebody asks for it, not at the start. */
  onDemand: boolean
}

/** Ed25519: short signatures, made in no time. */
export const accessTokenKeys = {
  algorithm: 'EdDSA',
  table: 'signing_keys',
  purpose: 'signing-key',
  onDemand: false,
} as const satisfies KeyKind

/** The algorithm that every OpenID Connect client knows (OpenID Connect Discovery 1.0 section 3). */
export const idTokenKeys = {
  algorithm: 'RS256',
  table: 'id_token_keys',
  purpose: 'id-token-key',
  onDemand: true,
} as const satisfies KeyKind

export interface SigningKey {
  /** Thumbprint of the public key (RFC 7638). */
  readonly kid: string
  readonly publicJwk: PublicJwk
  readonly publicKey: CryptoKey
  readonly privateKey: CryptoKey
  /** In ms since 1970. */
  readonly signsFrom: number
  readonly signsUntil: number
}

/** Members of the public key alone: of an Ed25519 one, or of an RSA one. */
type PublicMembers = { kty: string; crv: string; x: string } | { kty: string; n: string; e: string }

/** Public members only (RFC 7517 section 4). */
export type PublicJwk = PublicMembers & { kid: string; use: 'sig'; alg: KeyKind['algorithm'] }

/** A new private key. */
export async function newPrivateJwk(algorithm: KeyKind['algorithm']): Promise<JWK> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: 2048 })
  return exportJWK(privateKey)
}

/** The keys of a private JWK. */
export async function openKey(
  jwk: JWK,
  algorithm: KeyKind['algorithm'],
): Promise<Omit<SigningKey, 'signsFrom' | 'signsUntil'>> {
  const members = publicMembersOf(jwk)
  const kid = await calculateJwkThumbprint(members)
  return {
    kid,
    publicJwk: { ...members, kid, use: 'sig', alg: algorithm },
    publicKey: (await importJWK(members, algorithm)) as CryptoKey,
    privateKey: (await importJWK(jwk, algorithm)) as CryptoKey,
  }
}

export function publicMembersOf({ kty = '', crv = '', x = '', n = '', e = '' }: JWK): PublicMembers {
  return kty === 'RSA' ? { kty, n, e } : { kty, crv, x }
}
