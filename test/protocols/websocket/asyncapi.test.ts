import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import { type Test, test } from 'tap'
import { parse, stringify } from 'yaml'
import { clients, runNode, skip } from '../../contract/foreign-tools.ts'
import { build, everyConnector, listen } from '../../helper.ts'
import { makeKey } from '../../keys.ts'
import { connect as openDataChannel } from '../webrtc/client.ts'
import { connect } from './client.ts'

const file = join(import.meta.dirname, '..', '..', '..', 'contracts', 'asyncapi.yaml')
const committed = readFileSync(file, 'utf8')

const ownMethods = ['authenticate', 'subscribe', 'unsubscribe']

interface Message {
  payload: object
}
interface Document {
  servers: Record<string, { protocol: string; host: string; pathname?: string }>
  channels: Record<string, { address: string; servers: { $ref: string }[]; messages: Record<string, object> }>
  operations: Record<string, { messages: object[]; reply: { messages: object[] }; security?: object[] }> & {
    notify: { action: string; messages: { $ref: string }[] }
    closing: { action: string; channel: object }
  }
  components: { messages: Record<string, Message>; schemas: Record<string, object> }
}

test('the committed document is the live one, and is served', async (t) => {
  const { app } = await build(t, await everyConnector())
  t.equal(app.webSockets.document, committed, 'run npm run contracts')
  const answer = await app.inject('/contracts/asyncapi.yaml')
  t.equal(answer.body, committed)
  t.match(answer.headers['content-type'], 'application/yaml')
})

test('every operation is a request with its reply', async (t) => {
  const { app } = await build(t, await everyConnector())
  const {
    operations: { notify, closing, ...operations },
  } = parse(committed) as Document
  t.same(Object.keys(operations).sort(), [...ownMethods, ...app.contract.keys()].sort())
  for (const [name, { messages, reply, security }] of Object.entries(operations)) {
    const of = (kind: string) => ({ $ref: `#/channels/jsonRpc/messages/${kind}` })
    t.same(messages, [of(`${name}Request`)])
    t.same(reply.messages, [of(`${name}Result`), of(`${name}Error`), of('refused')])
    t.equal(security !== undefined, app.contract.get(name)?.access !== undefined, `${name}: security`)
  }
})

test('what is sent and answered is as the document says', async (t) => {
  const { base } = await listen(t)
  const client = await connect(t, base)
  const calls: [method: string, kind: 'Result' | 'Error', params: object, meta?: object][] = [
    ['getUser', 'Result', { id: 1 }],
    ['getUser', 'Error', { id: 99 }],
    ['getUser', 'Result', { id: 1 }, { 'x-request-id': 'a' }],
    ['createUser', 'Result', { name: 'Zoë', email: 'zoe@example.com' }, { 'idempotency-key': 'a' }],
    ['createUser', 'Error', { name: 'Zoë', email: 'zoe@example.com' }],
    ['listUsers', 'Result', { limit: 1 }, { prefer: 'count=exact' }],
    ['listUsers', 'Result', {}],
    ['deleteUser', 'Result', { id: 3 }],
    ['listKeys', 'Error', {}],
    ['authenticate', 'Error', { token: 'wrong' }],
    ['subscribe', 'Result', {}],
    ['subscribe', 'Result', { operation: 'listEvents', types: ['user.*'], subject: '/users/1', cursor: '0' }],
    ['subscribe', 'Error', { types: ['user.gone'] }],
    ['unsubscribe', 'Result', { subscription: '1' }],
  ]
  const isValid = validator(t)
  for (const [method, kind, params, meta] of calls) {
    isValid(`${method}Request`, JSON.parse(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params, meta })))
    isValid(`${method}${kind}`, await client.call(method, params, { meta }))
  }
  isValid('refused', await client.send('['))
  isValid('refused', await client.send([]))
  isValid('refused', await client.call('foobar'))
})

