/**
 * The credential of a message as REST takes it: WS-Security's UsernameToken (UsernameToken Profile 1.1) and HTTP Basic
 * (RFC 7617) become a Bearer token, which the guard of the operation judges. The password is an API key or an access
 * token; the name beside it is for the caller's own use. A digest is proof of an API key, and becomes a token that is good
 * once.
 */

import type { IncomingHttpHeaders } from 'node:http'
import { renderDigest } from '../../auth/digest.ts'
import { unauthenticated } from '../../contract/access.ts'
import { Problem } from '../../errors.ts'
import type { XmlElement } from './element.ts'
import { wsse, wsu } from './names.ts'

const profile = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0'
const passwordText = `${profile}#PasswordText`
const passwordDigest = `${profile}#PasswordDigest`

/**
 * Headers with the credential that the message brings.
 *
 * @throws {Problem} `malformed-request` for two credentials, `unauthenticated` for what is none that is served.
 */
export function withCredential(headers: IncomingHttpHeaders, security: XmlElement | undefined): IncomingHttpHeaders {
  const basic = basicOf(headers.authorization)
  if (security === undefined) return basic === undefined ? headers : { ...headers, authorization: basic }
  const authorization = tokenOf(security)
  if (authorization === undefined) return basic === undefined ? headers : { ...headers, authorization: basic }
  if (headers.authorization !== undefined && (basic ?? headers.authorization) !== authorization)
    throw new Problem('malformed-request', 'Send one credential: a UsernameToken, or HTTP authorization')
  return { ...headers, authorization }
}

function basicOf(authorization: string | undefined): string | undefined {
  const encoded = authorization === undefined ? undefined : /^basic +([\w+/-]+=*) *$/i.exec(authorization)?.[1]
  if (encoded === undefined) return undefined
  const pair = Buffer.from(encoded, 'base64').toString()
  return bearer(pair.slice(pair.indexOf(':') + 1))
}

/** Nothing where Security brings no more than a Timestamp. */
function tokenOf(security: XmlElement): string | undefined {
  const token = oneOf(security, wsse, 'UsernameToken')
  const timestamp = oneOf(security, wsu, 'Timestamp')
  if (timestamp !== undefined) judgeTimestamp(timestamp)
  const known = [token, timestamp].filter((each) => each !== undefined)
  // Whoever signs or encrypts relies on that being judged.
  if (known.length === 0 || known.length < security.children.length)
    throw unauthenticated(
      'Security holds a UsernameToken, a Timestamp or both; nothing else is served',
      'invalid_token',
    )
  return token === undefined ? undefined : credentialOf(token)
}

/** WS-Security SOAP Message Security 1.1 section 10: what has expired is refused, and so is what is made in the future. */
function judgeTimestamp(timestamp: XmlElement): void {
  const now = Date.now()
  const [created, expires] = ['Created', 'Expires'].map((name) => momentOf(oneOf(timestamp, wsu, name)))
  if (expires !== undefined && !(now <= expires + skew))
    throw unauthenticated('The message has expired', 'invalid_token')
  if (created !== undefined && !(created <= now + skew))
    throw unauthenticated('The message was made in the future', 'invalid_token')
}

/** In ms: how far clocks may differ. */
const skew = 60_000

/** A moment in UTC, as WS-Security wants it; no number for any other. */
function momentOf(element: XmlElement | undefined): number | undefined {
  if (element === undefined) return undefined
  const text = element.text.trim()
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(text) ? Date.parse(text) : Number.NaN
}

function credentialOf(token: XmlElement): string {
  const username = oneOf(token, wsse, 'Username')
  const password = oneOf(token, wsse, 'Password')
  if (username === undefined || password === undefined)
    throw unauthenticated('A UsernameToken holds a Username and a Password', 'invalid_token')
  const type = password.attributes.find(({ uri, local }) => uri === '' && local === 'Type')?.value ?? passwordText
  if (type === passwordText) return bearer(password.text.trim())
  if (type !== passwordDigest) throw unauthenticated('This type of Password is not served', 'invalid_token')
  const nonce = oneOf(token, wsse, 'Nonce')
  const created = oneOf(token, wsu, 'Created')
  if (nonce === undefined || created === undefined)
    throw unauthenticated('A PasswordDigest needs a Nonce and Created', 'invalid_token')
  const bytes = (element: XmlElement) => Buffer.from(element.text.trim().slice(0, 400), 'base64')
  const [name, moment] = [username, created].map(({ text }) => text.trim().slice(0, 100))
  const proof = { username: name ?? '', nonce: bytes(nonce), created: moment ?? '', digest: bytes(password) }
  return bearer(renderDigest(proof))
}

/** The one child with a name; nothing without it. @throws {Problem} `malformed-request` for several. */
function oneOf({ children, local: parent }: XmlElement, uri: string, wanted: string): XmlElement | undefined {
  const [found, ...more] = children.filter((child) => child.uri === uri && child.local === wanted)
  if (more.length > 0) throw new Problem('malformed-request', `${parent} must hold one ${wanted}`)
  return found
}

function bearer(credential: string): string {
  if (credential === '') throw unauthenticated('The password must be an API key or an access token', 'invalid_token')
  return `Bearer ${credential}`
}
