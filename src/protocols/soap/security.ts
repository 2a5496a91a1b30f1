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

function tokenOf({ children }: XmlElement): string {
  const tokens = children.filter(({ uri, local }) => uri === wsse && local === 'UsernameToken')
  const [token, ...more] = tokens
  if (token === undefined || more.length > 0 || children.some(({ local }) => local === 'Signature'))
    throw unauthenticated('Security must hold one UsernameToken; signatures are not served', 'invalid_token')
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
