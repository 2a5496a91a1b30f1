import { createHmac, createPublicKey, verify } from 'node:crypto'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { test } from 'tap'
import { newSecret, publicKeyOf, signerOf } from '../../../src/protocols/webhooks/signature.ts'

const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
const timestamp = 1_614_265_330
const body = '{"test": 2432232314}'

/** As a receiver would, by what is published of the key (RFC 8410 section 4). */
function isSigned(publicKey: string, signature: string, text: string): boolean {
  const raw = Buffer.from(publicKey.replace('whpk_', ''), 'base64')
  const key = createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]),
    format: 'der',
    type: 'spki',
  })
  return verify(null, Buffer.from(text), key, Buffer.from(signature.replace('v1a,', ''), 'base64'))
}

test('the vectors of the specification’s own libraries', (t) => {
  t.equal(
    signerOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')(id, timestamp, body),
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  )
  t.equal(
    signerOf('whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=')(id, timestamp, body),
    'v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==',
  )
  t.end()
})

test('a new secret signs as both libraries do', (t) => {
  const secret = newSecret('hmac')
  t.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
  t.not(newSecret('hmac'), secret)
  const now = new Date()
  const seconds = Math.floor(now.getTime() / 1000)
  const signature = signerOf(secret)(id, seconds, 'Zoë')
  for (const Webhook of [StandardWebhook, SvixWebhook]) {
    t.equal(new Webhook(secret).sign(id, now, 'Zoë'), signature)
  }
  const key = Buffer.from(secret.slice(6), 'base64')
  t.equal(signature, `v1,${createHmac('sha256', key).update(`${id}.${seconds}.Zoë`).digest('base64')}`)
  t.equal(publicKeyOf(secret), undefined)
  t.end()
})

test('a new Ed25519 key signs for its public key, and for no other', (t) => {
  const [secret, other] = [newSecret('ed25519'), newSecret('ed25519')]
  t.match(secret, /^whsk_[A-Za-z0-9+/]{43}=$/)
  const publicKey = publicKeyOf(secret) ?? ''
  t.match(publicKey, /^whpk_[A-Za-z0-9+/]{43}=$/)
  const signature = signerOf(secret)(id, timestamp, body)
  t.ok(isSigned(publicKey, signature, `${id}.${timestamp}.${body}`))
  t.notOk(isSigned(publicKey, signature, `${id}.${timestamp + 1}.${body}`))
  t.notOk(isSigned(publicKeyOf(other) ?? '', signature, `${id}.${timestamp}.${body}`))
  t.end()
})
