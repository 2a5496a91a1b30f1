/** Our signing keys as oidc-provider signs ID tokens with them; the private part never leaves its holder. */

import { createPublicKey, type KeyObject } from 'node:crypto'
import { idTokenKeys, type PublicJwk, publicMembersOf, type SigningKey } from '../signing-key.ts'
import type { SigningKeys } from '../signing-keys.ts'
import type { Library } from './library.ts'

/** The keys at one moment: the one that signs, and those that others verify with. */
export interface KeysNow {
  signer: SigningKey
  published: readonly PublicJwk[]
  /** Differs when the keys do. */
  version: string
}

export async function keysNow(keys: SigningKeys): Promise<KeysNow> {
  const signer = await keys.signer()
  const published = keys.keySet().keys
  return { signer, published, version: [signer, ...published].map(({ kid }) => kid).join() }
}

/** The signing one first: the library signs with the first that fits. */
export function jwksOf({ signer, published }: KeysNow, { ExternalSigningKey }: Library) {
  class Key extends ExternalSigningKey {
    readonly #jwk: PublicJwk

    constructor(jwk: PublicJwk) {
      super()
      this.#jwk = jwk
    }

    override get kid(): string {
      return this.#jwk.kid
    }

    override get alg(): string {
      return idTokenKeys.algorithm
    }

    override keyObject(): KeyObject {
      return createPublicKey({ key: publicMembersOf(this.#jwk), format: 'jwk' })
    }

    override async sign(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
      if (this.#jwk.kid !== signer.kid) throw new Error('only the signing key signs')
      return new Uint8Array(await crypto.subtle.sign('RSASSA-PKCS1-v1_5', signer.privateKey, data))
    }
  }
  const others = published.filter(({ kid }) => kid !== signer.kid)
  return { keys: [signer.publicJwk, ...others].map((jwk) => new Key(jwk)) }
}
