import { join } from 'node:path'
import { test } from 'tap'
import { catalogue, Problem, type ProblemCode } from '../../../src/errors.ts'
import { Faults } from '../../../src/protocols/soap/errors.ts'
import { XmlReader } from '../../../src/protocols/soap/parse.ts'
import { build } from '../../helper.ts'
import { envelope, send, sendRaw, soap11, soap12, textOf, textsOf } from './message.ts'

const getUser = '<n:getUser><n:id>1</n:id></n:getUser>'
const missing = '<n:getUser><n:id>99</n:id></n:getUser>'

test('each problem is a fault of its own, in both versions', (t) => {
  const faults = new Faults(new Map())
  const matrix = (Object.keys(catalogue) as ProblemCode[]).map((code) => {
    const problem = new Problem(code, 'What & why', { headers: { 'retry-after': '7' } })
    const [one, two] = (['1.1', '1.2'] as const).map((version) => faults.problem(version, problem, 'r-1', undefined))
    for (const each of [one, two]) {
      const body = new XmlReader().read(each?.text ?? '').children[1]
      const detail = body?.children[0]?.children.find(({ local }) => local.toLowerCase() === 'detail')
      const { status, title } = catalogue[code]
      t.same(
        detail?.children[0]?.children.map(({ text }) => text),
        [`urn:septet:problem:${code}`, title, String(status), 'What & why', code, 'r-1'],
      )
      t.equal(textOf(each?.text ?? '', 'RetryAfter'), '7')
    }
    const [, name] = /<detail><(\w+)/.exec(one?.text ?? '') ?? []
    const values = textsOf(two?.text ?? '', 'Value')
    return [code, name, textOf(one?.text ?? '', 'faultcode'), one?.status, ...values, two?.status].join(' ')
  })
  t.same(matrix, [
    'malformed-request MalformedRequestFault soap:Client 500 soap:Sender s:malformed-request 400',
    'validation-failed ValidationFailedFault soap:Client 500 soap:Sender s:validation-failed 400',
    'unauthenticated UnauthenticatedFault soap:Client 500 soap:Sender s:unauthenticated 400',
    'forbidden ForbiddenFault soap:Client 500 soap:Sender s:forbidden 400',
    'not-found NotFoundFault soap:Client 500 soap:Sender s:not-found 400',
    'method-not-allowed MethodNotAllowedFault soap:Client 500 soap:Sender s:method-not-allowed 400',
    'request-timeout RequestTimeoutFault soap:Client 500 soap:Sender s:request-timeout 400',
    'conflict ConflictFault soap:Client 500 soap:Sender s:conflict 400',
    'gone GoneFault soap:Client 500 soap:Sender s:gone 400',
    'precondition-failed PreconditionFailedFault soap:Client 500 soap:Sender s:precondition-failed 400',
    'payload-too-large PayloadTooLargeFault soap:Client 500 soap:Sender s:payload-too-large 400',
    'uri-too-long UriTooLongFault soap:Client 500 soap:Sender s:uri-too-long 400',
    'unsupported-media-type UnsupportedMediaTypeFault soap:Client 500 soap:Sender s:unsupported-media-type 400',
    'misdirected-request MisdirectedRequestFault soap:Client 500 soap:Sender s:misdirected-request 400',
    'upgrade-required UpgradeRequiredFault soap:Client 500 soap:Sender s:upgrade-required 400',
    'idempotency-key-reused IdempotencyKeyReusedFault soap:Client 500 soap:Sender s:idempotency-key-reused 400',
    'rate-limited RateLimitedFault soap:Client 500 soap:Sender s:rate-limited 400',
    'quota-exceeded QuotaExceededFault soap:Client 500 soap:Sender s:quota-exceeded 400',
    'headers-too-large HeadersTooLargeFault soap:Client 500 soap:Sender s:headers-too-large 400',
    'internal InternalFault soap:Server 500 soap:Receiver s:internal 500',
    'unavailable UnavailableFault soap:Server 500 soap:Receiver s:unavailable 500',
    'timeout TimeoutFault soap:Server 500 soap:Receiver s:timeout 500',
  ])
  t.end()
})

test('a violation is listed with its place', async (t) => {
  const { app } = await build(t)
  const { text } = await send(app, '<n:createUser><n:name> </n:name><n:email>x</n:email></n:createUser>')
  t.same(textsOf(text, 'pointer').sort(), ['/email', '/name'])
  t.same(textsOf(text, 'in'), ['body', 'body'])
})

test('the id of a fault is that of the log line', async (t) => {
  const { app, logs } = await build(t)
  const { text } = await send(app, missing)
  const line = logs().find(({ path }) => path === '/users/99')
  t.match(line, { wire: 'soap', status: 404 })
  t.equal(textOf(text, 'requestId'), line?.reqId)
})

test('a cause does not leave, in either version', async (t) => {
  const { app } = await build(t, {}, join(import.meta.dirname, '../../conformance/routes'))
  for (const version of ['1.1', '1.2'] as const) {
    const { status, text } = await send(app, '<n:failInternally/>', { version })
    t.equal(status, 500)
    t.equal(textOf(text, 'code'), 'internal')
    t.notMatch(text, /secret cause|\.ts/)
  }
})

