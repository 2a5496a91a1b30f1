import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import type { XmlElement } from '../../../src/protocols/soap/element.ts'
import { XmlReader } from '../../../src/protocols/soap/parse.ts'
import { build, everyConnector } from '../../helper.ts'

const committed = readFileSync(join(import.meta.dirname, '../../../contracts/service.wsdl'), 'utf8')
/** The file is ours. */
const fileLimits = {
  depth: 32,
  elements: 1_000_000,
  attributes: 32,
  attributeLength: 4096,
  nameLength: 256,
  namespaces: 256,
}
const root = new XmlReader(fileLimits).read(committed)

const wsdl = 'http://schemas.xmlsoap.org/wsdl/'
const soap = { SeptetSoap11: `${wsdl}soap/`, SeptetSoap12: `${wsdl}soap12/` } as Record<string, string>
const xsd = 'http://www.w3.org/2001/XMLSchema'

const get = ({ attributes }: XmlElement, name: string) => attributes.find(({ local }) => local === name)?.value
const all = (element: XmlElement, local: string): XmlElement[] =>
  element.children.flatMap((child) => [...(child.local === local ? [child] : []), ...all(child, local)])
const own = (element: XmlElement, local: string) => element.children.filter((child) => child.local === local)
const one = (element: XmlElement, local: string) => own(element, local)[0] as XmlElement
const named = (elements: readonly XmlElement[]) => elements.map((each) => get(each, 'name') ?? '')

test('contracts/service.wsdl is what the routes give (npm run contracts writes it)', async (t) => {
  const { app } = await build(t, await everyConnector())
  t.equal(app.soap.wsdl('http://localhost:8080/soap') === committed, true)
})

test('it is served with the address that the request has reached, or PUBLIC_URL', async (t) => {
  const { app } = await build(t, await everyConnector())
  const address = async (url: string, headers = {}, from = app) =>
    /soap:address location="([^"]*)"/.exec((await from.inject({ url, headers })).body)?.[1]
  t.equal(await address('/soap?wsdl', { host: 'localhost:99' }), 'http://localhost:99/soap')
  t.equal(await address('/soap?WSDL=', { host: '127.0.0.1' }), 'http://127.0.0.1/soap')
  t.equal(await address('/contracts/service.wsdl', { host: 'localhost' }), 'http://localhost/soap')
  const forwarded = { host: 'localhost', 'x-forwarded-host': 'api.example.com', 'x-forwarded-proto': 'https' }
  t.equal(await address('/soap?wsdl', forwarded), 'http://localhost/soap', 'from nobody who is trusted')
  const { app: behind } = await build(t, { TRUST_PROXY: '127.0.0.1' })
  t.equal(await address('/soap?wsdl', forwarded, behind), 'https://api.example.com/soap')
  const { app: published } = await build(t, { PUBLIC_URL: 'https://septet.example' })
  t.equal(await address('/soap?wsdl', { host: 'localhost' }, published), 'https://septet.example/soap')
})

test('a host that is none does not get into the document', async (t) => {
  const { app } = await build(t, { HOST: '0.0.0.0', SECRET: 'x'.repeat(32), TRUST_PROXY: '127.0.0.1' })
  for (const wrong of [
    ...['a"><x/>', 'a b', 'a<b', "a'b", 'a/b', ''].map((host) => ({ 'x-forwarded-host': host })),
    { 'x-forwarded-proto': 'javascript' },
  ]) {
    const { body } = await app.inject({ url: '/soap?wsdl', headers: { host: 'localhost', ...wrong } })
    t.match(/soap:address location="([^"]*)"/.exec(body)?.[1], /^http:\/\/localhost(:8080)?\/soap$/)
  }
})

test('GET without ?wsdl says how messages are sent', async (t) => {
  const { app } = await build(t)
  const { statusCode, headers } = await app.inject({ url: '/soap' })
  t.match({ statusCode, allow: headers.allow }, { statusCode: 405, allow: 'POST' })
})

test('every operation is in the port type and in both bindings, with its action', async (t) => {
  const { app } = await build(t, await everyConnector())
  const expected = [...app.contract.keys()].sort()
  t.same(named(own(one(root, 'portType'), 'operation')), expected)
  for (const binding of own(root, 'binding')) {
    const operations = own(binding, 'operation')
    t.same(named(operations), expected)
    for (const operation of operations)
      t.equal(get(one(operation, 'operation'), 'soapAction'), `urn:septet:v1:${get(operation, 'name')}`)
  }
})

