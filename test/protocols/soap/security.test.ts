import { test } from 'tap'
import { build } from '../../helper.ts'
import { type Sent, send, textOf } from './message.ts'

const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd'
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