test('another envelope than that of the media type is a version mismatch', async (t) => {
  const { app } = await build(t)
  const cases = [
    ['1.1', soap12],
    ['1.2', soap11],
    ['1.1', 'http://www.w3.org/2001/12/soap-envelope'],
    ['1.2', ''],
  ] as const
  for (const [version, uri] of cases) {
    const message = `<e:Envelope xmlns:e="${uri || 'urn:x'}"><e:Body><x/></e:Body></e:Envelope>`
    const { status, text, headers } = await sendRaw(app, message, { version })
    t.equal(status, 500)
    t.match(text, version === '1.1' ? '<faultcode>soap:VersionMismatch<' : '<soap:Value>soap:VersionMismatch<')
    t.notMatch(text, /etail>/)
    if (version === '1.2')
      t.match(text, /<soap:Upgrade><soap:SupportedEnvelope xmlns:e="http:\/\/www.w3.org\/2003\/05\/soap-envelope"/)
    t.match(headers['content-type'], version === '1.1' ? 'text/xml' : 'application/soap+xml')
  }
})

test('a header block that must be understood and is not is refused, and named', async (t) => {
  const { app } = await build(t)
  const blocks = '<x:Transaction xmlns:x="urn:x" s:mustUnderstand="1">5</x:Transaction>'
  const one = await send(app, getUser, { blocks })
  t.match(one, { status: 500, text: /<faultcode>soap:MustUnderstand<\/faultcode><faultstring>[^<]*Transaction/ })
  t.notMatch(one.text, /detail|Mohamed/)
  const two = await send(app, getUser, { blocks: blocks.replace('"1"', '"true"'), version: '1.2' })
  t.match(two, { status: 500, text: '<soap:Value>soap:MustUnderstand<' })
  t.match(two.text, '<soap:NotUnderstood xmlns:n="urn:x" qname="n:Transaction"/>')
  const unclear = await send(app, getUser, { blocks: blocks.replace('"1"', '"yes"') })
  t.match(unclear.text, '<faultcode>soap:MustUnderstand<')
  const unqualified = await send(app, getUser, { blocks: '<T s:mustUnderstand="1"/>', version: '1.2' })
  t.match(unqualified.text, '<soap:NotUnderstood qname="T"/>')
  t.ok(new XmlReader().read(unqualified.text))
})

test('a header block for somebody else, or that need not be understood, is passed over', async (t) => {
  const { app } = await build(t)
  const passed = [
    ['1.1', '<x:T xmlns:x="urn:x" s:mustUnderstand="0"/>'],
    ['1.1', '<x:T xmlns:x="urn:x" s:mustUnderstand="1" s:actor="urn:other"/>'],
    ['1.2', `<x:T xmlns:x="urn:x" s:mustUnderstand="1" s:role="${soap12}/role/none"/>`],
    ['1.2', '<x:T xmlns:x="urn:x" mustUnderstand="1"/>'],
  ] as const
  for (const [version, blocks] of passed) t.equal((await send(app, getUser, { version, blocks })).status, 200)
  const ours = `<x:T xmlns:x="urn:x" s:mustUnderstand="1" s:role="${soap12}/role/next"/>`
  t.match((await send(app, getUser, { version: '1.2', blocks: ours })).text, 'soap:MustUnderstand')
})

test('an encoding is refused', async (t) => {
  const { app } = await build(t)
  const encoded = '<n:getUser s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><n:id>1</n:id></n:getUser>'
  t.match((await send(app, encoded)).text, '<faultcode>soap:Client<')
  t.match((await send(app, encoded, { version: '1.2' })).text, '<soap:Value>soap:DataEncodingUnknown<')
})

test('the action must be that of the element in the Body, wherever it stands', async (t) => {
  const { app } = await build(t)
  const action = (soapaction: string) => send(app, getUser, { headers: { soapaction } })
  for (const same of ['"urn:septet:v1:getUser"', 'urn:septet:v1:getUser', '""', ''])
    t.equal((await action(same)).status, 200, same)
  for (const other of ['"urn:septet:v1:deleteUser"', '"getUser"', '"urn:septet:v1:getUser', 'x'])
    t.equal(textOf((await action(other)).text, 'code'), 'malformed-request', other)
  const parameter = (value: string) =>
    send(app, getUser, {
      version: '1.2',
      headers: { 'content-type': `application/soap+xml; charset=utf-8; action=${value}` },
    })
  t.equal((await parameter('"urn:septet:v1:getUser"')).status, 200)
  t.equal((await parameter('"urn:septet:v1:deleteUser"')).status, 400)
  const block = '<a:Action xmlns:a="http://www.w3.org/2005/08/addressing">urn:septet:v1:deleteUser</a:Action>'
  t.equal((await send(app, getUser, { blocks: block })).status, 500)
})

test('an operation that is none, or of another namespace, is not found', async (t) => {
  const { app } = await build(t)
  for (const body of ['<n:nothing/>', '<getUser xmlns="urn:other"><id>1</id></getUser>', '<getUser/>'])
    t.equal(textOf((await send(app, body)).text, 'code'), 'not-found')
})

test('what is no message of SOAP is answered as over REST: another media type, no body', async (t) => {
  const { app } = await build(t)
  for (const type of ['application/json', 'application/xml', 'multipart/related; type="application/xop+xml"']) {
    const { status, text } = await sendRaw(app, envelope(getUser), { headers: { 'content-type': type } })
    t.match({ status, ...JSON.parse(text) }, { status: 415, code: 'unsupported-media-type' })
  }
  const { text } = await sendRaw(app, '')
  t.equal(textOf(text, 'code'), 'malformed-request')
})

test('a message that is too large is a fault', async (t) => {
  const { app } = await build(t, { BODY_LIMIT: '2048' })
  const large = `<n:createUser><n:name>${'a'.repeat(4096)}</n:name></n:createUser>`
  const one = await send(app, large)
  t.match({ status: one.status, code: textOf(one.text, 'code') }, { status: 500, code: 'payload-too-large' })
  const two = await send(app, large, { version: '1.2' })
  t.match(two, { status: 400, text: 's:payload-too-large' })
})
