/** The secrets of endpoints: sealed at rest, opened for signing. */

import { LRUCache } from 'lru-cache'
import type { Secrets } from '../../auth/secrets.ts'
import type { EndpointRow } from './endpoint-sql.ts'
import { newSecret, publicKeyOf, type Signer, type Signing, signerOf } from './signature.ts'

const purpose = 'webhook secret'
/** Opened secrets kept in memory. */
const mostKept = 1000

export class EndpointKeys {
  readonly #secrets: Secrets
  /** By what is stored, so that a rotated secret is not found. */
  readonly #signers = new LRUCache<string, Signer>({ max: mostKept })

  constructor(secrets: Secrets) {
    this.#secrets = secrets
  }

  /** A new secret: its text, and what is stored of it. */
  make(signing: Signing): { secret: string; sealed: string } {
    const secret = newSecret(signing)
    return { secret, sealed: this.#secrets.seal(purpose, secret) }
  }

  /** What receivers verify with, where that is no secret. */
  publicKeyOf({ signing, secret }: EndpointRow): string | null {
    if (signing !== 'ed25519') return null
    return publicKeyOf(this.#secrets.open(purpose, secret)) ?? null
  }

  /** One for each secret that is good: for a time after a rotation, both. */
  signersOf({ secret, previousSecret, previousUntil }: EndpointRow): Signer[] {
    const isGood = previousSecret !== null && previousUntil !== null && previousUntil > new Date().toISOString()
    return [secret, ...(isGood ? [previousSecret] : [])].map((sealed) => this.#signerOf(sealed))
  }

  #signerOf(sealed: string): Signer {
    const known = this.#signers.get(sealed)
    if (known) return known
    const signer = signerOf(this.#secrets.open(purpose, sealed))
    this.#signers.set(sealed, signer)
    return signer
  }
}
