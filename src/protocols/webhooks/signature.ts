/** Signatures of Standard Webhooks 1.0.0: HMAC-SHA256 (`v1`) and Ed25519 (`v1a`), and the secrets that they are made with. */

import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'

export type Signing = 'hmac' | 'ed25519'

const secretPrefix = 'whsec_'
const privatePrefix = 'whsk_'
const publicPrefix = 'whpk_'
/** Of an HMAC secret; 24 to 64 are allowed. */
const secretLength = 32
/** What comes before the 32 bytes of an Ed25519 key in DER (RFC 8410 sections 4 and 7). */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const spki = Buffer.from('302a300506032b6570032100', 'hex')

/** A new secret, with its prefix. */
export function newSecret(signing: Signing): string {
  if (signing === 'hmac') return secretPrefix + randomBytes(secretLength).toString('base64')
  const { privateKey } = generateKeyPairSync('ed25519')
  const der = privateKey.export({ type: 'pkcs8', format: 'der' })
  return privatePrefix + der.subarray(pkcs8.length).toString('base64')
}

/** What receivers verify with, of an Ed25519 secret; nothing of another, which they verify with itself. */
export function publicKeyOf(secret: string): string | undefined {
  if (!secret.startsWith(privatePrefix)) return undefined
  const der = createPublicKey(privateKeyOf(secret)).export({ type: 'spki', format: 'der' })
  return publicPrefix + der.subarray(spki.length).toString('base64')
}

/** Signs messages with one secret. */
export type Signer = (id: string, timestamp: number, body: string) => string

/** Reads the secret once for any number of messages. */
export function signerOf(secret: string): Signer {
  if (secret.startsWith(privatePrefix)) {
    const key = privateKeyOf(secret)
    return (...message) => `v1a,${sign(null, signedText(...message), key).toString('base64')}`
  }
  const key = Buffer.from(secret.slice(secretPrefix.length), 'base64')
  return (...message) =>
    `v1,${createHmac('sha256', key)
      .update(signedText(...message))
      .digest('base64')}`
}

/** `timestamp`: of the attempt, in seconds since 1970. */
function signedText(id: string, timestamp: number, body: string): Buffer {
  return Buffer.from(`${id}.${timestamp}.${body}`)
}

function privateKeyOf(secret: string): KeyObject {
  const seed = Buffer.from(secret.slice(privatePrefix.length), 'base64')
  return createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: 'der', type: 'pkcs8' })
}
