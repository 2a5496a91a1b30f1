/**
 * `node bench/soap.ts [--quick]`: getUser over `/soap` per CPU second of the server, against the `soap` package of npm
 * on `node:http` with a handler written by hand on the same rows.
 */

import { createServer } from 'node:http'
import Database from 'better-sqlite3'
import { listen } from 'soap'
import { type Options, readOptions } from './options.ts'
import { pinned } from './processes.ts'
import { progress, table } from './report.ts'
import { soapMessage } from './requests.ts'
import { Load, takeTurns } from './rounds.ts'
import type { Server } from './servers.ts'
import { inBothStates, rowOf, startWireServers, stopAll } from './wires.ts'

/** Least ratio. */
const bar = 1.3

async function compare(options: Options): Promise<void> {
  const { users, idle, connections } = options
  const servers = await startWireServers({ name: 'soap of npm', script: import.meta.filename, ask }, options)
  const { septet, unkept, bare } = servers
  const load = new Load()
  const rows = await inBothStates(idle, async (state) => {
    progress(state)
    const contenders = [septet, bare, unkept].map((server) => ({ server, kind: 'soap', connections, users }) as const)
    const [ours = [], bares = [], others = []] = await takeTurns(load, contenders, options)
    return [rowOf(state, ours, bares, bar), rowOf('  KEEP_BYTES=0', others, bares)]
  })
  const head = ['', 'Septet /CPU s', 'npm soap', 'ratio', 'bar', '', 'busy']
  process.stdout.write(`${pinned ? '' : 'NOT pinned to cores\n'}${table('getUser over /soap', head, rows)}`)
  for (const error of load.errors) process.stdout.write(`ERROR ${error}\n`)
  await stopAll(servers)
}

/** The properties of the user that an answer holds; how they are wrapped differs. */
async function ask({ port }: Server, id: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/soap`, {
    method: 'POST',
    headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: '"urn:septet:v1:getUser"' },
    body: soapMessage(id),
  })
  const text = await answer.text()
  const values = [...text.matchAll(/<(?:\w+:)?(id|name|email|createdAt|updatedAt)>([^<]*)</g)]
  if (values.length !== 5) throw new Error(text)
  return JSON.stringify(values.map(([, name, value]) => [name, value]))
}

/** What the package does with the one operation, whose id it judges: no access, no log, no metrics, no limits. */
function serveBare(file: string, port: number): void {
  const database = new Database(file)
  database.pragma('cache_size = -16000')
  const detail = database.prepare<[number], Record<string, unknown>>(
    'select id, name, email, created_at as createdAt, updated_at as updatedAt from users where id = ?',
  )
  const getUser = ({ id }: { id: unknown }) => {
    const given = Number(id)
    if (!Number.isSafeInteger(given) || given < 1) throw fault('soap:Client', 'id must be a whole number from 1')
    const result = detail.get(given)
    if (result === undefined) throw fault('soap:Client', 'User not found')
    return { result }
  }
  const server = createServer((_request, response) => response.writeHead(404).end())
  listen(server, {
    path: '/soap',
    services: { Septet: { SeptetSoap11: { getUser } } },
    xml: wsdl,
    enableChunkedEncoding: false,
  })
  server.listen(port, '127.0.0.1')
}

function fault(faultcode: string, faultstring: string): object {
  return { Fault: { faultcode, faultstring } }
}

const properties = ['id" type="xs:long', ...['name', 'email'].map((name) => `${name}" type="xs:string`)]
const moments = ['createdAt', 'updatedAt'].map((name) => `${name}" type="xs:dateTime`)

const wsdl = `<wsdl:definitions name="Septet" targetNamespace="urn:septet:v1" xmlns:tns="urn:septet:v1" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<wsdl:types><xs:schema targetNamespace="urn:septet:v1" elementFormDefault="qualified">
<xs:complexType name="UserDetail"><xs:sequence>${[...properties, ...moments].map((each) => `<xs:element name="${each}"/>`).join('')}</xs:sequence></xs:complexType>
<xs:element name="getUser"><xs:complexType><xs:sequence><xs:element name="id" type="xs:long"/></xs:sequence></xs:complexType></xs:element>
<xs:element name="getUserResponse"><xs:complexType><xs:sequence><xs:element name="result" type="tns:UserDetail"/></xs:sequence></xs:complexType></xs:element>
</xs:schema></wsdl:types>
<wsdl:message name="getUser"><wsdl:part name="parameters" element="tns:getUser"/></wsdl:message>
<wsdl:message name="getUserResponse"><wsdl:part name="parameters" element="tns:getUserResponse"/></wsdl:message>
<wsdl:portType name="Septet"><wsdl:operation name="getUser"><wsdl:input message="tns:getUser"/><wsdl:output message="tns:getUserResponse"/></wsdl:operation></wsdl:portType>
<wsdl:binding name="SeptetSoap11" type="tns:Septet"><soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
<wsdl:operation name="getUser"><soap:operation soapAction="urn:septet:v1:getUser" style="document"/><wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output></wsdl:operation></wsdl:binding>
<wsdl:service name="Septet"><wsdl:port name="SeptetSoap11" binding="tns:SeptetSoap11"><soap:address location="http://127.0.0.1/soap"/></wsdl:port></wsdl:service>
</wsdl:definitions>`

const [mode, file = '', port = ''] = process.argv.slice(2)
if (mode === 'bare') serveBare(file, Number(port))
else {
  await compare(readOptions(process.argv.slice(2)))
  process.exit()
}
