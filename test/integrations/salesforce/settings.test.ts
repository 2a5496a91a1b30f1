import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'tap'
import { ConfigError } from '../../../src/config.ts'
import { Mapping } from '../../../src/integrations/salesforce/mapping.ts'
import { Settings, settingsOf } from '../../../src/integrations/salesforce/settings.ts'
import { build } from '../../helper.ts'
import { clientId, username } from './counterpart.ts'
import { privateKey, settingsFor } from './setup.ts'

const url = 'https://login.salesforce.com'
const read = (settings: Record<string, string>) => settingsOf(settingsFor({ url }, settings))
const pem = String(privateKey.export({ format: 'pem', type: 'pkcs8' }))
const oldPem = String(privateKey.export({ format: 'pem', type: 'pkcs1' }))

// The first: what the others load stays.
test('without settings it is off, and nothing of jsforce is loaded, nor what calls others', async (t) => {
  const { app, logs } = await build(t, { LOG_LEVEL: 'info' })
  t.equal(app.connectors.connection('salesforce'), undefined)
  t.equal(
    logs().filter(({ msg }) => /^the connector salesforce is off: it needs SALESFORCE_CLIENT_ID/.test(String(msg)))
      .length,
    1,
  )
  const loaded = Object.keys(createRequire(import.meta.url).cache)
  t.ok(
    loaded.some((path) => path.includes('/fastify/')),
    'modules are seen there',
  )
  t.same(
    loaded.filter((path) => /\/(jsforce|undici)\//.test(path)),
    [],
  )
})

test('every setting is in the README, with its default', (t) => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| `(SALESFORCE_\w+)` +\| (?:`([^`]+)`)? +\|/gm)].map(([, ...row]) => row)
  t.same(
    rows.sort(),
    Object.entries(Settings.properties)
      .map(([name, schema]) => [name, schema.default])
      .sort(),
  )
  t.end()
})

test('the key is PEM, as it is or with its line ends written, or PKCS #8 in Base64', (t) => {
  for (const key of [pem, oldPem, pem.replaceAll('\n', '\\n'), pem.split('\n').slice(1, -2).join('')]) {
    t.ok(read({ SALESFORCE_PRIVATE_KEY: key }).key.equals(privateKey))
  }
  t.end()
})

test('a key that cannot sign is refused, and not repeated', (t) => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
  const keys = [ec, short].map((key) => String(key.export({ format: 'pem', type: 'pkcs8' })))
  for (const key of [...keys, 'hunter2', pem.slice(0, 400), '-----BEGIN PRIVATE KEY-----\nhunter2']) {
    const error = t.throws(() => read({ SALESFORCE_PRIVATE_KEY: key })) as unknown as Error
    t.ok(error instanceof ConfigError)
    t.match(error.message, /^SALESFORCE_PRIVATE_KEY must be an RSA key of at least 2048 bits/)
    t.notMatch(error.message, /hunter2|BEGIN/)
  }
  t.end()
})

test('tokens are asked for over https, or on loopback', (t) => {
  for (const given of ['http://login.salesforce.com', 'ftp://x', 'nothing', 'https://user:password@example.com']) {
    t.throws(() => read({ SALESFORCE_LOGIN_URL: given }), { message: /^SALESFORCE_LOGIN_URL must/ })
  }
  t.equal(read({ SALESFORCE_LOGIN_URL: 'https://test.salesforce.com/' }).loginUrl, 'https://test.salesforce.com')
  t.equal(read({ SALESFORCE_LOGIN_URL: 'http://127.0.0.1:80' }).loginUrl, 'http://127.0.0.1:80')
  t.end()
})

test('a mapping names each thing once, and leaves the external id alone', (t) => {
  const of = (setting: string) => Mapping.of(setting, 'Septet_User_Id__c')
  t.throws(() => of('name:LastName name:Title'), { message: 'SALESFORCE_FIELDS names the property name twice' })
  t.throws(() => of('name:LastName email:lastname'), { message: 'SALESFORCE_FIELDS names the field lastname twice' })
  t.throws(() => of('id:septet_user_id__c'), { message: 'SALESFORCE_FIELDS cannot name septet_user_id__c' })
  t.throws(() => of('name:type'), { message: 'SALESFORCE_FIELDS cannot name type' })
  t.same(of('name:Type').names, ['Type'])
  t.throws(() => of('name:attributes'), { message: 'SALESFORCE_FIELDS cannot name attributes' })
  t.throws(() => of('id:Id'), { message: 'SALESFORCE_FIELDS cannot name Id' })
  t.end()
})

test('a start with wrong settings ends, and says which', async (t) => {
  const settings = { SALESFORCE_CLIENT_ID: clientId, SALESFORCE_USERNAME: username, SALESFORCE_PRIVATE_KEY: pem }
  await t.rejects(build(t, { ...settings, SALESFORCE_FIELDS: 'name' }), { message: /^SALESFORCE_FIELDS must match/ })
  const unknown = { ...settings, SALESFORCE_FIELDS: 'name:LastName phone:Phone' }
  await t.rejects(build(t, unknown), { message: 'SALESFORCE_FIELDS names phone, which users do not have' })
  await t.rejects(build(t, { ...settings, SALESFORCE_PRIVATE_KEY: '' }), {
    message: /^SALESFORCE_PRIVATE_KEY must be set/,
  })
  const error = (await build(t, { ...settings, SALESFORCE_WEBHOOK_SECRET: 'hunter2' }).catch((each) => each)) as Error
  t.equal(error.message, 'SALESFORCE_WEBHOOK_SECRET must NOT have fewer than 32 characters')
})
