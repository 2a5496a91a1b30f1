import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { test } from 'tap'
import { digestOf } from '../../../src/auth/digest.ts'
import { build } from '../../helper.ts'
import { makeKey } from '../../keys.ts'
import { type Sent, send, textOf } from './message.ts'

const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd'
const wsu = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd'
const profile = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0'
const getMe = '<n:getMe/>'

function security(content: string): string {
  return `<w:Security xmlns:w="${wsse}" s:mustUnderstand="1">${content}</w:Security>`
}

function token(password: string, type = `${profile}#PasswordText`): string {
  return `<w:UsernameToken><w:Username>anybody</w:Username><w:Password Type="${type}">${password}</w:Password></w:UsernameToken>`
}

const basic = (password: string) => `Basic ${Buffer.from(`anybody:${password}`).toString('base64')}`

test('an API key is taken as the password of a UsernameToken or of HTTP Basic, as a Bearer token and in its header', async (t) => {
  const { app } = await build(t)
  const key = app.apiKeys.first ?? ''
  const ways: Sent[] = [
    { blocks: security(token(key)) },
    { blocks: security(token(`\n  ${key}\n`)) },
    { blocks: security(token(key).replace(/ Type="[^"]*"/, '')), version: '1.2' },
    { headers: { authorization: basic(key) } },
    { headers: { authorization: basic(key).replace('Basic', 'bAsIc') } },
    { headers: { authorization: `Bearer ${key}` } },
    { headers: { 'x-api-key': key } },
    { headers: { 'x-api-key': key }, blocks: security(token(key)) },
    { headers: { authorization: basic(key) }, blocks: security(token(key)) },
  ]
  for (const way of ways) t.equal(textOf((await send(app, getMe, way)).text, 'kind'), 'api-key')
})

test('a credential that is none is refused by the guard, with the challenge of REST', async (t) => {
  const { app } = await build(t)
  const key = app.apiKeys.first ?? ''
  const ways: Sent[] = [
    {},
    { blocks: security(token('nonsense')) },
    { blocks: security(token(`${key.slice(0, -1)}x`)) },
    { blocks: security(token('')) },
    { blocks: security(token('a b')) },
    { blocks: security('<w:BinarySecurityToken>abc</w:BinarySecurityToken>') },
    { blocks: security('') },
    { blocks: security(token(key, `${profile}#Unknown`)) },
    { blocks: security('<w:UsernameToken><w:Username>a</w:Username></w:UsernameToken>') },
    { blocks: security(`${token(key)}<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#"/>`) },
    { blocks: security(`${token(key)}<e:EncryptedKey xmlns:e="http://www.w3.org/2001/04/xmlenc#"/>`) },
    { blocks: security(`${token(key)}<w:Other/>`) },
    { headers: { authorization: basic('') } },
    { headers: { authorization: 'Basic !!!' } },
    { headers: { authorization: 'Digest username="a"' } },
  ]
  for (const way of ways) {
    const { text } = await send(app, getMe, way)
    t.equal(textOf(text, 'code'), 'unauthenticated', JSON.stringify(way))
    t.match(textOf(text, 'WwwAuthenticate'), /^Bearer realm="septet"/)
  }
})

test('of two credentials, or two places for one, none is chosen', async (t) => {
  const { app } = await build(t)
  const key = app.apiKeys.first ?? ''
  const password = `<w:Password>${key}</w:Password>`
  const ways: Sent[] = [
    { blocks: security(token(key)) + security(token(key)) },
    { blocks: security(token(key) + token('other')) },
    { blocks: security(token(key).replace('</w:UsernameToken>', `${password}</w:UsernameToken>`)) },
    { blocks: security(token(key)), headers: { authorization: 'Bearer other' } },
    { blocks: security(token(key)), headers: { authorization: basic('other') } },
    { blocks: security(token(key)), headers: { 'x-api-key': 'other' } },
  ]
  for (const way of ways)
    t.match(textOf((await send(app, getMe, way)).text, 'code'), /malformed-request|unauthenticated/)
})

test('a Timestamp is judged, with a minute for clocks that differ', async (t) => {
  const { app } = await build(t)
  const key = app.apiKeys.first ?? ''
  const stamp = (created: string, expires: string) =>
    `<u:Timestamp xmlns:u="${wsu}"><u:Created>${created}</u:Created><u:Expires>${expires}</u:Expires></u:Timestamp>`
  const code = async (timestamp: string, content = token(key), headers: Record<string, string> = {}) =>
    textOf((await send(app, getMe, { blocks: security(timestamp + content), headers })).text, 'code')
  t.equal(await code(stamp(ago(10), ago(-290))), undefined)
  t.equal(await code(stamp(ago(300), ago(50))), undefined)
  t.equal(await code(stamp(ago(-50), ago(-300))), undefined)
  t.equal(await code(stamp(ago(10), ago(-290)), '', { authorization: `Bearer ${key}` }), undefined)
  t.equal(await code(stamp(ago(10), ago(-290)), '', { authorization: basic(key) }), undefined)
  for (const refused of [
    stamp(ago(400), ago(70)),
    stamp(ago(-70), ago(-300)),
    stamp('now', ago(-300)),
    stamp(ago(9), ''),
  ])
    t.equal(await code(refused), 'unauthenticated', refused)
  t.equal(await code(stamp(ago(10), ago(-290)), ''), 'unauthenticated', 'a Timestamp is no credential')
})

test('Security for somebody else is no credential', async (t) => {
  const { app } = await build(t)
  const blocks = security(token(app.apiKeys.first ?? '')).replace('s:must', 's:actor="urn:other" s:must')
  t.equal(textOf((await send(app, getMe, { blocks })).text, 'code'), 'unauthenticated')
})

test('a scope that is missing is named', async (t) => {
  const { app } = await build(t, { ANONYMOUS_SCOPES: 'users:read' })
  const { text } = await send(app, '<n:listAuditEvents/>', {
    headers: { authorization: `Bearer ${app.apiKeys.first}` },
  })
  t.match(text, /listAuditEventsResponse/)
  const refused = await send(app, '<n:createUser><n:name>A</n:name><n:email>a@example.com</n:email></n:createUser>')
  t.equal(textOf(refused.text, 'code'), 'unauthenticated')
})

interface Login {
  username: string
  password: string
}

/** What a key makes digests with. */
async function loginOf(app: FastifyInstance, key: string): Promise<Login> {
  const answer = await app.inject({ url: '/me/digest-password', headers: { 'x-api-key': key } })
  return answer.json<Login>()
}

interface Parts {
  nonce?: Buffer
  created?: string
  digest?: string
}

/** A UsernameToken with a digest, of now unless said otherwise. */
function digestToken({ username, password }: Login, parts: Parts = {}): Sent {
  const { nonce = randomBytes(16), created = new Date().toISOString() } = parts
  const digest = parts.digest ?? digestOf(nonce, created, password).toString('base64')
  const fields = `<w:Username>${username}</w:Username><w:Password Type="${profile}#PasswordDigest">${digest}</w:Password><w:Nonce>${nonce.toString('base64')}</w:Nonce><u:Created xmlns:u="${wsu}">${created}</u:Created>`
  return { blocks: security(`<w:UsernameToken>${fields}</w:UsernameToken>`) }
}

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString()

test('a PasswordDigest proves an API key, once', async (t) => {
  const { app } = await build(t)
  const login = await loginOf(app, app.apiKeys.first ?? '')
  const sent = digestToken(login)
  t.equal(textOf((await send(app, getMe, sent)).text, 'id'), `api-key:${login.username}`)
  const again = await send(app, getMe, sent)
  t.equal(textOf(again.text, 'code'), 'unauthenticated')
  t.match(again.text, /nonce was used before/)
  const nonce = randomBytes(16)
  const racing = digestToken(login, { nonce })
  const codes = await Promise.all(
    Array.from({ length: 8 }, async () => textOf((await send(app, getMe, racing)).text, 'code')),
  )
  t.equal(codes.filter((code) => code === undefined).length, 1, 'of those at once, one is answered')
  t.equal(
    textOf((await send(app, getMe, digestToken(login, { nonce, created: ago(1) }))).text, 'code'),
    'unauthenticated',
  )
})

test('a digest that is old, of the future, of another password or not well-formed is refused', async (t) => {
  const { app } = await build(t)
  const login = await loginOf(app, app.apiKeys.first ?? '')
  t.equal((await send(app, getMe, digestToken(login, { created: ago(290) }))).status, 200)
  t.equal((await send(app, getMe, digestToken(login, { created: ago(-50) }))).status, 200)
  const wrong: Sent[] = [
    digestToken(login, { created: ago(310) }),
    digestToken(login, { created: ago(-70) }),
    digestToken(login, { created: 'now' }),
    digestToken(login, { created: ago(0).replace('Z', '+00:00') }),
    digestToken(login, { digest: Buffer.alloc(20).toString('base64') }),
    digestToken(login, { digest: 'x' }),
    digestToken(login, { nonce: Buffer.alloc(4) }),
    digestToken(login, { nonce: Buffer.alloc(200) }),
    digestToken({ ...login, password: app.apiKeys.first ?? '' }),
    digestToken({ ...login, username: 'unknown' }),
    digestToken({ ...login, username: '' }),
  ]
  for (const each of wrong) t.equal(textOf((await send(app, getMe, each)).text, 'code'), 'unauthenticated')
})

test('the password of digests ends with the secret that it is derived from', async (t) => {
  const { app } = await build(t)
  const admin = app.apiKeys.first ?? ''
  const made = await makeKey(app, admin, ['users:read'])
  const login = await loginOf(app, made.key)
  const status = async (from: Login) => (await send(app, getMe, digestToken(from))).status
  t.equal(await status(login), 200)
  const headers = { 'x-api-key': admin }
  const rotated = await app.inject({
    method: 'POST',
    url: `/keys/${made.id}/rotate`,
    headers,
    payload: { overlap: 3600 },
  })
  t.equal(await status(login), 200, 'within the overlap')
  const refused = await app.inject({ url: '/me/digest-password', headers: { 'x-api-key': made.key } })
  t.equal(refused.statusCode, 403, 'but a secret that was replaced gets no other')
  const next = await loginOf(app, rotated.json<{ key: string }>().key)
  t.not(next.password, login.password)
  t.equal(await status(next), 200)
  const again = await app.inject({
    method: 'POST',
    url: `/keys/${made.id}/rotate`,
    headers,
    payload: { overlap: 0 },
  })
  t.equal(await status(next), 500)
  t.equal(await status(login), 500)
  const last = await loginOf(app, again.json<{ key: string }>().key)
  t.equal(await status(last), 200)
  await app.inject({ method: 'DELETE', url: `/keys/${made.id}`, headers })
  t.equal(await status(last), 500)
})

test('the password of digests is given to API keys alone, and kept by no cache', async (t) => {
  const { app } = await build(t)
  t.equal((await app.inject('/me/digest-password')).statusCode, 401)
  const answer = await app.inject({ url: '/me/digest-password', headers: { 'x-api-key': app.apiKeys.first ?? '' } })
  t.equal(answer.headers['cache-control'], 'no-store')
  t.notMatch(answer.json<Login>().password, 'spt_')
})
