/** Keys derived from the server's secret: for hashing what must be recognised, and for sealing what must be read again. */

import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'

const keyLength = 32
const ivLength = 12
const tagLength = 16

/**
 * One derived key a purpose (HKDF, RFC 5869), so that what leaks from one says nothing of another. The first secret
 * writes; the others, which it replaced, are still read.
 */
export class Secrets {
  readonly #secrets: readonly string[]
  readonly #keys = new Map<string, readonly Buffer[]>()

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets
  }

  /** HMAC-SHA256 of a text, base64url: at rest in place of a random secret. */
  mac(purpose: string, text: string): string {
    const [key] = this.#keysOf(purpose)
    return macOf(key, text)
  }

  /** Whether the text has this MAC under any of the secrets; takes the same time wherever they differ. */
  hasMac(purpose: string, text: string, mac: string): boolean {
    const given = Buffer.from(mac)
    let found = false
    for (const key of this.#keysOf(purpose)) {
      const own = Buffer.from(macOf(key, text))
      if (own.length === given.length && timingSafeEqual(own, given)) found = true
    }
    return found
  }

  /** Every MAC that the text may be stored under, the current one first: for looking it up. */
  macs(purpose: string, text: string): string[] {
    return this.#keysOf(purpose).map((key) => macOf(key, text))
  }

  /** Encrypts with AES-256-GCM under a fresh nonce; gives nonce, ciphertext and tag as base64url. */
  seal(purpose: string, text: string): string {
    const [key] = this.#keysOf(purpose)
    const iv = randomBytes(ivLength)
    const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagLength })
    return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url')
  }

  /** @throws when none of the secrets sealed it, or it was changed. */
  open(purpose: string, sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64url')
    for (const key of this.#keysOf(purpose)) {
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivLength), { authTagLength: tagLength })
        decipher.setAuthTag(bytes.subarray(-tagLength))
        const text = decipher.update(bytes.subarray(ivLength, -tagLength))
        return Buffer.concat([text, decipher.final()]).toString()
      } catch {
        // Sealed with another of the secrets, or by nobody here: told below.
      }
    }
    throw new Error(`what is sealed for ${purpose} cannot be opened with SECRET`)
  }

  #keysOf(purpose: string): readonly [Buffer, ...Buffer[]] {
    const known = this.#keys.get(purpose)
    if (known) return known as [Buffer, ...Buffer[]]
    const keys = this.#secrets.map((secret) =>
      Buffer.from(hkdfSync('sha256', secret, '', `septet ${purpose}`, keyLength)),
    )
    this.#keys.set(purpose, keys)
    return keys as unknown as [Buffer, ...Buffer[]]
  }
}

function macOf(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}
