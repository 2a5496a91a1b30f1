/** The settings of Salesforce, and what they mean. */

import { createPrivateKey, type KeyObject } from 'node:crypto'
import { type Static, Type } from '@sinclair/typebox'
import { ConfigError, isLoopback } from '../../config.ts'
import { exampleKey } from './example-key.ts'
import { Mapping } from './mapping.ts'

/** The API names of objects and fields, namespaces and `__c` among them; source of a pattern. */
const apiName = '[A-Za-z]\\w{0,79}'

export const Settings = Type.Object({
  SALESFORCE_CLIENT_ID: Type.String({
    minLength: 1,
    examples: ['3MVG9_example'],
    description: 'Consumer key of the connected app.',
  }),
  SALESFORCE_USERNAME: Type.String({
    minLength: 1,
    examples: ['septet@example.com'],
    description: 'User of Salesforce as whom the server works.',
  }),
  SALESFORCE_PRIVATE_KEY: Type.String({
    minLength: 1,
    examples: [exampleKey],
    description: 'RSA key of the certificate of the app: PEM (line ends may be written `\\n`), or PKCS #8 in Base64.',
  }),
  SALESFORCE_LOGIN_URL: Type.String({
    default: 'https://login.salesforce.com',
    description: 'Where tokens are given; `https://test.salesforce.com` for a sandbox.',
  }),
  SALESFORCE_API_VERSION: Type.String({
    default: '64.0',
    pattern: '^\\d{2,3}\\.0$',
    description: 'Version of the API of Salesforce.',
  }),
  SALESFORCE_OBJECT: Type.String({
    default: 'Contact',
    pattern: `^${apiName}$`,
    description: 'Object that users are.',
  }),
  SALESFORCE_EXTERNAL_ID: Type.String({
    default: 'Septet_User_Id__c',
    pattern: `^${apiName}$`,
    description: 'Its field with the id of the user: an external id, and unique.',
  }),
  SALESFORCE_FIELDS: Type.String({
    default: 'name:LastName email:Email',
    pattern: `^\\w+:${apiName}( \\w+:${apiName})*$`,
    description: 'Properties of users and the fields that they are, separated by spaces.',
  }),
  SALESFORCE_ON_DELETE: Type.Union([Type.Literal('keep'), Type.Literal('delete')], {
    default: 'keep',
    description: 'What becomes of the contact of a user that is deleted.',
  }),
  SALESFORCE_WEBHOOK_SECRET: Type.Optional(
    Type.String({
      minLength: 32,
      description: 'Secret that Salesforce signs changes with; turns the way back on.',
    }),
  ),
  SALESFORCE_CONFLICTS: Type.Union([Type.Literal('server'), Type.Literal('crm')], {
    default: 'server',
    description: 'Whose value stays where both sides have changed a field.',
  }),
})

export interface SalesforceSettings {
  clientId: string
  username: string
  key: KeyObject
  /** Without a slash at the end. */
  loginUrl: string
  apiVersion: string
  object: string
  externalId: string
  mapping: Mapping
  onDelete: 'keep' | 'delete'
  secret: string | undefined
  conflicts: Side
}

export type Side = 'server' | 'crm'

/** @throws {ConfigError} for what cannot be used; no value that is secret is repeated. */
export function settingsOf(given: Static<typeof Settings>): SalesforceSettings {
  const { SALESFORCE_LOGIN_URL: loginUrl, SALESFORCE_EXTERNAL_ID: externalId } = given
  if (!URL.canParse(loginUrl) || !isSafe(new URL(loginUrl)))
    throw new ConfigError('SALESFORCE_LOGIN_URL must be an https URL, or an http one on loopback')
  return {
    clientId: given.SALESFORCE_CLIENT_ID,
    username: given.SALESFORCE_USERNAME,
    key: keyOf(given.SALESFORCE_PRIVATE_KEY),
    loginUrl: loginUrl.replace(/\/+$/, ''),
    apiVersion: given.SALESFORCE_API_VERSION,
    object: given.SALESFORCE_OBJECT,
    externalId,
    mapping: Mapping.of(given.SALESFORCE_FIELDS, externalId),
    onDelete: given.SALESFORCE_ON_DELETE,
    secret: given.SALESFORCE_WEBHOOK_SECRET,
    conflicts: given.SALESFORCE_CONFLICTS,
  }
}

/** Whether nobody can listen in on the way there: tokens are sent along. */
export function isSafe({ protocol, hostname, username, password, hash }: URL): boolean {
  const own = protocol === 'http:' && isLoopback({ HOST: hostname.replace(/^\[|\]$/g, '') })
  return (protocol === 'https:' || own) && username + password + hash === ''
}

/** What RS256 takes at least (RFC 7518 section 3.3), in bits. */
const leastLength = 2048

function keyOf(text: string): KeyObject {
  const wrong = `SALESFORCE_PRIVATE_KEY must be an RSA key of at least ${leastLength} bits, as PEM or PKCS #8 in Base64`
  const key = read(text.trim())
  const { modulusLength = 0 } = key?.asymmetricKeyDetails ?? {}
  if (key?.asymmetricKeyType !== 'rsa' || modulusLength < leastLength) throw new ConfigError(wrong)
  return key
}

function read(text: string): KeyObject | undefined {
  try {
    if (text.startsWith('-----')) return createPrivateKey(text.replaceAll('\\n', '\n'))
    return createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' })
  } catch {
    // What OpenSSL says of it may hold parts of it.
    return undefined
  }
}