test('what is told unasked is as the document says, each event with its own data', async (t) => {
  const { app, base } = await listen(t, await everyConnector())
  const { notify } = (parse(committed) as Document).operations
  t.equal(notify.action, 'send')
  const named = notify.messages.map(({ $ref }) => $ref.split('/').at(-1))
  t.same(named.sort(), [...app.events.types.keys(), 'subscriptionEnded'].sort())
  const admin = app.apiKeys.first ?? ''
  const headers = { 'x-api-key': admin }
  const client = await connect(t, base, { headers })
  await client.call('subscribe', { cursor: '0' })
  const { id, key } = await makeKey(app, admin, ['events:read'])
  await app.inject({ method: 'PATCH', url: `/keys/${id}`, headers, payload: { name: 'another' } })
  await app.inject({ method: 'POST', url: `/keys/${id}/rotate`, headers, payload: {} })
  const leaving = await connect(t, base, { headers: { 'x-api-key': key } })
  await leaving.call('subscribe')
  await app.inject({ method: 'DELETE', url: `/keys/${id}`, headers })
  const reset = { email: 'mohamed@example.com' }
  await app.inject({ method: 'POST', url: '/auth/request-password-reset', payload: reset })
  await app.accounts.afterwards.done()
  await app.inject({ method: 'PATCH', url: '/users/1', payload: { name: 'Zoë' } })
  await app.inject({ method: 'DELETE', url: '/users/1' })
  const isValid = validator(t)
  const told = new Set<string>()
  for (const notice of [...(await client.told(9)), ...(await leaving.told(1))]) {
    const name = notice.params.event?.type ?? notice.method
    told.add(name)
    isValid(name, notice)
  }
  // The server disables an endpoint after days of failures: its own tests see to it.
  told.add('webhook-endpoint.disabled')
  // What a connector or a room brings about, their own tests see to.
  for (const type of app.events.types.keys()) if (/^(payment|refund|room)\./.test(type)) told.add(type)
  t.same([...told].sort(), named)
})

test('the data channel is a channel of its own, and what it says before its end is as the document says', async (t) => {
  const { servers, channels, operations } = parse(committed) as Document
  const { peer } = servers
  t.match(peer, { protocol: 'webrtc', pathname: '/rtc' })
  t.match(channels.dataChannel, { address: 'json-rpc', servers: [{ $ref: '#/servers/peer' }] })
  t.match(operations.closing, { action: 'send', channel: { $ref: '#/channels/dataChannel' } })
  const { app, base } = await listen(t)
  const label = channels.dataChannel?.address ?? ''
  const client = await openDataChannel(t, base, { channels: { [label]: {} } })
  t.match(await client.call('getUser', { id: 1 }, {}, label), { result: { id: 1 } })
  const closed = client.closed()
  await app.close()
  await closed
  const isValid = validator(t)
  isValid('closing', client.notices.at(-1))
  t.equal(client.notices.length, 1)
})

/** One operation of the document, with an action that there is not: the parser takes half a minute for all of it. */
function brokenPart(): object {
  const document = parse(committed)
  const { channels, components, operations } = document
  const ofUser = (messages: object) => Object.entries(messages).filter(([name]) => /^(getUser[RE]|refused)/.test(name))
  channels.jsonRpc.messages = Object.fromEntries(ofUser(channels.jsonRpc.messages))
  components.messages = Object.fromEntries(ofUser(components.messages))
  return { ...document, operations: { getUser: { ...operations.getUser, action: 'listen' } } }
}

/** Asserts that a message is as the committed document says. */
function validator(t: Test): (name: string, value: unknown) => void {
  const { components } = parse(committed) as Document
  const ajv = new Ajv({ strict: false })
  formats.default(ajv)
  ajv.addFormat('idn-email', true)
  ajv.addSchema({ $id: 'document', components })
  return (name, value) => {
    const payload = ajv.getSchema(`document#/components/messages/${name}/payload`)
    t.equal(payload?.(value), true, `${name} ${JSON.stringify(value)} ${JSON.stringify(payload?.errors)}`)
  }
}

test('@asyncapi/parser finds no error and no warning', { skip }, async (t) => {
  const { stdout, stderr } = await runNode(join(clients, 'asyncapi', 'validate.mjs'), file)
  t.equal(stderr, '')
  const { diagnostics, operations } = JSON.parse(stdout) as { diagnostics: { code: string }[]; operations: string[] }
  // Tools that read 3.1 read 3.0; not all read 3.1.
  t.strictSame(
    diagnostics.filter(({ code }) => code !== 'asyncapi-latest-version'),
    [],
  )
  t.ok(operations.includes('getUser'))
})

test('@asyncapi/parser finds what it is asked to find', { skip }, async (t) => {
  const path = t.testdir({ 'broken.yaml': stringify(brokenPart()) })
  const { stdout } = await runNode(join(clients, 'asyncapi', 'validate.mjs'), join(path, 'broken.yaml'))
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { path: string[] }[] }
  t.ok(diagnostics.some(({ path }) => path.join('/') === 'operations/getUser/action'))
})
