import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { securityHeaders } from '../../../src/contract/security-headers.ts'
import { build, listen } from '../../helper.ts'
import { seen } from '../websocket/routes/slow.ts'
import { envelope, mediaType, send, sendRaw, textOf } from './message.ts'

const slow = join(import.meta.dirname, '../websocket/routes')
const getUser = (id: number) => `<n:getUser><n:id>${id}</n:id></n:getUser>`

async function open(t: Test, settings: Record<string, string> = {}) {
  const { app, logs } = await build(t, settings)
  let read = 0
  return {
    app,
    logs,
    /** What was logged of requests since the last time. */
    lines: () => {
      const all = logs().filter(({ msg }) => msg === 'request')
      const fresh = all.slice(read).map(({ path, status, wire }) => ({ path, status, wire }))
      read = all.length
      return fresh
    },
    counted: async () =>
      (await app.inject('/metrics')).body
        .split('\n')
        .filter((line) => line.startsWith('http_request_duration_seconds_count') && line.includes('"/soap"')),
  }
}

test('a message is logged and counted as its call, also where that fails', async (t) => {
  const { app, lines, counted } = await open(t)
  for (const version of ['1.1', '1.2'] as const) {
    await send(app, getUser(1), { version })
    await send(app, getUser(99), { version })
    await send(app, getUser(0), { version })
    t.same(lines(), [
      { path: '/users/1', status: 200, wire: 'soap' },
      { path: '/users/99', status: 404, wire: 'soap' },
      { path: '/users/0', status: 400, wire: 'soap' },
    ])
  }
  t.same(await counted(), [])
})

test('a message that never becomes a call is logged and counted itself', async (t) => {
  const { app, lines, counted } = await open(t, { BODY_LIMIT: '1024' })
  const itself = (status: number) => [{ path: '/soap', status, wire: undefined }]
  await sendRaw(app, '<a')
  t.same(lines(), itself(500))
  await send(app, '<n:nothing/>', { version: '1.2' })
  t.same(lines(), itself(400))
  await send(app, `<n:getUser>${' '.repeat(2000)}</n:getUser>`)
  t.same(lines(), itself(500))
  await sendRaw(app, 'x', { headers: { 'content-type': 'application/json' } })
  t.same(lines(), itself(415))
  const counts = await counted()
  for (const status of [400, 415, 500])
    t.ok(
      counts.some((line) => line.includes(`status="${status}"`)),
      `${status}`,
    )
})

test('answers have the headers that protect all others', async (t) => {
  const { app } = await open(t)
  for (const body of [getUser(1), getUser(99), '<n:nothing/>']) {
    const { headers, text } = await send(app, body)
    t.match(headers, { ...securityHeaders, 'content-type': 'text/xml; charset=utf-8' })
    t.equal(headers['content-length'], String(Buffer.byteLength(text)))
  }
})

test('a body longer than BODY_LIMIT is a fault, whether it says so or not, and its connection closed', async (t) => {
  const { base } = await listen(t, { BODY_LIMIT: '1024' })
  const post = (body: string, headers: Record<string, string>) =>
    new Promise<{ status: number | undefined; connection: string | undefined; code: string | undefined }>(
      (resolve, reject) => {
        const sent = { 'content-type': mediaType['1.2'], ...headers }
        const request = httpRequest(`${base}/soap`, { method: 'POST', headers: sent }, async (answer) => {
          let text = ''
          for await (const chunk of answer) text += String(chunk)
          resolve({ status: answer.statusCode, connection: answer.headers.connection, code: textOf(text, 'code') })
        })
        request.on('error', reject)
        request.write(body.slice(0, 700))
        request.end(body.slice(700))
      },
    )
  const short = envelope(getUser(1), { version: '1.2' })
  const long = short + ' '.repeat(1024)
  for (const headers of [(text: string) => ({ 'content-length': String(text.length) }), () => ({})]) {
    t.match(await post(short, headers(short)), { status: 200, connection: 'keep-alive' })
    t.match(await post(long, headers(long)), { status: 400, connection: 'close', code: 'payload-too-large' })
  }
})

test('a media type is read as a whole, its parameters in any order', async (t) => {
  const { app } = await open(t)
  const sent = async (type: string, version: '1.1' | '1.2') =>
    (await sendRaw(app, envelope(getUser(1), { version }), { headers: { 'content-type': type } })).status
  for (const type of ['text/xml', 'TEXT/XML;charset="UTF-8"', 'text/xml ; charset = utf-8', 'text/xml; a="charset=x"'])
    t.equal(await sent(type, '1.1'), 200, type)
  for (const type of [
    'application/soap+xml',
    'application/soap+xml; action="urn:septet:v1:getUser"; charset=utf-8',
    'application/soap+xml;charset=utf-8;action=urn:septet:v1:getUser',
  ])
    t.equal(await sent(type, '1.2'), 200, type)
  for (const type of ['text/xmlx', 'text/xml-external-parsed-entity', 'application/soap', 'text/plain; text/xml', ''])
    t.equal(await sent(type, '1.1'), 415, type)
})

test('the WSDL is asked for by HEAD too, and messages are neither', async (t) => {
  const { app } = await open(t)
  const ask = async (method: 'GET' | 'HEAD', url: string) => {
    const { statusCode, headers, body } = await app.inject({ method, url })
    return { status: statusCode, type: headers['content-type'], length: body.length > 0 }
  }
  const type = 'text/xml; charset=utf-8'
  t.same(await ask('GET', '/soap?WSDL'), { status: 200, type, length: true })
  t.same(await ask('HEAD', '/soap?wsdl'), { status: 200, type, length: false })
  t.match(await ask('GET', '/soap'), { status: 405 })
  t.match(await ask('HEAD', '/soap'), { status: 405 })
})

test('what refuses other requests at the door refuses messages, as a fault', async (t) => {
  const { app } = await open(t)
  const { status, text } = await send(app, getUser(1), { headers: { host: 'rebound.example.com' } })
  t.match({ status, code: textOf(text, 'code') }, { status: 500, code: 'misdirected-request' })
})

test('a client that goes before its answer aborts its operation', async (t) => {
  const { base } = await listen(t, {}, slow)
  const before = { ...seen }
  const leave = new AbortController()
  const gone = fetch(`${base}/soap`, {
    method: 'POST',
    headers: { 'content-type': mediaType['1.1'] },
    body: envelope('<n:wait><n:ms>1000</n:ms></n:wait>'),
    signal: leave.signal,
  })
  await sleep(200)
  t.equal(seen.begun - before.begun, 1)
  leave.abort()
  await t.rejects(gone)
  await sleep(100)
  t.equal(seen.aborted - before.aborted, 1)
})

test('a failure of SOAP itself is a fault whose cause stays in the log', async (t) => {
  const { app, logs } = await open(t)
  app.soap.answer = () => Promise.reject(new Error('a secret cause'))
  const { status, text } = await send(app, getUser(1))
  t.match({ status, code: textOf(text, 'code') }, { status: 500, code: 'internal' })
  t.notMatch(text, 'secret')
  await sleep(50)
  t.match(JSON.stringify(logs()), 'a secret cause')
})