// WS-I Basic Profile 1.1, by the numbers of its requirements.
test('definitions are in the order of the schema of WSDL, in one namespace (R2105, R2022, R2023)', (t) => {
  const order = ['documentation', 'types', 'message', 'portType', 'binding', 'service']
  const kinds = root.children.map(({ local }) => order.indexOf(local))
  t.same(
    kinds,
    [...kinds].sort((a, b) => a - b),
  )
  t.notOk(kinds.includes(-1))
  t.equal(get(root, 'targetNamespace'), 'urn:septet:v1')
  t.same(
    all(root, 'schema').map((schema) => get(schema, 'targetNamespace')),
    ['urn:septet:v1'],
  )
  t.end()
})

test('each message has one part, which names an element that is declared (R2204, R2206, R2201, R2210)', (t) => {
  const elements = named(own(one(one(root, 'types'), 'schema'), 'element'))
  t.equal(new Set(elements).size, elements.length)
  for (const message of own(root, 'message')) {
    const parts = own(message, 'part')
    t.equal(parts.length, 1)
    const element = parts[0] && get(parts[0], 'element')
    t.ok(elements.includes(element?.replace(/^tns:/, '') ?? ''), String(element))
    t.equal(get(parts[0] as XmlElement, 'type'), undefined)
  }
  t.end()
})

test('operations have names of their own, one input and one output (R2303, R2304)', (t) => {
  const operations = own(one(root, 'portType'), 'operation')
  t.equal(new Set(named(operations)).size, operations.length)
  const messages = named(own(root, 'message'))
  for (const operation of operations) {
    const kinds = operation.children.map(({ local }) => local).filter((local) => local !== 'fault')
    t.same(kinds, ['documentation', 'input', 'output'])
    for (const each of operation.children.slice(1))
      t.ok(messages.includes(get(each, 'message')?.replace(/^tns:/, '') ?? ''))
  }
  t.end()
})

test('bindings are document/literal over HTTP, and name the faults of the port type (R2401, R2701, R2702, R2705, R2706, R2721, R2740)', (t) => {
  const declared = new Map(
    own(one(root, 'portType'), 'operation').map((each) => [get(each, 'name'), named(own(each, 'fault'))]),
  )
  for (const binding of own(root, 'binding')) {
    const namespace = soap[get(binding, 'name') ?? '']
    const [extension] = own(binding, 'binding')
    t.match(extension, { uri: namespace })
    t.equal(get(extension as XmlElement, 'transport'), 'http://schemas.xmlsoap.org/soap/http')
    t.equal(get(extension as XmlElement, 'style'), 'document')
    for (const operation of own(binding, 'operation')) {
      t.equal(get(one(operation, 'operation'), 'style'), 'document')
      for (const end of ['input', 'output']) {
        const [body, ...more] = one(operation, end).children
        t.match({ uri: body?.uri, local: body?.local, more }, { uri: namespace, local: 'body', more: [] })
        t.same(
          body?.attributes.map(({ local, value }) => [local, value]),
          [['use', 'literal']],
        )
      }
      const faults = own(operation, 'fault')
      t.same(named(faults), declared.get(get(operation, 'name')))
      for (const fault of faults) {
        const [inner] = fault.children
        t.equal(get(inner as XmlElement, 'name'), get(fault, 'name'))
        t.equal(get(inner as XmlElement, 'use'), 'literal')
      }
    }
  }
  t.end()
})

test('types are of XML Schema 1.0 and resolve; none is an array of the encoding (R2110 to R2113, R2800, R2801)', (t) => {
  const schema = one(one(root, 'types'), 'schema')
  t.equal(schema.uri, xsd)
  const types = named(schema.children.filter(({ local }) => local.endsWith('Type')))
  t.equal(new Set(types).size, types.length)
  const builtIn = ['string', 'dateTime', 'int', 'long', 'double', 'boolean'].map((name) => `xs:${name}`)
  const used = [
    ...all(schema, 'element').map((each) => get(each, 'type')),
    ...all(schema, 'restriction').map((each) => get(each, 'base')),
  ]
  const known = [...builtIn, ...types.map((name) => `tns:${name}`), undefined]
  t.same(
    used.filter((type) => !known.includes(type)),
    [],
  )
  t.notOk(types.some((name) => name.startsWith('ArrayOf')))
  t.equal(get(schema, 'elementFormDefault'), 'qualified')
  t.end()
})

test('what is not served is said', (t) => {
  t.match(one(root, 'documentation').text, /Not served: MTOM .*WS-Addressing beyond RelatesTo/)
  t.end()
})
